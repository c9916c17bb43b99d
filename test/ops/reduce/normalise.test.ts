// Normalisation: what is refused, statistics, empty and single rows, long rows.
import { describe, expect, it } from "vitest";
import { checkGrad, grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { key, normal } from "../../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { batchNorm, batchStatistics, layerNorm } from "../../../src/ops/reduce/normalise.js";
import { mean, sum } from "../../../src/ops/reduce/reduce.js";

const refused: [string, () => unknown, Error][] = [
  [
    "a scale of another size",
    () => layerNorm(zeros([2, 3]), zeros([2]), zeros([3])),
    new ShapeError("layerNorm: the scale [2] must be [3], one per feature of [2, 3]"),
  ],
  [
    "an offset that is a matrix",
    () => batchNorm(zeros([2, 3]), zeros([3]), zeros([1, 3])),
    new ShapeError("batchNorm: the offset [1, 3] must be [3], one per feature of [2, 3]"),
  ],
  [
    "a variance of another size",
    () => batchNorm(zeros([2, 3]), zeros([3]), zeros([3]), { mean: zeros([3]), variance: zeros([1]) }),
    new ShapeError("batchNorm: the variance [1] must be [3], one per feature of [2, 3]"),
  ],
  [
    "a mean without a variance",
    () => batchNorm(zeros([2, 3]), zeros([3]), zeros([3]), { mean: zeros([3]) }),
    new TypeError("batchNorm: got a mean without a variance; give both, or neither for the batch's own"),
  ],
  [
    "a variance without a mean",
    () => batchNorm(zeros([2, 3]), zeros([3]), zeros([3]), { variance: zeros([3]) }),
    new TypeError("batchNorm: got a variance without a mean; give both, or neither for the batch's own"),
  ],
  [
    "an empty batch, whose mean is nothing",
    () => batchNorm(zeros([0, 3]), zeros([3]), zeros([3])),
    new ShapeError("batchStatistics: [0, 3] holds no example to take a mean of"),
  ],
  ["a scalar", () => layerNorm(1, [1], [1]), new ShapeError("layerNorm: a scalar has no axis of features")],
  ["a scalar batch", () => batchStatistics(1), new ShapeError("batchStatistics: a scalar has no axis of features")],
  [
    "a negative epsilon",
    () => layerNorm([1, 2], [1, 1], [0, 0], { epsilon: -1 }),
    new RangeError('layerNorm: "epsilon" expected a number >= 0 and finite in float32, got -1'),
  ],
];

describe("normalisation names", () => {
  it.each(refused)("%s", (_, run, error) => {
    expect(run).toThrow(error);
  });
});

describe("normalisation", () => {
  const x = tensor([
    [1, 2, 6],
    [3, 2, 0],
  ]);

  it("takes mean and biased variance of the batch", () => {
    const { mean, variance } = batchStatistics(x);
    expect([mean.toArray(), variance.toArray()]).toEqual([
      [2, 2, 3],
      [1, 0, 9],
    ]);
  });

  it("with the batch's statistics given is the same to the bit, but not in its gradient", () => {
    const [scale, offset] = [tensor([1, 2, 3]), tensor([0.5, 0, -1])];
    const own = (t: Tensor): Tensor => batchNorm(t, scale, offset);
    const given = (t: Tensor): Tensor => batchNorm(t, scale, offset, batchStatistics(t));
    expect(given(x).data).toEqual(own(x).data);
    const weights = tensor([
      [1, 2, 3],
      [4, 5, 7],
    ]);
    const gradient = (f: typeof own) => grad((t: Tensor) => sum(mul(f(t), weights)))(x);
    expect(gradient(given).data).not.toEqual(gradient(own).data);
    expect(gradient(given).data[0]).toBeCloseTo(1, 4);
  });

  it("of one row or one feature is the offset", () => {
    expect(batchNorm([[5, 6]], [2, 3], [0.5, 1]).toArray()).toEqual([[0.5, 1]]);
    expect(layerNorm([[5], [6]], [2], [0.5]).toArray()).toEqual([[0.5], [0.5]]); // biome-ignore format: a matrix
  });

  it("takes rows of nothing and no rows", () => {
    expect(layerNorm(zeros([0, 3]), zeros([3]), zeros([3])).shape).toEqual([0, 3]);
    expect(layerNorm(zeros([2, 0]), zeros([0]), zeros([0])).shape).toEqual([2, 0]);
    expect(batchNorm(zeros([2, 0]), zeros([0]), zeros([0])).shape).toEqual([2, 0]);
    const given = { mean: zeros([3]), variance: zeros([3]) };
    expect(batchNorm(zeros([0, 3]), zeros([3]), zeros([3]), given).shape).toEqual([0, 3]);
    const scaled = (scale: Tensor): Tensor => sum(layerNorm(zeros([0, 3]), scale, zeros([3])));
    expect(grad(scaled)(zeros([3])).toArray()).toEqual([0, 0, 0]);
  });

  it("holds far from zero, where the mean of squares would have lost everything", () => {
    const far = tensor(
      Float32Array.from({ length: 9000 }, (_, i) => 4096 + (i % 2)),
      [2, 4500],
    );
    const ones = tensor(new Float32Array(4500).fill(1));
    const y = layerNorm(far, ones, zeros([4500]), { epsilon: 0 });
    expect([y.data[0], y.data[1]].map((v) => Math.round(v * 1e3) / 1e3)).toEqual([-1, 1]);
    expect(mean(y).item()).toBeCloseTo(0, 6);
  });

  it("has a gradient for the parts that train, while x does not", () => {
    const data = normal(key(3), [5, 7]);
    const f = (p: { scale: Tensor; offset: Tensor }): Tensor =>
      mean(mul(batchNorm(data, p.scale, p.offset), layerNorm(data, p.scale, p.offset)));
    const params = { scale: normal(key(1), [7]), offset: normal(key(2), [7]) };
    expect(checkGrad(f, params).worst).toBeLessThan(0.01);
    expect(checkGrad((scale: Tensor) => f({ ...params, scale }), params.scale).worst).toBeLessThan(0.01);
  });

  it("may take one tensor for everything", () => {
    const v = tensor([1, 2, 4]);
    const f = (t: Tensor): Tensor => sum(mul(batchNorm(t, t, t, { mean: t, variance: t }), layerNorm(t, t, t)));
    expect(checkGrad(f, v).worst).toBeLessThan(0.01);
  });
});
