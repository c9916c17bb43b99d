// Putting together and taking apart: what is refused, integers, views, empty tensors, gradients of the compositions.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkGrad, grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { expandDims, pad, split, squeeze, stack } from "../../../src/ops/layout/arrange.js";
import { concat } from "../../../src/ops/layout/layout.js";
import { sum } from "../../../src/ops/reduce/reduce.js";

const int = (values: number[], shape?: number[]): Tensor => tensor(Int32Array.from(values), shape);
const range = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => i),
    shape,
  );

const refused: [string, () => unknown, Error][] = [
  [
    "parts of a stack that differ",
    () => stack([zeros([2, 3]), zeros([3, 2])]),
    new ShapeError("stack: [2, 3] and [3, 2] must be the same"),
  ],
  ["a stack of nothing", () => stack([]), new TypeError("stack: expected a list of tensors, got []")],
  [
    "a stack of two dtypes",
    () => stack([zeros([2]), int([1, 2])]),
    new TypeError("stack: input 1 [2] is int32, expected float32"),
  ],
  ["a new axis too far out", () => stack([zeros([2])], 2), new RangeError("stack: axis 2 is outside -2..1")],
  [
    "a ninth axis",
    () => stack([zeros(Array(8).fill(1))]),
    new ShapeError("stack: rank 9 is above 8: [1, 1, 1, 1, 1, 1, 1, 1, 1]"),
  ],
  [
    "equal parts of what does not divide",
    () => split(zeros([2, 7]), 3, 1),
    new ShapeError("split: 3 equal parts do not fill the 7 of axis 1 of [2, 7]"),
  ],
  [
    "sizes that are too few",
    () => split(zeros([7]), [3, 3]),
    new ShapeError("split: parts of [3, 3] do not fill the 7 of axis 0 of [7]"),
  ],
  ["no parts at all", () => split(zeros([7]), 0), new RangeError('split: "parts" expected an integer >= 1, got 0')],
  [
    "a negative size",
    () => split(zeros([7]), [8, -1]),
    new RangeError('split: "size" expected an integer >= 0, got -1'),
  ],
  ["a split of a scalar", () => split(1, 1), new RangeError("split: axis 0 is outside a scalar, which has no axes")],
  [
    "padding that leaves an axis out",
    () => pad(zeros([2, 3]), [[1, 1]]),
    new ShapeError("pad: 1 pairs of [before, after] for [2, 3], which needs one for each of its 2 axes"),
  ],
  ["negative padding", () => pad([1], [[0, -1]]), new RangeError('pad: "after" expected an integer >= 0, got -1')],
  [
    "padding that is one number",
    () => pad([1], 1 as never),
    new TypeError("pad: expected a list of [before, after], got 1"),
  ],
  [
    "half an integer beside integers",
    () => pad(int([1]), [[1, 1]], 0.5),
    new RangeError("pad: value 0.5 is no 32-bit integer, which padding of int32 needs"),
  ],
  ["a new axis that skips one", () => expandDims([1], -3), new RangeError("expandDims: axis -3 is outside -2..1")],
  [
    "squeezing what is not 1",
    () => squeeze(zeros([1, 3]), 1),
    new ShapeError("squeeze: axis 1 of [1, 3] has size 3, not 1"),
  ],
];

describe("arranging names", () => {
  it.each(refused)("%s", (_, run, error) => {
    expect(run).toThrow(error);
  });
});

describe("arranging", () => {
  it("stacks numbers into a vector, and along the last axis", () => {
    expect(stack([1, 2, 3]).toArray()).toEqual([1, 2, 3]);
    expect(
      stack(
        [
          [1, 2],
          [3, 4],
        ],
        -1,
      ).toArray(),
    ).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it("moves integers as they are", () => {
    const x = int([0x7fa00001, -1, 16777217, 0], [2, 2]);
    expect(stack([x, x], 1).data).toEqual(Int32Array.of(0x7fa00001, -1, 0x7fa00001, -1, 16777217, 0, 16777217, 0));
    expect(
      pad(
        x,
        [
          [0, 0],
          [1, 0],
        ],
        0x7fa00001,
      ).data,
    ).toEqual(
      // biome-ignore format: a pair an axis
      Int32Array.of(0x7fa00001, 0x7fa00001, -1, 0x7fa00001, 16777217, 0),
    );
    expect(split(x, 2, 1).map((t) => [...t.data])).toEqual([
      [0x7fa00001, 16777217],
      [-1, 0],
    ]);
    expect(expandDims(x, 1).shape).toEqual([2, 1, 2]);
    expect(squeeze(expandDims(x, 1)).dtype).toBe("int32");
  });

  it("pads with infinity", () => {
    expect(pad([1], [[1, 2]], Number.NEGATIVE_INFINITY).toArray()).toEqual([
      Number.NEGATIVE_INFINITY,
      1,
      Number.NEGATIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });

  it("does nothing to a scalar, and pads what holds nothing", () => {
    expect(pad(3, []).item()).toBe(3);
    expect(pad(zeros([0, 2]), [[1, 1], [0, 0]], 7).toArray()).toEqual([[7, 7], [7, 7]]); // biome-ignore format: matrices
    expect(stack([zeros([0]), zeros([0])]).shape).toEqual([2, 0]);
    expect(split(zeros([0, 3]), 2).map((t) => t.shape)).toEqual([[0, 3], [0, 3]]); // biome-ignore format: shapes
    expect(split(zeros([0]), []).length).toBe(0);
    expect(squeeze(zeros([1, 0, 1])).shape).toEqual([0]);
    expect(squeeze(5).item()).toBe(5);
  });

  it("splits into parts that concat joins again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (shape, sizes, n) => {
          const axis = n % shape.length;
          const x = range(...shape.map((size, d) => (d === axis ? sizes.reduce((a, b) => a + b, 0) : size)));
          const parts = split(x, sizes, axis);
          expect(parts.map((t) => t.shape[axis])).toEqual(sizes);
          const joined = concat(parts, axis);
          expect([joined.shape, joined.data]).toEqual([x.shape, x.data]);
        },
      ),
      { numRuns: 50 },
    );
    expect(split(range(2, 6), 3, -1)[1].toArray()).toEqual([[2, 3], [8, 9]]); // biome-ignore format: a matrix
  });

  it("removes the axes named and no others", () => {
    expect(squeeze(zeros([1, 2, 1, 1])).shape).toEqual([2]);
    expect(squeeze(zeros([1, 2, 1, 1]), -1).shape).toEqual([1, 2, 1]);
    expect(squeeze(zeros([1, 2, 1, 1]), [0, 2]).shape).toEqual([2, 1]);
    expect(expandDims(zeros([2, 3]), -1).shape).toEqual([2, 3, 1]);
    expect(expandDims(5, 0).toArray()).toEqual([5]);
  });

  it("leads gradients back", () => {
    const f = (x: Tensor): Tensor => {
      const [a, b, c] = split(x, [1, 2, 1], 1);
      return sum(mul(expandDims(mul(a, c), 0), squeeze(stack([b, b]), [])));
    };
    expect(checkGrad(f, range(3, 4)).worst).toBeLessThan(0.01);
    const twice = (x: Tensor): Tensor => sum(mul(stack([x, x]), [[1, 2], [10, 20]])); // biome-ignore format: a matrix
    expect(grad(twice)(tensor([1, 1])).toArray()).toEqual([11, 22]);
  });
});
