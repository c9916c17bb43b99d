// Linear interpolation, the update of a gated recurrent unit: three inputs, one output, nothing between.
import { ShapeError } from "../../base/errors.js";
import { sameShape, showShape } from "../../base/shape.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";

export const lerpOp = defineOp({
  name: "lerp",
  inputs: { a: "float32", b: "float32", t: "float32" },
  shape: ({ a, b, t }) => {
    if (!sameShape(a.shape, b.shape) || !sameShape(a.shape, t.shape))
      throw new ShapeError(
        `lerp: expected three equal shapes, got ${[a, b, t].map(({ shape }) => showShape(shape)).join(", ")}. Use broadcastTo first`,
      );
    return a.shape;
  },
  forward: ({ kernels, inputs: { a, b, t }, output }) =>
    kernels.lerp(a.size, a.pointer, b.pointer, t.pointer, output.pointer),
  backward: ({ kernels, inputs: { a, b, t }, gradientOut: dy, gradients: { a: da, b: db, t: dt } }) =>
    kernels.lerpBackward(a.size, a.pointer, b.pointer, t.pointer, dy, da, db, dt),
});

/**
 * a + t (b - a): a where t is 0, b where it is 1 to a rounding.
 * Shapes: all three equal. Throws ShapeError where they are not. Example: `lerp([0, 0], [1, 2], [0.5, 0.5])`
 */
export const lerp = (a: TensorLike, b: TensorLike, t: TensorLike): Tensor => run(lerpOp, undefined, a, b, t);
