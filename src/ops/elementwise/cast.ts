// Casts between the two kinds of elements.
import { show } from "../../base/errors.js";
import { type DataType, isTensor, type Tensor, tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";

export const toFloatsOp = defineOp({
  name: "cast",
  inputs: { x: "int32" },
  shape: ({ x }) => x.shape,
  forward: ({ kernels, inputs: { x }, output }) => kernels.toFloats(x.size, x.pointer, output.pointer),
  backward: null,
});

export const toIntegersOp = defineOp({
  name: "cast",
  inputs: { x: "float32" },
  dtype: "int32",
  shape: ({ x }) => x.shape,
  forward: ({ kernels, inputs: { x }, output }) => {
    const bad = kernels.toIntegers(x.size, x.pointer, output.pointer);
    if (bad >= 0)
      throw new RangeError(
        `cast: value ${x.data[bad]} at position ${bad} is no int32, which go from ${-(2 ** 31)} to ${2 ** 31 - 1}`,
      );
  },
  backward: null,
});

/**
 * x as another kind of elements: to int32 the fraction is cut off, towards zero; to float32 it is rounded to nearest, exact up
 * to 2^24. x itself, with its gradient, where it is of that kind already; no gradient flows through int32.
 *
 * Shapes: unchanged. Throws RangeError naming the first value that is NaN or beyond int32 and its position, TypeError for
 * another dtype. Example: `cast([1.7, -1.7], "int32") // [1, -1]`
 */
export function cast(x: TensorLike, dtype: DataType): Tensor {
  if (dtype !== "float32" && dtype !== "int32")
    throw new TypeError(`cast: "dtype" expected "float32" or "int32", got ${show(dtype)}`);
  if (x === undefined) return run(toIntegersOp, undefined, x);
  const t = isTensor(x) ? x : tensor(x);
  if (t.dtype === dtype) return t;
  return run(dtype === "int32" ? toIntegersOp : toFloatsOp, undefined, t);
}
