// The oracle of dropout.
import fc from "fast-check";
import { foldIn, key } from "../../../src/core/random.js";
import { type Tensor, tensor } from "../../../src/core/tensor.js";
import { dropout } from "../../../src/ops/elementwise/dropout.js";
import { type Case, type Oracles, smallShape } from "../case.js";
import { sizeOf } from "../doubles.js";

// The mask is not derived again here, but read off ones: what dropout adds is the scale and the gradient.
const dropoutCase = (shape: readonly number[], rate: number, seed: number): Case => {
  const drop = (x: Tensor): Tensor => dropout(x, rate, foldIn(key(seed), 3));
  return {
    shapes: [shape],
    values: ["any"],
    apply: ([x]) => drop(x),
    oracle: ([x]) => {
      const mask = drop(tensor(new Float32Array(sizeOf(shape)).fill(1), shape)).data;
      return { shape, data: x.data.map((v, i) => v * (mask[i] === 0 ? 0 : Math.fround(1 / (1 - rate)))) };
    },
  };
};

export const dropoutOracles: Oracles = {
  dropoutOp: {
    line: (n) => dropoutCase([n], 0.5, 1),
    random: fc
      .tuple(smallShape, fc.integer({ min: 0, max: 9 }), fc.nat({ max: 99 }))
      .map(([shape, tenths, seed]) => dropoutCase(shape, tenths / 10, seed)),
    tolerance: 0,
    differentiable: true,
  },
};
