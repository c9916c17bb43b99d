// Ops along one axis: running sums, and where the extremes are.
import { ShapeError } from "../../base/errors.js";
import { type Shape, showShape, sizeOf } from "../../base/shape.js";
import type { Op } from "../../core/tape.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { axisOf } from "../operand.js";

/** [outer, count, inner] around an axis. */
const around = (shape: Shape, axis: number): [number, number, number] => [
  sizeOf(shape.slice(0, axis)),
  shape[axis],
  sizeOf(shape.slice(axis + 1)),
];

export const cumsumOp = defineOp<number>({
  name: "cumsum",
  shape: ([x]) => x.shape,
  forward: ({ kernels, a, attributes: axis, output }) =>
    kernels.cumsum(...around(a.shape, axis), a.pointer, 0, output.pointer),
  // every x is in the sums from its own on
  backward: ({ kernels, a, attributes: axis, gradientOut, gradientIn }) =>
    kernels.cumsum(...around(a.shape, axis), gradientOut, 1, gradientIn[0]),
});

/**
 * Running sums along an axis, strictly in its order.
 * Shapes: unchanged. Throws RangeError for an axis that is not there. Example: `cumsum([1, 2, 3]) // [1, 3, 6]`
 */
export const cumsum = (x: TensorLike, axis = -1): Tensor => run(cumsumOp, axisOf("cumsum", x, axis), x);

function position(name: "argMax" | "argMin", word: string): Op<number> {
  return defineOp({
    name,
    dtype: "int32",
    shape: ([x], axis) => {
      if (x.shape[axis] === 0)
        throw new ShapeError(
          `${name}: axis ${axis} of ${showShape(x.shape)} is empty, and nothing has no ${word} value`,
        );
      return x.shape.filter((_, d) => d !== axis);
    },
    forward: ({ kernels, a, attributes: axis, output }) =>
      kernels.firstExtreme(...around(a.shape, axis), a.pointer, name === "argMin" ? 1 : 0, output.pointer),
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
