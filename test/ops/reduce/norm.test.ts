// Edges of the reductions beyond the sum, and of the ops along one axis: zeros, infinities, NaN, ties, nothing.
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { logSoftmax, logSumExp, norm, prod } from "../../../src/ops/reduce/norm.js";
import { max, min, sum } from "../../../src/ops/reduce/reduce.js";
import { argMax, argMin, cumsum } from "../../../src/ops/reduce/scan.js";

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const list = (x: Tensor): number[] => Array.from(x.data);
const gradient = (f: (x: Tensor) => Tensor, x: Tensor): number[] => list(grad((y: Tensor) => sum(f(y)))(x));

describe("prod", () => {
  it.each([
    [
      [2, 3, 4],
      [12, 8, 6],
    ],
    [
      [2, 0, 4],
      [0, 8, 0],
    ],
    [
      [0, 3, 0],
      [0, 0, 0],
    ],
    [[5], [1]],
    [[0], [1]],
  ])("of %j has the gradient %j, zeros or not", (values, want) => {
    expect(gradient(prod, tensor(values))).toEqual(want);
  });

  it("of nothing is 1", () => {
    expect(list(prod(zeros([2, 0]), { axis: 1 }))).toEqual([1, 1]);
    expect(prod(zeros([0])).item()).toBe(1);
    expect(prod(zeros([2, 0]), { axis: 0 }).shape).toEqual([0]);
  });

  it("of no axes, or of a scalar, is the tensor", () => {
    expect(list(prod([2, 3], { axis: [] }))).toEqual([2, 3]);
    expect(prod(7).item()).toBe(7);
  });
});

describe("norm", () => {
  it("has the gradient 0 at 0", () => {
    expect(norm([0, 0]).item()).toBe(0);
    expect(gradient(norm, tensor([0, 0]))).toEqual([0, 0]);
    expect(
      gradient(
        (x) => norm(x, { axis: 1 }),
        tensor([
          [0, 0],
          [3, 4],
        ]),
      ),
    ).toEqual([0, 0, Math.fround(0.6), Math.fround(0.8)]);
  });

  it("is right where squares leave the range of a float", () => {
    for (const size of [1e30, 1e-30, 1e-42]) {
      const x = tensor([3 * size, 4 * size]);
      const want = Math.hypot(...x.data);
      expect(Math.abs(norm(x).item() - want)).toBeLessThanOrEqual(want * 1e-7 + 1e-45);
      expect(gradient(norm, x)[0]).toBeCloseTo(x.data[0] / want, 2);
    }
    const column = tensor([
      [3e30, 1],
      [4e30, 0],
    ]);
    expect(list(norm(column, { axis: 0 }))).toEqual([Math.fround(5e30), 1]);
  });

  it("of no axes is the absolute value, and of nothing 0", () => {
    expect(list(norm([-2, 3], { axis: [] }))).toEqual([2, 3]);
    expect(norm(zeros([0])).item()).toBe(0);
  });
});

describe("logSumExp", () => {
  it("neither overflows nor vanishes", () => {
    expect(logSumExp([1000, 1000]).item()).toBeCloseTo(1000 + Math.LN2, 4);
    expect(logSumExp([-1000, -1000]).item()).toBeCloseTo(-1000 + Math.LN2, 4);
  });

  it("of -Infinity alone, or of nothing, is -Infinity, with the gradient 0", () => {
    const x = tensor([
      [-inf, -inf],
      [0, -inf],
    ]);
    expect(list(logSumExp(x, { axis: 1 }))).toEqual([-inf, 0]);
    expect(gradient((y) => logSumExp(y, { axis: 1 }), x)).toEqual([0, 0, 1, 0]);
    expect(list(logSumExp(zeros([2, 0]), { axis: 1 }))).toEqual([-inf, -inf]);
    expect(logSumExp(zeros([2, 0]), { axis: 0 }).shape).toEqual([0]);
  });

  it("passes Infinity and NaN on", () => {
    expect(
      list(
        logSumExp(
          [
            [inf, 1],
            [nan, 1],
          ],
          { axis: 1 },
        ),
      ),
    ).toEqual([inf, nan]);
  });
});

