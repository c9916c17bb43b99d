// Gradients of a function of a tree: run it in a scope, walk the tape back, copy the results out.
import { ShapeError, show } from "../base/errors.js";
import { flatten, mapTree } from "../base/tree.js";
import { currentScope, Scope } from "../core/scope.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { sharedRuntime } from "../wasm/runtime.js";

/** The loss that `f` returned. Throws TypeError for anything that is no tensor; a Promise is named. */
export function checkLoss(value: unknown): asserts value is Tensor {
  if (value instanceof Promise)
    throw new TypeError(
      "loss returned a Promise: a loss must be synchronous. Await data before the step, not inside it",
    );
  if (!isTensor(value)) throw new TypeError(`loss returned ${show(value)}; return a scalar tensor`);
  if (value.size !== 1)
    throw new ShapeError(
      `loss returned shape [${value.shape.join(", ")}]; reduce it to a scalar with .mean() or .sum()`,
    );
  if (value.isHost)
    throw new TypeError("loss returned a host tensor: it was made outside of the loss, so it depends on no parameter");
}

/**
 * f(params, ...rest) together with its gradient by every leaf of params.
 *
 * Shapes: f returns a scalar; gradients have the type and shapes of params, as host tensors.
 * Throws ShapeError for a loss that is no scalar, TypeError for one that returns a Promise or no tensor, Error when calls
 * are nested (first order only).
 * Example: `const { value, gradients } = valueAndGrad((p) => p.w.mul(p.w).sum())({ w: tensor([1, 2]) })`
 */
export function valueAndGrad<P, R extends unknown[]>(
  f: (params: P, ...rest: R) => Tensor,
): (params: P, ...rest: R) => { value: number; gradients: P } {
  const scope = new Scope(sharedRuntime(), "grad");
  scope.training = true;
  let calls = 0;
  return (params, ...rest) => {
    if (currentScope())
      throw new Error("grad: nested gradients are not supported: gradnoise computes first derivatives only");
    scope.begin(calls++);
    try {
      const { memory } = scope.runtime;
      const leaves: Tensor[] = [];
      const inside = mapTree(params, isTensor, (t) => {
        const leaf = scope.upload(t, t.dtype === "float32");
        if (leaf.needsGradient) leaves.push(leaf);
        return leaf;
      }) as P;
      const loss = f(inside, ...rest);
      checkLoss(loss);
      scope.backward(loss, leaves);
      const value = loss.item();
      let next = 0;
      const gradients = mapTree(params, isTensor, (t) => {
        if (t.dtype !== "float32") return hostTensor(new Int32Array(t.size), t.shape);
        const at = leaves[next++].gradient >>> 2;
        return hostTensor(memory.f32.slice(at, at + t.size), t.shape);
      }) as P;
      return { value, gradients };
    } finally {
      scope.end();
    }
  };
}

/**
 * The gradient of a scalar function by its first argument, a tree of tensors.
 *
 * Shapes: f returns a scalar; the gradient has the type and shapes of the argument, as host tensors.
 * Throws as valueAndGrad. Example: `grad((w) => w.mul(w).sum())(tensor([3])).item() // 6`
 */
export function grad<P, R extends unknown[]>(f: (params: P, ...rest: R) => Tensor): (params: P, ...rest: R) => P {
  const both = valueAndGrad(f);
  return (params, ...rest) => both(params, ...rest).gradients;
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
export function checkGrad<P>(
  f: (params: P) => Tensor,
  params: P,
  options: { step?: number; tolerance?: number } = {},
): GradCheck {
  const { step = 2 ** -8, tolerance = 0.01 } = options;
  const { gradients } = valueAndGrad(f)(params);
  const analytic = flatten(gradients, isTensor);
  const leaves = flatten(params, isTensor);
  const scope = new Scope(sharedRuntime(), "checkGrad");
  const evaluate = (at: number, data: Float32Array): number => {
    const shifted = mapTree(params, isTensor, (t, _, i) => (i === at ? hostTensor(data, t.shape) : t)) as P;
    scope.begin(0);
    try {
      return f(shifted).item();
    } finally {
      scope.end();
    }
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
