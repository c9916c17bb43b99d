// Helpers of the optimizer tests: a transform run over host arrays, and numbers that need no generator of ours.
import { hostTensor, type Tensor } from "../../src/core/tensor.js";
import { type GradientTransform, init, type OptimizerState, update } from "../../src/optim/index.js";

export const vector = (values: ArrayLike<number>): Tensor => hostTensor(Float32Array.from(values), [values.length]);

/** n numbers about -1..1 from a linear congruential generator (Numerical Recipes), as float32. */
export function series(n: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export type Flat = Record<string, Tensor>;

/** The updates that `optimizer` makes of a row of gradient trees, step by step. */
export function run(
  optimizer: GradientTransform,
  params: Flat,
  steps: readonly Flat[],
): Record<string, Float32Array>[] {
  let state: OptimizerState = init(optimizer, params);
  return steps.map((gradients) => {
    const next = update(optimizer, gradients, state);
    state = next.state;
    return Object.fromEntries(Object.entries(next.updates).map(([name, t]) => [name, t.data as Float32Array]));
  });
}

/** The same for one vector: zeros as parameters. */
export function runVector(optimizer: GradientTransform, gradients: readonly ArrayLike<number>[]): Float32Array[] {
  const params = { w: vector(new Float32Array(gradients[0].length)) };
  return run(
    optimizer,
    params,
    gradients.map((g) => ({ w: vector(g) })),
  ).map(({ w }) => w);
}

export const bits = (x: Float32Array): number[] => Array.from(new Uint32Array(x.slice().buffer));

/** Euclidean norm in double precision. */
export const norm = (x: ArrayLike<number>): number => Math.sqrt(Array.from(x).reduce((s, v) => s + v * v, 0));

export function variance(x: Float32Array): number {
  let s = 0;
  for (const v of x) s += v * v;
  return s / x.length;
}
