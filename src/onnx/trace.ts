// What a function does, read off the tape of a run on an example; and where two runs differ.
import { refusePromise } from "../autodiff/grad.js";
import { ShapeError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import type { TapeRecord } from "../core/record.js";
import { Scope } from "../core/scope.js";
import { type HostArray, isTensor, type Tensor } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import { sharedRuntime } from "../wasm/runtime.js";

/** The function that is written down. */
export type Program = (params: any, x: any) => unknown;

export interface Leaf {
  /** Keys of the tree, joined. */
  readonly path: string;
  readonly tensor: Value;
}

/** What one run left behind: all that is needed once the scope has ended. */
export interface Trace {
  /** Rows of every input. */
  readonly batch: number;
  readonly records: readonly TapeRecord[];
  readonly params: readonly Leaf[];
  readonly inputs: readonly Leaf[];
  readonly outputs: readonly Leaf[];
  /** Values of the tensors that no op made: parameters, and what the function brings along. */
  readonly values: ReadonlyMap<Value, HostArray>;
}

/** The result as leaves. Throws TypeError for a result that holds something else than tensors, or none. */
function outputsOf(result: unknown, scope: Scope): Leaf[] {
  const way = "Return a tensor, or a tree of them";
  refusePromise(result, `toONNX: the function returned a Promise; it must compute at once. ${way}`);
  let leaves: { path: string; leaf: Tensor }[];
  try {
    leaves = flatten(result, isTensor, "the result");
  } catch (cause) {
    throw new TypeError(`toONNX: ${(cause as Error).message}. ${way}`, { cause });
  }
  if (leaves.length === 0)
    throw new TypeError(`toONNX: the function returned ${show(result)} without a tensor. ${way}`);
  return leaves.map(({ path, leaf }) => ({ path: isTensor(result) ? "y" : path, tensor: scope.own(leaf) }));
}

/** f(params, x); an engine's own error (a property of nothing, say) becomes the cause of a sentence. */
function call(f: Program, params: unknown, x: unknown): unknown {
  try {
    return f(params, x);
  } catch (cause) {
    if (!(cause instanceof TypeError) || /^[\w$.[\]]+: /.test(cause.message)) throw cause;
    throw new TypeError(
      "toONNX: the function throws a TypeError, which is the cause of this one. Does it take these params and x? A method loses its object: write (params, x) => ...",
      { cause },
    );
  }
}

/** Runs f. `outside`: the trees that the caller gave, which f must not use beside its arguments. */
export function trace(f: Program, params: unknown, x: unknown, outside?: { params: unknown; x: unknown }): Trace {
  const scope = new Scope(sharedRuntime(), "toONNX");
  return scope.within(0, () => {
    const values = new Map<Value, HostArray>();
    const take = (tree: unknown, alone: string): [Leaf[], unknown] => {
      const leaves: Leaf[] = [];
      const inside = mapTree(tree, isTensor, (t, path) => {
        const tensor = scope.upload(t, false);
        leaves.push({ path: isTensor(tree) ? alone : path, tensor });
        values.set(tensor, t.data);
        return scope.handle(tensor);
      });
      return [leaves, inside];
    };
    const [own, ownTree] = take(params, "params");
    const [given, givenTree] = take(x, "x");
    const outputs = outputsOf(call(f, ownTree, givenTree), scope);
    const records = [...scope.records];
    for (const { op, output } of records)
      if (op.name === "upload" && !values.has(output)) values.set(output, output.data);
    if (outside) checkOutside(scope, outside);
    return { batch: given[0].tensor.shape[0], records, params: own, inputs: given, outputs, values };
  });
}

/** Throws TypeError where the run has copied in one of the caller's own tensors: the function has not used its argument. */
function checkOutside(scope: Scope, outside: { params: unknown; x: unknown }): void {
  const seen = new Set<Tensor>();
  for (const what of ["params", "x"] as const)
    for (const { path, leaf } of flatten(outside[what], isTensor, what)) {
      if (seen.has(leaf)) continue;
      seen.add(leaf);
      const before = scope.records.length;
      scope.own(leaf);
      if (scope.records.length === before)
        throw new TypeError(
          `toONNX: the function uses ${under(what, path)} ${showShape(leaf.shape)} from outside instead of its ${what === "x" ? "second" : "first"} argument. Use the argument: (params, x) => ...`,
        );
    }
}

/** Where the first difference between two runs is, in ops or in what they are fed with; -1 where there is none. */
export function firstDifference(a: Trace, b: Trace): number {
  const [known, other] = [placesOf(a), placesOf(b)];
  const alike = (s: Value, t: Value | undefined): boolean => t !== undefined && known.get(s) === other.get(t);
  const at = a.records.findIndex((r, i) => {
    const s = b.records[i];
    return (
      r.op !== s?.op || r.operands.length !== s.operands.length || r.operands.some((t, j) => !alike(t, s.operands[j]))
    );
  });
  if (at >= 0) return at;
  const same =
    a.records.length === b.records.length &&
    a.outputs.length === b.outputs.length &&
    a.outputs.every(({ path, tensor }, i) => path === b.outputs[i].path && alike(tensor, b.outputs[i].tensor));
  return same ? -1 : a.records.length;
}

/** Every tensor's place on the tape. */
const placesOf = ({ records }: Trace): Map<Value, number> => new Map(records.map(({ output }, i) => [output, i]));

/** The tensors that the outputs are made of. */
export function reachable({ records, outputs }: Trace): Set<Value> {
  const needed = new Set(outputs.map(({ tensor }) => tensor));
  for (let i = records.length - 1; i >= 0; i--) {
    const { op, output, operands } = records[i];
    if (!needed.has(output)) continue;
    for (const t of op.name === "customGrad" ? operands.slice(0, 1) : operands) needed.add(t);
  }
  return needed;
}

/** The run, or undefined where it throws. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Runs f again on a larger or smaller batch. Throws ShapeError where it fails or does other ops than the first run. */
export function traceBatch(f: Program, params: unknown, x: unknown, first: Trace): Trace {
  const [batch] = flatten(x, isTensor)[0].leaf.shape;
  let run: Trace;
  try {
    run = trace(f, params, x);
  } catch (cause) {
    throw new ShapeError(
      `toONNX: the function fails for a batch of ${batch}: ${cause instanceof Error ? cause.message : show(cause)}. Pass { dynamicBatch: false }`,
      { cause },
    );
  }
  const at = firstDifference(first, run);
  if (at >= 0)
    throw new ShapeError(
      `toONNX: the function does other ops for a batch of ${batch} than for ${first.batch}, from op ${at} on. ${
        first.batch === 1 ? "Pass an example of 2 rows or more, or" : "Pass"
      } { dynamicBatch: false }`,
    );
  return run;
}