describe("logSoftmax", () => {
  it("is exact where a logarithm afterwards is not", () => {
    expect(list(logSoftmax([0, 200]))).toEqual([-200, 0]);
    expect(list(logSoftmax([1e4, 1e4 + 1, -inf]))[2]).toBe(-inf);
    expect(list(logSoftmax([1e4, 1e4]))[0]).toBeCloseTo(-Math.LN2, 6);
  });

  it("of one class is 0, and of nothing is empty", () => {
    expect(list(logSoftmax([[3], [-inf]]))).toEqual([0, nan]);
    expect(logSoftmax(zeros([3, 0])).shape).toEqual([3, 0]);
    expect(logSoftmax(zeros([0, 3])).shape).toEqual([0, 3]);
  });
});

describe("extremes", () => {
  it("share the gradient of ties evenly", () => {
    expect(gradient(min, tensor([1, 0, 0, 3]))).toEqual([0, 0.5, 0.5, 0]);
  });

  it("of every length take in each position, and NaN from any", () => {
    for (let n = 1; n <= 40; n++)
      for (let i = 0; i < n; i++) {
        const x = new Float32Array(n).fill(2);
        const reduced = (): number[] => [max(tensor(x)).item(), min(tensor(x)).item()];
        x[i] = 5;
        expect(reduced()).toEqual([5, n === 1 ? 5 : 2]);
        x[i] = -5;
        expect(reduced()).toEqual([n === 1 ? -5 : 2, -5]);
        x[i] = nan;
        expect(reduced()).toEqual([nan, nan]);
      }
  });

  it("stand at their first occurrence, at a NaN before all", () => {
    expect(argMax([1, 3, 3, 0]).item()).toBe(1);
    expect(argMin([1, 0, 3, 0]).item()).toBe(1);
    expect([argMax([1, nan, 9, nan]).item(), argMin([1, nan, 0, nan]).item()]).toEqual([1, 1]);
    expect([argMax([-inf, -inf]).item(), argMin([inf]).item()]).toEqual([0, 0]);
    const x = argMax(
      [
        [1, 2],
        [5, 0],
      ],
      0,
    );
    expect([x.dtype, list(x)]).toEqual(["int32", [1, 0]]);
    expect(argMax(zeros([0, 3])).shape).toEqual([0]);
  });
});

describe("cumsum", () => {
  it("adds strictly in order, and its gradient from the end", () => {
    expect(list(cumsum([1, 2, 3]))).toEqual([1, 3, 6]);
    expect(
      list(
        cumsum(
          [
            [1, 2],
            [3, 4],
          ],
          0,
        ),
      ),
    ).toEqual([1, 2, 4, 6]);
    expect(list(grad((x: Tensor) => sum(mul(cumsum(x), [1, 10, 100])))(tensor([0, 0, 0])))).toEqual([111, 110, 100]);
    const x = Float32Array.from({ length: 1000 }, (_, i) => Math.fround(1 / (i + 3)));
    let total = 0;
    const want = x.map((v) => (total = Math.fround(total + v)));
    expect(cumsum(tensor(x)).data).toEqual(want);
  });

  it("of nothing is empty", () => {
    expect(cumsum(zeros([2, 0])).shape).toEqual([2, 0]);
    expect(cumsum(zeros([0, 2]), 0).shape).toEqual([0, 2]);
  });
});

describe("an op along an axis names what is wrong with", () => {
  it.each([
    [() => min(zeros([3, 0])), new ShapeError("min: an axis of [3, 0] is empty, and nothing has no least value")],
    [
      () => argMax(zeros([3, 0])),
      new ShapeError("argMax: axis 1 of [3, 0] is empty, and nothing has no largest value"),
    ],
    [
      () => argMin(zeros([0, 3]), 0),
      new ShapeError("argMin: axis 0 of [0, 3] is empty, and nothing has no least value"),
    ],
    [() => argMax(1), new RangeError("argMax: axis -1 is outside a scalar, which has no axes")],
    [() => cumsum([1, 2], 1), new RangeError("cumsum: axis 1 is outside -1..0")],
    [() => logSoftmax([1, 2], 1), new RangeError("logSoftmax: axis 1 is outside -1..0")],
    [() => prod([1, 2], { axis: 2 }), new RangeError("prod: axis 2 is outside -1..0")],
    [() => norm([1, 2], { axis: [0, -1] }), new RangeError("norm: axis 0 is named twice in [0, -1]")],
    [() => logSumExp([1, 2], { axis: -2 }), new RangeError("logSumExp: axis -2 is outside -1..0")],
    [() => cumsum(tensor([1], { dtype: "int32" })), new TypeError("cumsum: input 0 [1] is int32, expected float32")],
  ] as [() => unknown, Error][])("%s", (run, error) => {
    expect(run).toThrow(error);
  });
});
