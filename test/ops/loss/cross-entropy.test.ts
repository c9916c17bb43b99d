// Softmax cross-entropy: its reductions, and rows that a mask leaves out.
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { key, normal } from "../../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { softmaxCrossEntropy } from "../../../src/ops/loss/softmax.js";

const int = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });
const logits = normal(key(1), [5, 7]);
const labels = int(3, 0, 6, 2, 2);
const rows = softmaxCrossEntropy(logits, labels, { reduction: "none" });

describe("softmaxCrossEntropy", () => {
  it("of reduction none gives every row, whose sum and mean the others are", () => {
    expect(rows.shape).toEqual([5]);
    const total = Array.from(rows.data).reduce((s, v) => s + v, 0);
    expect(softmaxCrossEntropy(logits, labels, { reduction: "sum" }).item()).toBeCloseTo(total, 5);
    expect(softmaxCrossEntropy(logits, labels).item()).toBeCloseTo(total / 5, 6);
    expect(softmaxCrossEntropy(logits, labels, { reduction: "mean", mask: [1, 1, 1, 1, 1] }).item()).toBeCloseTo(
      total / 5,
      6,
    );
  });

  it("weighs rows by the mask, and divides the mean by its sum", () => {
    const mask = [2, 0, 1, 0, 0.5];
    const weighted = mask.map((w, i) => w * rows.data[i]);
    const masked = (reduction?: "none" | "sum"): Tensor => softmaxCrossEntropy(logits, labels, { reduction, mask });
    expect(Array.from(masked("none").data)).toEqual(weighted.map(Math.fround));
    expect(masked().item()).toBeCloseTo(weighted.reduce((s, v) => s + v, 0) / 3.5, 6);
  });

  it("ignores label and logits of rows that the mask leaves out", () => {
    const x = logits.data.slice() as Float32Array;
    x.fill(Number.NaN, 7, 14);
    const options = { mask: tensor([1, 0, 1, 0, 1]) };
    const loss = (t: Tensor, l: Tensor): Tensor => softmaxCrossEntropy(t, l, options);
    const odd = int(3, -100, 6, 2 ** 31 - 1, 2);
    expect(loss(tensor(x, [5, 7]), odd).item()).toBe(loss(logits, labels).item());
    const got = grad((t: Tensor) => loss(t, odd))(tensor(x, [5, 7])).data;
    expect(got).toEqual(grad((t: Tensor) => loss(t, labels))(logits).data);
    expect(Array.from(got.subarray(7, 14))).toEqual(Array(7).fill(0));
    expect(Array.from(got.subarray(21, 28))).toEqual(Array(7).fill(0));
  });

  it("of no rows is empty, 0, or NaN for the mean, and so is a mask of zeros", () => {
    const none = (reduction?: "none" | "sum"): Tensor => softmaxCrossEntropy(zeros([0, 3]), int(), { reduction });
    expect([none("none").shape, none("sum").item(), none().item()]).toEqual([[0], 0, Number.NaN]);
    expect(softmaxCrossEntropy(logits, labels, { mask: zeros([5]) }).item()).toBe(Number.NaN);
  });

  it.each([
    [
      () => softmaxCrossEntropy(logits, int(3, 0, 6, 7, 2), { mask: [1, 0, 1, 1, 1] }),
      new RangeError("softmaxCrossEntropy: label 7 at position 3 is outside 0..6"),
    ],
    [
      () => softmaxCrossEntropy(logits, labels, { mask: [1, 0] }),
      new ShapeError("softmaxCrossEntropy: the mask [2] must have the shape [5] of the labels"),
    ],
    [
      () => softmaxCrossEntropy(logits, labels, { reduction: "average" as never }),
      new TypeError('softmaxCrossEntropy: "reduction" expected "mean" or "sum" or "none", got "average"'),
    ],
    [
      () => softmaxCrossEntropy(zeros([2, 0]), int(1, 2)),
      new ShapeError("softmaxCrossEntropy: logits [2, 0] have no axis of classes to choose from"),
    ],
  ] as [() => unknown, Error][])("%s throws", (run, error) => {
    expect(run).toThrow(error);
  });
});
