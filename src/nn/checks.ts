// What layers say to wrong arguments, and the rules that several of them read their options by.
import { checkNumber, kindOf, ShapeError, show } from "../base/errors.js";
import { func, number, type Rule } from "../base/options.js";
import { type Shape, sameShape, showShape } from "../base/shape.js";
import { checkKey, type Key } from "../core/random.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import type { Initializer } from "./init.js";

/** Option `init`. */
export const initRule: Rule = func("an initialiser such as nn.init.he");

/** A number that a float32 tensor holds. */
export const float32: Rule = number("that is finite in float32", (v) => Number.isFinite(Math.fround(v)));

/** Option `bias`: where every bias starts. Not whether there is one, as in other libraries. */
export const biasRule: Rule = (owner, name, value) => {
  if (typeof value === "boolean")
    throw new TypeError(
      `${owner}: "${name}" expected a number, where every bias starts, got ${value}. The layer always has one; for none, freeze its zeros: optim.freeze("**.bias")`,
    );
  return float32(owner, name, value);
};

/** Option `epsilon`: added to a variance, in float32. */
export const epsilonRule: Rule = (owner, name, value) => {
  checkNumber(owner, name, value, ">= 0", (v) => v >= 0);
  return float32(owner, name, value);
};

/** Throws TypeError where more was given than the function takes: it would be lost. */
export function checkNoMore(owner: string, rest: readonly unknown[], hint: string): void {
  const extra = rest.filter((value) => value !== undefined);
  if (extra.length > 0)
    throw new TypeError(
      `${owner}: there is no place for a further argument, got ${extra.map(show).join(", ")}. ${hint}`,
    );
}

/** A parameter as it starts. Throws TypeError for what is no key, and for an initialiser that makes something else. */
export function initial(owner: string, init: Initializer, key: Key, shape: Shape): Tensor {
  checkKey(`${owner}.init`, key);
  const made: unknown = init(key, shape);
  if (!isTensor(made) || made.dtype !== "float32")
    throw new TypeError(
      `${owner}: "init" returned ${isTensor(made) ? `a tensor of ${made.dtype}` : show(made)}; an initialiser is (key, shape) => a tensor of float32, such as nn.init.he`,
    );
  if (!sameShape(made.shape, shape))
    throw new ShapeError(`${owner}: "init" returned the shape ${showShape(made.shape)}, expected ${showShape(shape)}`);
  return made;
}

/** The init of a layer that draws nothing. Throws TypeError where it is given something other than a key. */
export const fixed =
  <P>(owner: string, make: () => P) =>
  (key: Key): P => {
    if (key !== undefined) checkKey(`${owner}.init`, key);
    return make();
  };

/** Says what is wrong with the arguments of an apply(params, x) whose parameters have these names. */
export function misapplied(owner: string, params: unknown, x: unknown, names: readonly string[], call = CALL): never {
  if (kindOf(params) === "tensor" || isTensor(params))
    throw new TypeError(
      `${owner}: the parameters come first, got a tensor and ${show(x)}. Write ${call}${names.length === 0 ? ", with {} for params" : ""}`,
    );
  const given = params as { [name: string]: unknown } | undefined | null;
  const missing = names.find((name) => (given?.[name] ?? undefined) === undefined);
  if (missing !== undefined) {
    const which = typeof params === "object" && params !== null ? `, without ${missing}` : "";
    throw new TypeError(
      `${owner}: "params" expected { ${names.join(", ")} }, got ${show(params)}${which}. Pass what this layer's own init(key) made: ${call}`,
    );
  }
  const hint = typeof x === "object" && x !== null && "output" in x ? "Pass its output on" : `Write ${call}`;
  throw new TypeError(`${owner}: "x" expected a tensor, got ${show(x)}. ${hint}`);
}

const CALL = "layer.apply(params, x)";

/** The parameters or states of a container's layers, by position. Throws TypeError for another number of them. */
export function entriesOf<T>(owner: string, name: string, given: readonly T[], count: number): readonly T[] {
  if (Array.isArray(given) && given.length === count) return given;
  const got = Array.isArray(given) ? `one of ${given.length}` : show(given);
  const maker = name.startsWith("state") ? "start()" : "init(key)";
  throw new TypeError(
    `${owner}: "${name}" expected an array of ${count}, got ${got}. Pass what this model's own ${maker} made`,
  );
}

/** Throws TypeError unless `state` has what the layer's own start() gave it. */
export function checkState(owner: string, state: any, names: readonly string[]): void {
  if (names.every((name) => state?.[name] !== undefined)) return;
  const got = typeof state === "object" && state !== null && "training" in state ? "a context" : show(state);
  throw new TypeError(
    `${owner}: expected its state { ${names.join(", ")} } third, got ${got}. The trainer is made with { state: model.start() }, and the loss writes model.apply(params, x, context.state, context)`,
  );
}
