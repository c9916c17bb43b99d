// Oracles of what the losses are made of.
import { type Tensor, tensor } from "../../../src/core/tensor.js";
import { run } from "../../../src/ops/define.js";
import { keepOp, sigmoidCrossEntropyOp } from "../../../src/ops/loss/losses.js";
import { type Case, type Oracle, type Oracles, smallShape } from "../case.js";
import { sizeOf } from "../doubles.js";

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

/** Targets are no input here, since no gradient flows into them. */
const sigmoidCase = (shape: readonly number[]): Case => {
  const targets = Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 5) % 9) / 8);
  return {
    shapes: [shape],
    values: ["any"],
    apply: ([x]) => run(sigmoidCrossEntropyOp, undefined, x, tensor(targets, shape)),
    oracle: ([x]) => ({
      shape,
      data: x.data.map((v, i) => Math.max(v, 0) - v * targets[i] + Math.log1p(Math.exp(-Math.abs(v)))),
    }),
  };
};

export const lossesOracles: Oracles = {
  keepOp: pairwise(
    (x, mask) => run(keepOp, undefined, x, mask),
    (x, mask) => (mask !== 0 ? x : 0),
    "away",
    0,
  ),
  sigmoidCrossEntropyOp: {
    line: (n) => sigmoidCase([n]),
    random: smallShape.map(sigmoidCase),
    tolerance: 4e-7,
    differentiable: true,
  },
};
