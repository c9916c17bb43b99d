// Picking by index: what is refused, integers, repeats, empty tensors.
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { gather, oneHot, scatterAdd, takeAlongAxis } from "../../../src/ops/layout/gather.js";
import { sum } from "../../../src/ops/reduce/reduce.js";

const int = (values: number[], shape?: number[]): Tensor => tensor(Int32Array.from(values), shape);

const refused: [string, () => unknown, Error][] = [
  [
    "the first of several indices past the end",
    () => gather(zeros([4, 3]), int([0, 3, 4, 9])),
    new RangeError("gather: index 4 at position 2 is outside 0..3"),
  ],
  [
    "a negative index along another axis",
    () => gather(zeros([2, 3, 4]), int([0, 1, 2, -1], [2, 2]), 1),
    new RangeError("gather: index -1 at position 3 is outside 0..2"),
  ],
  [
    "an index into rows of nothing",
    () => gather(zeros([2, 0]), int([0, 2])),
    new RangeError("gather: index 2 at position 1 is outside 0..1"),
  ],
  [
    "any index into an axis that holds nothing",
    () => gather(zeros([0, 3]), int([0])),
    new RangeError("gather: index 0 at position 0 is outside an axis of size 0"),
  ],
  [
    "indices of floats",
    () => gather(zeros([4, 3]), tensor([0, 1])),
    new TypeError('gather: input 1 [2] is float32, expected int32. Make it with tensor(values, { dtype: "int32" })'),
  ],
  [
    "an index that is no integer",
    () => gather(zeros([4, 3]), [0.5]),
    new TypeError("gather: index 0.5 at position 0 is no whole number"),
  ],
  [
    "an axis that is not there",
    () => gather(zeros([4, 3]), int([0]), 2),
    new RangeError("gather: axis 2 is outside -2..1"),
  ],
  [
    "more axes than eight",
    () => gather(zeros([1, 1, 1, 1, 1, 1]), int([0], [1, 1, 1, 1]), 0),
    new ShapeError("gather: rank 9 is above 8: [1, 1, 1, 1, 1, 1, 1, 1, 1]"),
  ],
  [
    "an addition past the end",
    () => scatterAdd(zeros([4, 3]), int([1, 4]), zeros([2, 3])),
    new RangeError("scatterAdd: index 4 at position 1 is outside 0..3"),
  ],
  [
    "updates of another shape",
    () => scatterAdd(zeros([4, 3]), int([1, 2]), zeros([3, 2])),
    new ShapeError("scatterAdd: x [4, 3] with indices [2] needs updates [2, 3], got [3, 2]"),
  ],
  [
    "an addition to a scalar",
    () => scatterAdd(1, int([0]), [1]),
    new ShapeError("scatterAdd: a scalar has no axis 0 to add along"),
  ],
  [
    "an index along an axis past its end",
    () => takeAlongAxis(zeros([2, 3]), int([0, 2, 1, 3], [2, 2])),
    new RangeError("takeAlongAxis: index 3 at position 3 is outside 0..2"),
  ],
  [
    "indices of other rows",
    () => takeAlongAxis(zeros([2, 3]), int([0, 1, 2], [3, 1])),
    new ShapeError("takeAlongAxis: x [2, 3] and indices [3, 1] must agree on every axis but 1"),
  ],
  [
    "a class that is none",
    () => oneHot(int([0, 3]), 3),
    new RangeError("oneHot: index 3 at position 1 is outside 0..2"),
  ],
  [
    "a number of classes that is none",
    () => oneHot(int([0]), -1),
    new RangeError('oneHot: "classes" expected an integer >= 0, got -1'),
  ],
];

describe("picking by index names", () => {
  it.each(refused)("%s", (_, run, error) => {
    expect(run).toThrow(error);
  });
});

describe("picking by index", () => {
  it("adds the gradients of equal indices in their order", () => {
    // 2^24 + 1 is 2^24 in floats: only one order gives 2^24 + 2
    const weights = tensor([[1], [1], [2 ** 24]]);
    const picked = (indices: number[]) =>
      grad((x: Tensor) => sum(mul(gather(x, indices), weights)))(zeros([2, 1])).toArray();
    expect(picked([1, 1, 1])).toEqual([[0], [2 ** 24 + 2]]);
    expect(
      grad((x: Tensor) => sum(mul(gather(x, [1, 1, 1]), tensor([[2 ** 24], [1], [1]]))))(zeros([2, 1])).toArray(),
    ).toEqual([[0], [2 ** 24]]);
  });

  it("takes integers as they are", () => {
    const big = int([2 ** 31 - 1, -(2 ** 31), 16777217, 7, 0x7fa00001, -1], [3, 2]);
    expect(gather(big, [2, 0, 2]).toArray()).toEqual([
      [0x7fa00001, -1],
      [2 ** 31 - 1, -(2 ** 31)],
      [0x7fa00001, -1],
    ]);
    expect(gather(big, [0]).dtype).toBe("int32");
    expect(takeAlongAxis(big, [[1], [0], [0]]).toArray()).toEqual([[-(2 ** 31)], [16777217], [0x7fa00001]]);
  });

  it("takes nothing from anything, and anything from rows of nothing", () => {
    expect(gather(zeros([0, 3]), int([])).shape).toEqual([0, 3]);
    expect(gather(zeros([4, 0]), int([3, 0])).shape).toEqual([2, 0]);
    expect(scatterAdd([[1], [2]], int([]), zeros([0, 1])).toArray()).toEqual([[1], [2]]);
    expect(takeAlongAxis(zeros([0, 3]), int([], [0, 3]), 0).shape).toEqual([0, 3]);
    expect(oneHot(int([]), 3).shape).toEqual([0, 3]);
    expect(oneHot(int([]), 0).shape).toEqual([0, 0]);
    expect(grad((x: Tensor) => sum(gather(x, int([]))))(tensor([[1, 2]])).toArray()).toEqual([[0, 0]]);
  });

  it("takes one index without an axis", () => {
    expect(gather([[1, 2], [3, 4]], 1).toArray()).toEqual([3, 4]); // biome-ignore format: a matrix
    expect(oneHot(1, 3).toArray()).toEqual([0, 1, 0]);
  });

  it("adds a tensor to itself", () => {
    const x = tensor([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    expect(scatterAdd(x, [1, 0], x).toArray()).toEqual([[4, 6], [4, 6]]); // biome-ignore format: a matrix
  });
});
