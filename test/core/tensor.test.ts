// Host tensors: what they are made from, how they read, and what is refused; int32 among float32.
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { DataError, ShapeError } from "../../src/base/errors.js";
import { byteTensor, type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { add, mul } from "../../src/ops/elementwise/index.js";
import { broadcastTo, concat, reshape, slice, transpose } from "../../src/ops/layout/layout.js";
import { accuracy, softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import { sum } from "../../src/ops/reduce/reduce.js";

describe("tensor", () => {
  it("takes the shape of nested arrays", () => {
    expect(tensor([[[1], [2]]]).shape).toEqual([1, 2, 1]);
    expect(tensor(5).shape).toEqual([]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
  });

  it("reads back what it was given", () => {
    expect(tensor([1, 2, 3, 4, 5, 6], [2, 3]).toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(tensor(7).toArray()).toBe(7);
    expect(tensor([[9]]).item()).toBe(9);
  });

  it("keeps a typed array instead of copying it", () => {
    const data = new Float32Array([1, 2]);
    expect(tensor(data).data).toBe(data);
  });

  it("tells float32 and int32 arrays apart", () => {
    expect([tensor(new Int32Array(2)).dtype, tensor([1]).dtype, tensor([1], { dtype: "int32" }).dtype]).toEqual([
      "int32",
      "float32",
      "int32",
    ]);
  });

  it("does not change once its shape is passed on", () => {
    const shape = [2, 3];
    const t = zeros(shape);
    shape[0] = 9;
    expect(t.shape).toEqual([2, 3]);
    expect(Object.isFrozen(t.shape)).toBe(true);
  });

  it("refuses what is no full block of numbers", () => {
    expect(() => tensor([[1, 2], [3]])).toThrow(
      new ShapeError("tensor: ragged array: an array of 1 stands where 2 is expected at axis 1"),
    );
    expect(() => tensor([[1], 2])).toThrow(
      new ShapeError("tensor: ragged array: a number stands where an array is expected at axis 1"),
    );
    expect(() => tensor([1, [2]])).toThrow(ShapeError);
    expect(() => tensor([1, "2"] as never)).toThrow(new TypeError('tensor: expected numbers, got "2"'));
    expect(() => tensor([1, 2, 3], [2, 2])).toThrow(
      new ShapeError("tensor: 3 values do not fill the shape [2, 2], which holds 4"),
    );
    expect(() => tensor([1], [1.5])).toThrow(new ShapeError("tensor: every size is an integer >= 0, got 1.5 in [1.5]"));
  });

  it("refuses an int32 that is none, with its position", () => {
    expect(() => tensor([1, 2.5], { dtype: "int32" })).toThrow(
      new DataError("tensor: value 2.5 at position 1 is no 32-bit integer"),
    );
    expect(() => tensor([2 ** 31], { dtype: "int32" })).toThrow(DataError);
  });

  it("refuses to take a typed array for another type than it is", () => {
    expect(() => tensor(new Float32Array(2), { dtype: "int32" })).toThrow(
      new TypeError("tensor: a Float32Array of 2 makes a tensor of float32, not int32"),
    );
  });

  it("has an item only when it is one", () => {
    expect(() => tensor([1, 2]).item()).toThrow(new ShapeError("item: expected one element, got shape [2]"));
  });
});

describe("a tensor of bytes", () => {
  const bytes = Uint8Array.from({ length: 21 }, (_, i) => i * 12);

  it("has the same floats inside an op as outside", () => {
    const inside = add(byteTensor(bytes, [3, 7], 255), 0);
    expect(inside.data).toEqual(byteTensor(bytes, [3, 7], 255).data);
    expect(inside.data).toEqual(Float32Array.from(bytes, (b) => b / 255));
  });
});

describe("int32", () => {
  const whole = tensor([1, 2], { dtype: "int32" });

  it("is moved by the ops that only move elements", () => {
    const grid = tensor(Int32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    for (const [out, values] of [
      [
        reshape(grid, [3, 2]),
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      ],
      [
        transpose(grid),
        [
          [1, 4],
          [2, 5],
          [3, 6],
        ],
      ],
      [
        slice(grid, [0, 1], [2, 2]),
        [
          [2, 3],
          [5, 6],
        ],
      ],
      [
        concat([grid, grid], 1),
        [
          [1, 2, 3, 1, 2, 3],
          [4, 5, 6, 4, 5, 6],
        ],
      ],
      [
        broadcastTo(whole, [2, 2]),
        [
          [1, 2],
          [1, 2],
        ],
      ],
    ] as const) {
      expect(out.dtype).toBe("int32");
      expect(out.toArray()).toEqual(values);
    }
    expect(() => concat([grid, tensor([[1, 2, 3]])])).toThrow(
      new TypeError(
        'concat: input 1 [1, 3] is float32, expected int32. Make it with tensor(values, { dtype: "int32" })',
      ),
    );
  });

  it("takes no part in arithmetic", () => {
    expect(() => add(whole, 1)).toThrow(new TypeError("add: input 0 [2] is int32, expected float32"));
    expect(() => mul(tensor([1, 2]), whole)).toThrow(new TypeError("mul: input 1 [2] is int32, expected float32"));
    expect(() => concat([tensor([1]), whole])).toThrow(TypeError);
    expect(() => sum(whole)).toThrow(TypeError);
  });

  it("is what labels must be", () => {
    const logits = tensor([
      [1, 2],
      [3, 4],
    ]);
    const text = (op: string): string =>
      `${op}: labels [2] are float32, expected int32 class numbers. Use cast(labels, "int32"), or tensor(values, { dtype: "int32" })`;
    expect(() => softmaxCrossEntropy(logits, tensor([0, 1]))).toThrow(new TypeError(text("softmaxCrossEntropy")));
    expect(() => accuracy(logits, tensor([0, 1]))).toThrow(new TypeError(text("accuracy")));
    expect(accuracy(logits, [1, 1]).item()).toBe(1);
  });

  it("has a zero gradient of its own type", () => {
    const g = grad((p: { x: Tensor; labels: Tensor }) => softmaxCrossEntropy(reshape(p.x, [1, 2]), p.labels))({
      x: tensor([1, 2]),
      labels: tensor([1], { dtype: "int32" }),
    });
    expect([g.labels.dtype, g.labels.item()]).toEqual(["int32", 0]);
  });
});
