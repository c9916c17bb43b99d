// A case of an op: shapes, values, the call and its float64 oracle; and builders for the usual kinds.
import fc from "fast-check";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { at, broadcast, build, type Doubles, indices, sizeOf } from "./doubles.js";

/** What values an input takes: any in ±2, in ±1, above 0, away from 0, all different, whole numbers 0..labels-1. */
export type Values = "any" | "inner" | "positive" | "away" | "distinct" | { labels: number };

export interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly Values[];
  readonly apply: (inputs: Tensor[]) => Tensor;
  readonly oracle: (inputs: Doubles[]) => Doubles;
}

/** By the name under which src/ops exports the op. */
export type Oracles = { readonly [name: string]: Oracle };

export interface Oracle {
  /** A case whose inner loop runs over n elements. */
  readonly line: (n: number) => Case;
  readonly random: fc.Arbitrary<Case>;
  /** |got - want| <= tolerance (1 + |want|); 0: the float nearest to the oracle, bit for bit. */
  readonly tolerance: number;
  readonly differentiable: boolean;
}

export const smallShape = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });

/** Shapes that broadcast: a common one, of which each keeps a tail and has some axes 1. */
export const together = (count: number): fc.Arbitrary<number[][]> =>
  smallShape.chain((shape) =>
    fc.array(
      fc
        .tuple(fc.integer({ min: 0, max: shape.length }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
        .map(([lead, ones]) => shape.slice(lead).map((size, d) => (ones[d] ? 1 : size))),
      { minLength: count, maxLength: count },
    ),
  );
export const broadcasting = together(2);

export function unary(
  apply: (x: Tensor) => Tensor,
  f: (x: number) => number,
  tolerance: number,
  values: Values,
): Oracle {
  const of = (shape: readonly number[]): Case => ({
    shapes: [shape],
    values: [values],
    apply: ([x]) => apply(x),
    oracle: ([x]) => ({ shape: x.shape, data: x.data.map(f) }),
  });
  return { line: (n) => of([n]), random: smallShape.map(of), tolerance, differentiable: true };
}

export function binary(
  apply: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  b: Values,
  { a = "any" as Values, tolerance = 0, differentiable = true } = {},
): Oracle {
  const of = (shapes: readonly (readonly number[])[]): Case => ({
    shapes,
    values: [a, b],
    apply: ([x, y]) => apply(x, y),
    oracle: ([x, y]) => build(broadcast(x.shape, y.shape), (i) => f(at(x, i), at(y, i))),
  });
  return { line: (n) => of([[n], [n]]), random: broadcasting.map(of), tolerance, differentiable };
}

export type Reduction = (x: Tensor, options: { axis?: number[]; keepDims?: boolean }) => Tensor;

export function reduction(
  apply: Reduction,
  f: (values: number[]) => number,
  tolerance: number,
  values: Values,
): Oracle {
  const of = (shape: readonly number[], axes: readonly number[] | undefined, keepDims: boolean): Case => ({
    shapes: [shape],
    values: [values],
    apply: ([x]) => apply(x, { ...(axes && { axis: [...axes] }), keepDims }),
    oracle: ([x]) => {
      const all = axes ?? shape.map((_, d) => d);
      const kept = shape.map((size, d) => (all.includes(d) ? 1 : size));
      const groups = new Map<string, number[]>(indices(kept).map((index) => [index.join(), []]));
      for (const index of indices(shape))
        groups.get(index.map((i, d) => (all.includes(d) ? 0 : i)).join())!.push(at(x, index));
      return { shape: keepDims ? kept : kept.filter((_, d) => !all.includes(d)), data: [...groups.values()].map(f) };
    },
  });
  const random = smallShape.chain((shape) =>
    fc
      .tuple(fc.option(fc.subarray(shape.map((_, d) => d))), fc.boolean())
      .map(([axes, keepDims]) => of(shape, axes ?? undefined, keepDims)),
  );
  return { line: (n) => of([2, n + 1, 3], [1], false), random, tolerance, differentiable: true };
}

export const total = (values: readonly number[]): number => values.reduce((s, v) => s + v, 0);

export const small = fc.integer({ min: 1, max: 6 });

/** An op that only moves elements: out[index] = x[from(index)]. */
export const moved = (
  apply: (x: Tensor) => Tensor,
  shape: readonly number[],
  out: readonly number[],
  from: (index: number[]) => number[],
): Case => ({
  shapes: [shape],
  values: ["any"],
  apply: ([x]) => apply(x),
  oracle: ([x]) => build(out, (index) => at(x, from(index))),
});

/** Inputs of a case: a small generator (mulberry32), so that a failing seed names its numbers. */
export function inputsOf({ shapes, values }: Case, seed: number): Tensor[] {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return shapes.map((shape, which) => {
    const kind = values[which];
    const n = sizeOf(shape);
    if (typeof kind === "object")
      return tensor(
        Int32Array.from({ length: n }, () => Math.floor(uniform() * kind.labels)),
        shape,
      );
    const order = Array.from({ length: n }, (_, i) => i).sort(() => uniform() - 0.5);
    const draw = (i: number): number => {
      if (kind === "inner") return 2 * uniform() - 1;
      if (kind === "positive") return 0.5 + 2 * uniform();
      if (kind === "away") return (uniform() < 0.5 ? -1 : 1) * (0.5 + uniform());
      if (kind === "distinct") return (order[i] - n / 2) / 8;
      return 4 * uniform() - 2;
    };
    return tensor(
      Float32Array.from({ length: n }, (_, i) => draw(i)),
      shape,
    );
  });
}
