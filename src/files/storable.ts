// What a checkpoint can hold of an optimizer and of a user's state, told when it is made and not at the first checkpoint.
import { isPlain, kindOf, show, tagOf } from "../base/errors.js";
import { flatten, under } from "../base/tree.js";
import { Slot } from "../core/parameter-block.js";
import { isTensor } from "../core/tensor.js";

/** A number of an optimizer's state: its holder, its key there, and its path. */
export interface Counter {
  readonly holder: any;
  readonly key: string;
  readonly path: string;
}

export interface OptimizerLeaves {
  readonly slots: readonly { readonly slot: Slot; readonly path: string }[];
  readonly counters: readonly Counter[];
}

/**
 * Slots and numbers of an optimizer's state by path. Throws TypeError naming the path of anything else, of two leaves of
 * one path, and of a state that holds itself; `owner` begins the message.
 */
export function optimizerLeaves(state: unknown, owner: string): OptimizerLeaves {
  const slots: { slot: Slot; path: string }[] = [];
  const counters: Counter[] = [];
  const paths = new Set<string>();
  const above = new Set<unknown>();
  const refuse = (path: string, what: string, wayOut: string): never => {
    throw new TypeError(`${owner}: the optimizer's state ${path} ${what}; ${wayOut}`);
  };
  const claim = (path: string): void => {
    if (paths.has(path)) refuse(path, "stands for two values", "rename the one whose key holds a dot");
    paths.add(path);
  };
  const visit = (node: any, path: string): void => {
    if (above.has(node)) refuse(path, "holds itself", "a checkpoint holds trees");
    above.add(node);
    for (const [key, child] of Object.entries(node)) {
      const at = path ? `${path}.${key}` : key;
      if (child instanceof Slot) {
        claim(at);
        slots.push({ slot: child, path: at });
      } else if (typeof child === "number") {
        claim(at);
        counters.push({ holder: node, key, path: at });
      } else if (isBranch(child)) visit(child, at);
      else
        refuse(
          at,
          `is ${show(child)}`,
          "a transform may keep slots (block.allocateSlot()), numbers and objects of them",
        );
    }
    above.delete(node);
  };
  if (!isBranch(state)) refuse("", `is ${show(state)}`, "init returns an object, {} where there is nothing to keep");
  visit(state, "");
  return { slots, counters };
}

/** Arrays, plain objects, and objects of a class whose fields are their own: no Map, Date, tensor or typed array. */
function isBranch(value: unknown): boolean {
  if (Array.isArray(value) || isPlain(value)) return true;
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return tagOf(value) === "Object" && kindOf(value) === undefined && !isTensor(value);
}

/**
 * Throws TypeError naming the path of what no checkpoint could hold of an optimizer's state: anything but slots, numbers,
 * and arrays and objects of them.
 */
export function checkStorable(optimizerState: unknown, owner = "createTrainer"): void {
  optimizerLeaves(optimizerState, owner);
}

/**
 * Throws TypeError naming the path of what no checkpoint could hold of a user's state: anything but a tree of tensors, and
 * two of one path. `undefined` is no state.
 */
export function checkStorableState(state: unknown, owner = "createTrainer"): void {
  if (state === undefined) return;
  const paths = new Set<string>();
  let found: ReturnType<typeof flatten>;
  try {
    found = flatten(state, isTensor, "state");
  } catch (cause) {
    const message = (cause as Error).message.replace(/, got (-?[\d.e+-]+|NaN|true|false)$/, "$&. Write tensor(...)");
    throw new TypeError(`${owner}: ${message}`, { cause });
  }
  for (const { path } of found) {
    if (paths.has(path))
      throw new TypeError(
        `${owner}: two leaves are called ${under("state", path)}. Rename the one whose key holds a dot`,
      );
    paths.add(path);
  }
}
