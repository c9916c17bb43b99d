// Linear interpolation, the update of a gated recurrent unit: three inputs, one output, nothing between.
import { ShapeError } from "../../base/errors.js";
import { sameShape, showShape } from "../../base/shape.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";

export const lerpOp = defineOp({
  name: "lerp",
  needs: ["a", "b", "t"],
  shape: ([a, b, t]) => {
    if (!sameShape(a.shape, b.shape) || !sameShape(a.shape, t.shape))
      throw new ShapeError(
        `lerp: expected three equal shapes, got ${[a, b, t].map(({ shape }) => showShape(shape)).join(", ")}. Use broadcastTo first`,
      );
    return a.shape;
  },
  forward: (r) => r.kernels.lerp(r.a.size, r.a.pointer, r.b!.pointer, r.c!.pointer, r.output.pointer),
  backward: (r) => {
    const { a, b, c, gradientOut, gradientIn } = r;
    r.kernels.lerpBackward(
      a.size,
      a.pointer,
      b!.pointer,
      c!.pointer,
      gradientOut,
      gradientIn[0],
      gradientIn[1],
      gradientIn[2],
    );
  },
});

/**
 * a + t (b - a): a where t is 0, b where it is 1 to a rounding.
 * Shapes: all three equal. Throws ShapeError where they are not. Example: `lerp([0, 0], [1, 2], [0.5, 0.5])`
 */
export const lerp = (a: TensorLike, b: TensorLike, t: TensorLike): Tensor => run(lerpOp, undefined, a, b, t);
