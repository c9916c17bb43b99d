// Tensors of doubles in plain TypeScript, for oracles.
import type { Tensor } from "../../src/core/tensor.js";

/** A tensor of doubles. */
export interface Doubles {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Every index of a shape, in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  const out: number[][] = [];
  for (let flat = 0; flat < sizeOf(shape); flat++) {
    let rest = flat;
    const index = shape.map(() => 0);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
    }
    out.push(index);
  }
  return out;
}

/** The element at `index`, counted from the right; an axis of size 1 stretches. */
export function at(x: Doubles, index: readonly number[]): number {
  let flat = 0;
  const lead = index.length - x.shape.length;
  x.shape.forEach((size, d) => {
    flat = flat * size + (size === 1 ? 0 : index[d + lead]);
  });
  return x.data[flat];
}

export const build = (shape: readonly number[], f: (index: number[]) => number): Doubles => ({
  shape,
  data: indices(shape).map(f),
});

export const broadcast = (a: readonly number[], b: readonly number[]): number[] => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, d) => {
    const x = a[d - rank + a.length] ?? 1;
    const y = b[d - rank + b.length] ?? 1;
    return x === 1 ? y : x;
  });
};

export const put = (index: readonly number[], axis: number, i: number): number[] =>
  index.map((old, d) => (d === axis ? i : old));

export const toDoubles = (t: Tensor): Doubles => ({ shape: t.shape, data: Array.from(t.data) });
