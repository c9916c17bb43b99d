// Pooling: what is refused, ties, NaN, overlapping windows, empty batches.
import { describe, expect, it } from "vitest";
import "../../../src/ops/methods.js";
import { grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { avgPool2d, maxPool2d } from "../../../src/ops/image/pool.js";
import { sum } from "../../../src/ops/reduce/reduce.js";

/** One image of one channel. */
const image = (rows: number[][]): Tensor =>
  tensor(rows.map((row) => row.map((v) => [v]))).reshape([1, rows.length, rows[0].length, 1]);
const values = (t: Tensor): number[] => Array.from(t.data);

const refused: [string, () => unknown, Error][] = [
  [
    "an image without a batch",
    () => maxPool2d(zeros([4, 4, 3]), 2),
    new ShapeError("maxPool2d: expected images [batch, height, width, channels], got [4, 4, 3]"),
  ],
  [
    "a window larger than the image",
    () => maxPool2d(zeros([1, 4, 2, 3]), [2, 3]),
    new ShapeError("maxPool2d: the window [2, 3] does not fit into [4, 2] of [1, 4, 2, 3]"),
  ],
  [
    "a window larger than the padded image",
    () => avgPool2d(zeros([1, 1, 1, 3]), 4, { padding: 1 }),
    new ShapeError("avgPool2d: the window [4, 4] does not fit into [1, 1] of [1, 1, 1, 3] with padding [1, 1]"),
  ],
  [
    "an image without rows",
    () => avgPool2d(zeros([1, 0, 4, 3]), 2, { padding: 1 }),
    new ShapeError("avgPool2d: the window [2, 2] does not fit into [0, 4] of [1, 0, 4, 3] with padding [1, 1]"),
  ],
  [
    "a padding of more than half the window",
    () => maxPool2d(zeros([1, 4, 4, 3]), [2, 3], { padding: [1, 2] }),
    new RangeError("maxPool2d: padding [1, 2] is more than half the window [2, 3]"),
  ],
  [
    "a size that is none",
    () => maxPool2d(zeros([1, 4, 4, 3]), 0),
    new RangeError('maxPool2d: "size" expected an integer >= 1 or a pair of them, got 0'),
  ],
  [
    "a stride of three numbers",
    () => avgPool2d(zeros([1, 4, 4, 3]), 2, { stride: [1, 2, 3] as never }),
    new RangeError('avgPool2d: "stride" expected an integer >= 1 or a pair of them, got [1, 2, 3]'),
  ],
];

describe("pooling names", () => {
  it.each(refused)("%s", (_, run, error) => {
    expect(run).toThrow(error);
  });
});

describe("pooling", () => {
  const x = image([
    [1, 5, 5, 2, 9],
    [5, 5, 0, 5, 9],
    [3, 4, 9, 9, 9],
  ]);

  it("leaves out the rows and columns that fill no window", () => {
    expect(maxPool2d(x, 2).shape).toEqual([1, 1, 2, 1]);
    expect(values(maxPool2d(x, 2))).toEqual([5, 5]);
    expect(values(avgPool2d(x, 2))).toEqual([4, 3]);
  });

  it("gives the gradient of equal values to the first, row by row, as PyTorch does", () => {
    const gradient = grad((t: Tensor) => sum(mul(maxPool2d(t, 2), tensor([10, 20]).reshape([1, 1, 2, 1]))))(x);
    expect(values(gradient)).toEqual([0, 10, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("adds up the gradients of windows that overlap", () => {
    const gradient = grad((t: Tensor) => sum(maxPool2d(t, 2, { stride: 1 })))(x);
    expect(values(gradient)).toEqual([0, 2, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 2, 0, 0]);
    const shares = grad((t: Tensor) => sum(avgPool2d(t, 2, { stride: 1 })))(x);
    expect(values(shares)).toEqual([1, 2, 2, 2, 1, 2, 4, 4, 4, 2, 1, 2, 2, 2, 1].map((v) => v / 4));
  });

  it("never lets the padding be the largest, and counts it as zeros in a mean", () => {
    const below = image([
      [-1, -2],
      [-3, -4],
    ]);
    expect(values(maxPool2d(below, 2, { padding: 1 }))).toEqual([-1, -2, -3, -4]);
    expect(values(avgPool2d(below, 2, { padding: 1 }))).toEqual([-0.25, -0.5, -0.75, -1]);
  });

  it("lets NaN through, and infinities", () => {
    const odd = image([
      [Number.NaN, 1, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, Number.POSITIVE_INFINITY],
    ]);
    expect(values(maxPool2d(odd, [1, 2]))).toEqual([Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    const gradient = grad((t: Tensor) => sum(maxPool2d(t, [1, 2])))(odd);
    expect(values(gradient)).toEqual([Number.NaN, Number.NaN, 1, 0, 0, 1]);
  });

  it("takes batches of nothing and images without channels", () => {
    expect(maxPool2d(zeros([0, 4, 4, 3]), 2).shape).toEqual([0, 2, 2, 3]);
    expect(avgPool2d(zeros([2, 4, 4, 0]), 2).shape).toEqual([2, 2, 2, 0]);
    expect(grad((t: Tensor) => sum(maxPool2d(t, 2)))(zeros([0, 4, 4, 3])).shape).toEqual([0, 4, 4, 3]);
  });
});
