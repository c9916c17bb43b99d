// Oracles of the casts.
import { cast } from "../../../src/ops/elementwise/cast.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { type Oracle, type Oracles, smallShape, unary } from "../case.js";

const labels: Oracle["random"] = smallShape.map((shape) => ofLabels(shape));
function ofLabels(shape: readonly number[]) {
  return {
    ...unary(
      (x) => cast(x, "float32"),
      (x) => x,
      0,
      { labels: 1000 },
    ).line(0),
    shapes: [shape],
  };
}

export const castOracles: Oracles = {
  toFloatsOp: { line: (n) => ofLabels([n]), random: labels, tolerance: 0, differentiable: false },
  toIntegersOp: {
    ...unary(
      (x) => cast(mul(x, 100), "int32"),
      (x) => Math.trunc(Math.fround(x * 100)) + 0,
      0,
      "any",
    ),
    differentiable: false,
  },
};
