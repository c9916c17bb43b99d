// Elementwise ops of two inputs that broadcast.
import { broadcastShapes, type Shape, sameShape } from "../../base/shape.js";
import type { Op, OpRecord } from "../../core/tape.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { sumTo } from "../reduce/reduce.js";
import { type BinaryName, broadcastBinary } from "./broadcast.js";

/** dx = sum to x's shape of `write`, which fills a gradient of the output's shape. */
export function towards(r: OpRecord, i: number, write: (out: number) => void): void {
  const target = r.gradientIn[i];
  if (target === 0) return;
  const { shape } = r.inputs[i];
  if (sameShape(shape, r.output.shape)) {
    write(target);
    return;
  }
  const { memory } = r.runtime;
  const held = memory.top;
  const scratch = memory.allocate(r.output.size * 4);
  write(scratch);
  sumTo(r.runtime, scratch, r.output.shape, shape, target);
  memory.top = held;
}

function binary(name: BinaryName, backward: (r: OpRecord) => void): Op<undefined> {
  return defineOp({
    name,
    needs: ["a", "b"],
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: (r) =>
      broadcastBinary(
        r.runtime,
        name,
        r.a.pointer,
        r.a.shape,
        r.b!.pointer,
        r.b!.shape,
        r.output.pointer,
        r.output.shape,
      ),
    backward,
  });
}

/** An address and its shape. */
type Operand = Pick<Value, "pointer" | "shape">;

const dy = (r: OpRecord): [number, Shape] => [r.gradientOut, r.output.shape];

export const addOp = binary("add", (r) => {
  for (const i of [0, 1]) towards(r, i, (out) => r.kernels.copy(r.output.size, r.gradientOut, out));
});
export const subOp = binary("sub", (r) => {
  towards(r, 0, (out) => r.kernels.copy(r.output.size, r.gradientOut, out));
  towards(r, 1, (out) => r.kernels.negKernel(r.output.size, r.gradientOut, out));
});
export const mulOp = binary("mul", (r) => {
  const { output, a, runtime } = r;
  const b = r.b!;
  towards(r, 0, (out) => broadcastBinary(runtime, "mul", ...dy(r), b.pointer, b.shape, out, output.shape));
  towards(r, 1, (out) => broadcastBinary(runtime, "mul", ...dy(r), a.pointer, a.shape, out, output.shape));
});
export const divOp = binary("div", (r) => {
  const { output, runtime } = r;
  const b = r.b!;
  towards(r, 0, (out) => broadcastBinary(runtime, "div", ...dy(r), b.pointer, b.shape, out, output.shape));
  // d(a/b)/db = -(a/b) / b
  towards(r, 1, (out) => {
    r.kernels.mulKernel(output.size, r.gradientOut, 1, output.pointer, 1, out);
    broadcastBinary(runtime, "div", out, output.shape, b.pointer, b.shape, out, output.shape);
    r.kernels.negKernel(output.size, out, out);
  });
});

/** dx = weight dy, with the weight op(a, b). */
function weighted(r: OpRecord, i: number, op: BinaryName, a: Operand, b: Operand): void {
  const { output, runtime } = r;
  towards(r, i, (out) => {
    broadcastBinary(runtime, op, a.pointer, a.shape, b.pointer, b.shape, out, output.shape);
    r.kernels.weigh(output.size, out, r.gradientOut, out);
  });
}

// ties share the gradient evenly
export const maximumOp = binary("maximum", (r) => {
  weighted(r, 0, "share", r.a, r.b!);
  weighted(r, 1, "share", r.b!, r.a);
});
export const minimumOp = binary("minimum", (r) => {
  weighted(r, 0, "share", r.b!, r.a);
  weighted(r, 1, "share", r.a, r.b!);
});
export const powOp = binary("pow", (r) => {
  weighted(r, 0, "powByBase", r.a, r.b!);
  weighted(r, 1, "powByExponent", r.output, r.a);
});

/**
 * a + b. Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `add([[1], [2]], [10, 20])`
 */
export const add = (a: TensorLike, b: TensorLike): Tensor => run(addOp, undefined, a, b);
/**
 * a - b. Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `sub([[1], [2]], [10, 20])`
 */
export const sub = (a: TensorLike, b: TensorLike): Tensor => run(subOp, undefined, a, b);
/**
 * a * b. Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `mul([[1], [2]], [10, 20])`
 */
export const mul = (a: TensorLike, b: TensorLike): Tensor => run(mulOp, undefined, a, b);
/**
 * a / b. Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `div([[1], [2]], [10, 20])`
 */
export const div = (a: TensorLike, b: TensorLike): Tensor => run(divOp, undefined, a, b);

/**
 * The larger of two, NaN where either is NaN; where they are equal, each takes half of the gradient.
 *
 * Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `maximum([1, 5], 3)`
 */
export const maximum = (a: TensorLike, b: TensorLike): Tensor => run(maximumOp, undefined, a, b);
/**
 * The smaller of two, NaN where either is NaN; where they are equal, each takes half of the gradient.
 *
 * Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `minimum([1, 5], 3)`
 */
export const minimum = (a: TensorLike, b: TensorLike): Tensor => run(minimumOp, undefined, a, b);
/**
 * a to the power b, computed in double and rounded once: NaN where a < 0 and b is no integer; x^0 = 1 for every x.
 * The gradient by b is 0 where a is 0, and NaN where a < 0.
 *
 * Shapes: broadcast. Throws ShapeError where they do not, TypeError for int32.
 * Example: `pow([1, 2, 3], 2)`
 */
export const pow = (a: TensorLike, b: TensorLike): Tensor => run(powOp, undefined, a, b);
