// Casts: what is cut, what is rounded, what is refused, and where the gradient goes.
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../../src/core/tensor.js";
import { cast } from "../../../src/ops/elementwise/cast.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { sum } from "../../../src/ops/reduce/reduce.js";

describe("cast", () => {
  it("to int32 cuts the fraction off, towards zero", () => {
    const x = cast([1.7, -1.7, 0.99, -0.99, -0, 2147483520, -2147483648], "int32");
    expect(x.dtype).toBe("int32");
    expect(Array.from(x.data)).toEqual([1, -1, 0, 0, 0, 2147483520, -2147483648]);
  });

  it("to float32 rounds to nearest, ties to even", () => {
    const x = cast(tensor([16777217, 16777219, -16777217, 2147483647, -2147483648], { dtype: "int32" }), "float32");
    expect(x.dtype).toBe("float32");
    expect(Array.from(x.data)).toEqual([16777216, 16777220, -16777216, 2147483648, -2147483648]);
  });

  it.each([
    [Number.NaN, "NaN"],
    [Infinity, "Infinity"],
    [2147483648, "2147483648"],
    [-2147483904, "-2147483904"],
  ])("refuses %d, which no int32 is, and names its position", (value, shown) => {
    expect(() => cast([0, 1, 2, 3, 4, value], "int32")).toThrow(
      new RangeError(`cast: value ${shown} at position 5 is no int32, which go from -2147483648 to 2147483647`),
    );
  });

  it("to the kind it has is x itself, gradient included; through int32 there is none", () => {
    const x = tensor([1.5, 2.5]);
    expect(cast(x, "float32")).toBe(x);
    expect(grad((t: Tensor) => sum(mul(cast(t, "float32"), 3)))(x).toArray()).toEqual([3, 3]);
    expect(grad((t: Tensor) => sum(mul(t, cast(cast(t, "int32"), "float32"))))(x).toArray()).toEqual([1, 2]);
  });

  it("refuses a kind that is none, and nothing", () => {
    const loose = cast as (...args: unknown[]) => Tensor;
    expect(() => loose([1], "int")).toThrow(new TypeError('cast: "dtype" expected "float32" or "int32", got "int"'));
    expect(() => loose([1])).toThrow(new TypeError('cast: "dtype" expected "float32" or "int32", got undefined'));
    expect(() => loose(undefined, "int32")).toThrow(TypeError);
  });
});
