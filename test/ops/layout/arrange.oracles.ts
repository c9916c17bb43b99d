// Oracles of the ops that put tensors together.
import fc from "fast-check";
import { pad, stack } from "../../../src/ops/layout/arrange.js";
import { type Case, type Oracles, smallShape } from "../case.js";
import { at, build } from "../doubles.js";

const stackCase = (shape: readonly number[], axis: number, count: number): Case => ({
  shapes: Array(count).fill(shape),
  values: Array(count).fill("any"),
  apply: (inputs) => stack(inputs, axis),
  oracle: (inputs) =>
    build([...shape.slice(0, axis), count, ...shape.slice(axis)], (index) =>
      at(
        inputs[index[axis]],
        index.filter((_, d) => d !== axis),
      ),
    ),
});

const padCase = (shape: readonly number[], padding: [number, number][], value: number): Case => ({
  shapes: [shape],
  values: ["any"],
  apply: ([x]) => pad(x, padding, value),
  oracle: ([x]) =>
    build(
      shape.map((n, d) => n + padding[d][0] + padding[d][1]),
      (index) => {
        const from = index.map((i, d) => i - padding[d][0]);
        return from.every((i, d) => i >= 0 && i < shape[d]) ? at(x, from) : value;
      },
    ),
});

const width = fc.integer({ min: 0, max: 3 });

export const arrangeOracles: Oracles = {
  stackOp: {
    line: (n) => stackCase([3, n], 1, 2),
    random: fc
      .tuple(smallShape, fc.nat(), fc.integer({ min: 1, max: 4 }))
      .map(([shape, axis, count]) => stackCase(shape, axis % (shape.length + 1), count)),
    tolerance: 0,
    differentiable: true,
  },
  padOp: {
    line: (n) =>
      padCase(
        [2, n],
        [
          [1, 0],
          [2, 3],
        ],
        0.5,
      ),
    random: smallShape.chain((shape) =>
      fc
        .tuple(fc.array(fc.tuple(width, width), { minLength: shape.length, maxLength: shape.length }), fc.integer())
        .map(([padding, value]) => padCase(shape, padding, value % 8)),
    ),
    tolerance: 0,
    differentiable: true,
  },
};
