// Oracles of the ops along one axis.
import fc from "fast-check";
import type { Tensor } from "../../../src/core/tensor.js";
import { logSoftmax } from "../../../src/ops/reduce/norm.js";
import { argMax, argMin, cumsum } from "../../../src/ops/reduce/scan.js";
import { type Case, type Oracle, type Oracles, small, total, type Values } from "../case.js";
import { at, build, put } from "../doubles.js";

/** f of the values along an axis: one for each of them, or one in their place. */
function alongAxis(
  apply: (x: Tensor, axis: number) => Tensor,
  f: (values: number[]) => number[] | number,
  tolerance: number,
  values: Values,
  differentiable: boolean,
): Oracle {
  const of = (shape: readonly number[], axis: number): Case => ({
    shapes: [shape],
    values: [values],
    apply: ([x]) => apply(x, axis),
    oracle: ([x]) => {
      const along = (index: number[]): number[] =>
        Array.from({ length: shape[axis] }, (_, i) => at(x, put(index, axis, i)));
      if (typeof f([1]) !== "number") return build(shape, (index) => (f(along(index)) as number[])[index[axis]]);
      return build(
        shape.filter((_, d) => d !== axis),
        (index) => f(along([...index.slice(0, axis), 0, ...index.slice(axis)])) as number,
      );
    },
  });
  return {
    line: (n) => (n % 2 ? of([n + 1, 2], 0) : of([2, n + 1], 1)),
    random: fc
      .tuple(fc.array(small, { minLength: 1, maxLength: 3 }), fc.nat())
      .map(([shape, axis]) => of(shape, axis % shape.length)),
    tolerance,
    differentiable,
  };
}

const logSoftmaxOf = (v: readonly number[]): number[] => {
  const top = Math.max(...v);
  const shift = top + Math.log(total(v.map((x) => Math.exp(x - top))));
  return v.map((x) => x - shift);
};

export const scanOracles: Oracles = {
  cumsumOp: alongAxis(cumsum, (v) => v.map((_, i) => total(v.slice(0, i + 1))), 1e-5, "any", true),
  argMaxOp: alongAxis(argMax, (v) => v.indexOf(Math.max(...v)), 0, "any", false),
  argMinOp: alongAxis(argMin, (v) => v.indexOf(Math.min(...v)), 0, "any", false),
  logSoftmaxOp: alongAxis(logSoftmax, logSoftmaxOf, 1e-6, "any", true),
};
