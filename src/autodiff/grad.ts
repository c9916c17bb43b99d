// Gradients of a function of a tree: run it in a scope, walk the tape back, copy the results out.
import { checkFunction, isPlain, ShapeError, show } from "../base/errors.js";
import { anything, number, readOptions } from "../base/options.js";
import { sizeOf } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import { currentScope, Scope } from "../core/scope.js";
import { hostTensor, isLeaf, isTensor, revive, type Tensor } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import { sharedRuntime } from "../wasm/runtime.js";

/** What is said of a function of a trainer that returned a Promise. */
export const synchronous = (what: string): string =>
  `${what} returned a Promise: a ${what} must be synchronous. Await data before the step, not inside it`;

/** Throws TypeError for a Promise, whose own failure is then nobody's: it must not end the process. */
export function refusePromise(value: unknown, sentence: string): void {
  if (typeof (value as PromiseLike<unknown> | null)?.then !== "function") return;
  (value as PromiseLike<unknown>).then(undefined, () => {});
  throw new TypeError(sentence);
}

/**
 * The loss that a function returned. Throws TypeError for anything that is no float32 tensor (a Promise is named) and, where
 * something is to `learn` from it, for one that depends on no parameter; ShapeError for one that is no scalar.
 */
export function checkLoss(value: unknown, learns: boolean): asserts value is Tensor {
  refusePromise(value, synchronous("loss"));
  if (!isTensor(value)) throw new TypeError(`loss returned ${show(value)}; return a scalar tensor`);
  if (value.size !== 1)
    throw new ShapeError(
      `loss returned shape [${value.shape.join(", ")}]; reduce it to a scalar with .mean() or .sum()`,
    );
  if (value.isHost)
    throw new TypeError("loss returned a host tensor: it was made outside of the loss, so it depends on no parameter");
  if (value.dtype !== "float32") throw new TypeError(`loss returned ${value.dtype}; return a float32 scalar`);
  if (learns && !value.value!.needsGradient)
    throw new TypeError(
      "loss depends on no parameter, so nothing would be learnt: use the parameters that the loss is given, not those outside, and no .item(), .data, accuracy or argMax on the way",
    );
}

/** What a function to differentiate returns: a scalar, or one with whatever else is wanted of the run. */
export type Valued<A> = Tensor | { readonly value: Tensor; readonly aux: A };

/** The two parts of what `f` returned. */
function parts<A>(result: Valued<A>): { value: Tensor; aux: A | undefined } {
  if (isTensor(result) || !isPlain(result)) return { value: result as Tensor, aux: undefined };
  readOptions<{ value: unknown; aux: unknown }>("loss", result, { value: anything, aux: anything });
  return result as { value: Tensor; aux: A };
}

/**
 * f(params, ...rest) together with its gradient by every leaf of params. Where f returns `{ value, aux }`, `aux` (a tree of
 * tensors: logits, metrics, the next state) comes back as host tensors.
 *
 * Shapes: f returns a scalar; gradients have the type and shapes of params, as host tensors.
 * Throws ShapeError for a loss that is no scalar, TypeError for one that returns a Promise, no tensor or a host tensor,
 * Error when calls are nested (first order only).
 * Example: `const { value, gradients } = valueAndGrad((p) => p.w.mul(p.w).sum())({ w: tensor([1, 2]) })`
 */
export function valueAndGrad<P = Tensor, R extends unknown[] = unknown[]>(
  f: (params: P, ...rest: R) => Tensor,
): (params: P, ...rest: R) => { value: number; gradients: P };
export function valueAndGrad<P = Tensor, R extends unknown[] = unknown[], A = unknown>(
  f: (params: P, ...rest: R) => { readonly value: Tensor; readonly aux: A },
): (params: P, ...rest: R) => { value: number; gradients: P; aux: A };
export function valueAndGrad<P, R extends unknown[], A>(
  f: (params: P, ...rest: R) => Valued<A>,
): (params: P, ...rest: R) => { value: number; gradients: P; aux?: A } {
  checkFunction("grad", "f", f, "a function of the parameters");
  const scope = new Scope(sharedRuntime(), "grad");
  scope.training = true;
  let calls = 0;
  return (params, ...rest) => {
    if (currentScope())
      throw new Error("grad: nested gradients are not supported: gradnoise computes first derivatives only");
    return scope.within(calls++, () => {
      const { memory } = scope.runtime;
      const leaves: Value[] = [];
      const inside = mapTree(params, isLeaf, (leaf, path) => {
        const t = revive(leaf) as Tensor;
        const value = scope.upload(t, t.dtype === "float32");
        value.origin = under("params", path);
        if (value.needsGradient) leaves.push(value);
        return scope.handle(value);
      }) as P;
      const { value: loss, aux } = parts(f(inside, ...rest));
      checkLoss(loss, false);
      scope.backward(loss, leaves);
      const value = loss.item();
      let next = 0;
      const gradients = mapTree(params, isLeaf, (leaf) => {
        const t = leaf as Tensor;
        if (t.dtype !== "float32") return hostTensor(new Int32Array(sizeOf(t.shape)), t.shape);
        const { gradient, size, shape } = leaves[next++];
        return hostTensor(memory.f32.slice(gradient >>> 2, (gradient >>> 2) + size), shape);
      }) as P;
      return { value, gradients, ...(aux !== undefined && { aux: toHost(aux, "aux") as A }) };
    });
  };
}

