// One rule for axes without elements: what has a value of nothing gives it, softmax gives nothing, and an extreme is refused.
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { type Tensor, zeros } from "../../src/core/tensor.js";
import { attention } from "../../src/nn/attention.js";
import { softmax } from "../../src/ops/loss/softmax.js";
import { logSoftmax, logSumExp, prod } from "../../src/ops/reduce/norm.js";
import { max, mean, min, sum } from "../../src/ops/reduce/reduce.js";
import { argMax, argMin, cumsum } from "../../src/ops/reduce/scan.js";

const empty: [number[], number][] = [
  [[2, 0, 4], 1],
  [[2, 0, 4], 0],
  [[2, 0, 4], 2],
  [[0, 3], 1],
  [[3, 0], 1],
  [[0], 0],
];

describe("an axis of no elements", () => {
  it.each(empty)(
    "gives softmax, logSoftmax and cumsum of %j along %i its own shape, and their gradients",
    (shape, axis) => {
      for (const f of [softmax, logSoftmax, cumsum]) {
        expect(f(zeros(shape), axis).shape).toEqual(shape);
        expect(grad((x: Tensor) => sum(f(x, axis)))(zeros(shape)).shape).toEqual(shape);
      }
    },
  );

  it("has the sum 0, the product 1, the logarithm of no exponentials -Infinity and the mean NaN", () => {
    const of = (f: (x: Tensor, options: object) => Tensor): unknown => f(zeros([1, 0]), { axis: 1 }).toArray();
    expect([sum, prod, logSumExp, mean].map(of)).toEqual([[0], [1], [-Infinity], [Number.NaN]]);
  });

  it("has no extreme: the sentence names shape and axis", () => {
    expect(() => argMax(zeros([2, 0]), 1)).toThrow(
      "argMax: axis 1 of [2, 0] is empty, and nothing has no largest value",
    );
    expect(() => argMin(zeros([2, 0]), 1)).toThrow("argMin: axis 1 of [2, 0] is empty");
    expect(() => max(zeros([2, 0]))).toThrow("max: an axis of [2, 0] is empty");
    expect(() => min(zeros([2, 0]))).toThrow("min: an axis of [2, 0] is empty");
    expect([argMax(zeros([0, 3])).shape, max(zeros([0, 3]), { axis: 1 }).shape]).toEqual([[0], [0]]);
  });

  it("of keys gives attention nothing to look at: zeros", () => {
    expect(attention(zeros([2, 4]), zeros([0, 4]), zeros([0, 3])).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});
