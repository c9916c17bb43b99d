// Ops along one axis: running sums, and where the extremes are.
import { ShapeError } from "../../base/errors.js";
import { type Shape, showShape, sizeOf } from "../../base/shape.js";
import type { Op } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { axisOf } from "../operand.js";

/** [outer, count, inner] around an axis. */
const around = (shape: Shape, axis: number): [number, number, number] => [
  sizeOf(shape.slice(0, axis)),
  shape[axis],
  sizeOf(shape.slice(axis + 1)),
];

export const cumsumOp = defineOp({
  name: "cumsum",
  inputs: { x: "float32" },
  shape: ({ x }) => x.shape,
  forward: ({ kernels, inputs: { x }, output }, axis: number) =>
    kernels.cumsum(...around(x.shape, axis), x.pointer, 0, output.pointer),
  // every x is in the sums from its own on
  backward: ({ kernels, inputs: { x }, gradientOut, gradients }, axis) =>
    kernels.cumsum(...around(x.shape, axis), gradientOut, 1, gradients.x),
});

/**
 * Running sums along an axis, strictly in its order.
 * Shapes: unchanged. Throws RangeError for an axis that is not there. Example: `cumsum([1, 2, 3]) // [1, 3, 6]`
 */
export const cumsum = (x: TensorLike, axis = -1): Tensor => run(cumsumOp, axisOf("cumsum", x, axis), x);

function position<const N extends "argMax" | "argMin">(name: N, word: string): Op<number, number, { x: "float32" }, N> {
  return defineOp({
    name,
    inputs: { x: "float32" },
    dtype: "int32",
    shape: ({ x }, axis: number) => {
      if (x.shape[axis] === 0)
        throw new ShapeError(
          `${name}: axis ${axis} of ${showShape(x.shape)} is empty, and nothing has no ${word} value`,
        );
      return x.shape.filter((_, d) => d !== axis);
    },
    forward: ({ kernels, inputs: { x }, output }, axis) =>
      kernels.firstExtreme(...around(x.shape, axis), x.pointer, name === "argMin" ? 1 : 0, output.pointer),
    backward: null,
  });
}

export const argMaxOp = position("argMax", "largest");
export const argMinOp = position("argMin", "least");

/**
 * Index of the first largest value along an axis, as int32; of the first NaN where there is one. No gradient.
 * Shapes: [..] -> without the axis. Throws ShapeError for an empty axis, RangeError for one that is not there.
 * Example: `argMax(x, 0)`
 */
export const argMax = (x: TensorLike, axis = -1): Tensor => run(argMaxOp, axisOf("argMax", x, axis), x);
/**
 * Index of the first least value along an axis, as int32; of the first NaN where there is one. No gradient.
 * Shapes: [..] -> without the axis. Throws ShapeError for an empty axis, RangeError for one that is not there.
 * Example: `argMin(x, 0)`
 */
export const argMin = (x: TensorLike, axis = -1): Tensor => run(argMinOp, axisOf("argMin", x, axis), x);