/** A tree with its tensors as host tensors, and whatever else it holds. */
export function toHost(tree: unknown, what: string): unknown {
  if (isTensor(tree)) return tree.isHost ? tree : hostTensor(tree.data, tree.shape);
  if (Array.isArray(tree) || isPlain(tree))
    return mapTree(tree, isNode, (leaf) => (isTensor(leaf) ? toHost(leaf, what) : leaf), what);
  return tree;
}
const isNode = (v: unknown): v is unknown => !Array.isArray(v) && !isPlain(v);

/**
 * The gradient of a scalar function by its first argument, a tree of tensors.
 *
 * Shapes: f returns a scalar; the gradient has the type and shapes of the argument, as host tensors.
 * Throws as valueAndGrad. Example: `grad((w) => w.mul(w).sum())(tensor([3])).item() // 6`
 */
export function grad<P = Tensor, R extends unknown[] = unknown[]>(
  f: (params: P, ...rest: R) => Valued<unknown>,
): (params: P, ...rest: R) => P {
  const both = valueAndGrad(f as (params: P, ...rest: R) => Tensor);
  return (params, ...rest) => both(params, ...rest).gradients;
}

/** How `checkGrad` differs and judges. */
export interface GradCheckOptions {
  /** Half the width of a central difference; 1/256 by default. */
  readonly step?: number;
  /** The largest relative error that passes; 0.01 by default. */
  readonly tolerance?: number;
}

/** Worst disagreement that `checkGrad` found. */
export interface GradCheck {
  /** Largest |analytic - numeric| / (|analytic| + |numeric| + 0.1) of all elements. */
  readonly worst: number;
  readonly path: string;
  readonly index: number;
  readonly analytic: number;
  readonly numeric: number;
}

/**
 * Compares the gradient of `f` at `params` with central differences; users check their own layers with it.
 *
 * Shapes: f returns a scalar of params, a tree of tensors. Where a value lies on a kink (of relu, of max) they differ.
 * Throws Error naming path, position and both values where they differ by more than `tolerance` (relative, 0.01 by default),
 * and what valueAndGrad throws.
 * Example: `checkGrad((p) => tanh(p.x).sum(), { x: tensor([0.1, 0.2]) })`
 */
export function checkGrad<P>(f: (params: P) => Valued<unknown>, params: P, options?: GradCheckOptions): GradCheck {
  const { step = 2 ** -8, tolerance = 0.01 } = readOptions("checkGrad", options, {
    step: number("> 0", (v) => v > 0),
    tolerance: number(">= 0", (v) => v >= 0),
  });
  const gradients = grad(f)(params);
  const analytic = flatten(gradients, isTensor);
  const leaves = flatten(params, isTensor);
  const scope = new Scope(sharedRuntime(), "checkGrad");
  const evaluate = (at: number, data: Float32Array): number => {
    const shifted = mapTree(params, isTensor, (t, _, i) => (i === at ? hostTensor(data, t.shape) : t)) as P;
    return scope.within(0, () => parts(f(shifted)).value.item());
  };
  let found: GradCheck = { worst: 0, path: "", index: 0, analytic: 0, numeric: 0 };
  leaves.forEach(({ path, leaf }, at) => {
    if (leaf.dtype !== "float32") return;
    for (let index = 0; index < leaf.size; index++) {
      const data = Float32Array.from(leaf.data);
      const x = data[index];
      data[index] = x + step;
      const high = data[index];
      const up = evaluate(at, data);
      data[index] = x - step;
      const low = data[index];
      const numeric = (up - evaluate(at, data)) / (high - low);
      const a = analytic[at].leaf.data[index];
      const error = Math.abs(a - numeric) / (Math.abs(a) + Math.abs(numeric) + 1e-1);
      if (error > found.worst || Number.isNaN(error)) found = { worst: error, path, index, analytic: a, numeric };
    }
  });
  if (!(found.worst <= tolerance))
    throw new Error(
      `checkGrad: ${found.path || "the argument"} at position ${found.index}: the gradient says ${found.analytic}, central differences say ${found.numeric} (relative error ${found.worst.toPrecision(3)} > ${tolerance})`,
    );
  return found;
}
