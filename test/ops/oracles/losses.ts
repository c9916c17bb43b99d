// Oracles of what the losses are made of.
import type { Tensor } from "../../../src/core/tensor.js";
import { run } from "../../../src/ops/define.js";
import { keepOp, sigmoidCrossEntropyOp } from "../../../src/ops/losses.js";
import { type Case, type Oracle, type Oracles, smallShape } from "./case.js";

/** f of two inputs of one shape. */
function pairwise(
  apply: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  b: "any" | "away",
  tolerance: number,
): Oracle {
  const of = (shape: readonly number[]): Case => ({
    shapes: [shape, shape],
    values: ["any", b],
    apply: ([x, y]) => apply(x, y),
    oracle: ([x, y]) => ({ shape, data: x.data.map((v, i) => f(v, y.data[i])) }),
  });
  return { line: (n) => of([n]), random: smallShape.map(of), tolerance, differentiable: true };
}

export const lossesOracles: Oracles = {
  keepOp: pairwise(
    (x, mask) => run(keepOp, undefined, x, mask),
    (x, mask) => (mask !== 0 ? x : 0),
    "away",
    0,
  ),
  sigmoidCrossEntropyOp: pairwise(
    (x, t) => run(sigmoidCrossEntropyOp, undefined, x, t),
    (x, t) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))),
    "any",
    4e-7,
  ),
};
