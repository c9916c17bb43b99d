// Elementwise ops of two inputs that broadcast.
import { broadcastShapes, sameShape } from "../../base/shape.js";
import type { Op, OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { sumTo } from "../reduce/reduce.js";
import { type BinaryName, broadcastBinary } from "./broadcast.js";

/** dx = sum to x's shape of `write`, which fills a gradient of the output's shape. */
export function towards(r: OpRecord, { shape }: Value, target: number, write: (out: number) => void): void {
  if (target === 0) return;
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

type Pair = { a: "float32"; b: "float32" };

function binary<const N extends BinaryName>(
  name: N,
  backward: (r: OpRecord<Pair>) => void,
  guard?: string,
): Op<undefined, undefined, Pair, N> {
  return defineOp({
    name,
    inputs: { a: "float32", b: "float32" },
    guard,
    shape: ({ a, b }) => broadcastShapes(name, a.shape, b.shape),
    forward: ({ runtime, inputs: { a, b }, output }) =>
      broadcastBinary(runtime, name, a.pointer, a.shape, b.pointer, b.shape, output.pointer, output.shape),
    backward,
  });
}

export const addOp = binary("add", (r) => {
  const { inputs, gradients } = r;
  const copy = (out: number): void => r.kernels.copy(r.output.size, r.gradientOut, out);
  towards(r, inputs.a, gradients.a, copy);
  towards(r, inputs.b, gradients.b, copy);
});
export const subOp = binary("sub", (r) => {
  const { inputs, gradients } = r;
  towards(r, inputs.a, gradients.a, (out) => r.kernels.copy(r.output.size, r.gradientOut, out));
  towards(r, inputs.b, gradients.b, (out) => r.kernels.negKernel(r.output.size, r.gradientOut, out));
});
export const mulOp = binary("mul", (r) => {
  const { a, b } = r.inputs;
  const times = (t: Value) => (out: number) =>
    broadcastBinary(r.runtime, "mul", r.gradientOut, r.output.shape, t.pointer, t.shape, out, r.output.shape);
  towards(r, a, r.gradients.a, times(b));
  towards(r, b, r.gradients.b, times(a));
});
export const divOp = binary(
  "div",
  (r) => {
    const { output, runtime, gradientOut: dy } = r;
    const { a, b } = r.inputs;
    towards(r, a, r.gradients.a, (out) =>
      broadcastBinary(runtime, "div", dy, output.shape, b.pointer, b.shape, out, output.shape),
    );
    // d(a/b)/db = -(a/b) / b
    towards(r, b, r.gradients.b, (out) => {
      r.kernels.mulKernel(output.size, dy, 1, output.pointer, 1, out);
      broadcastBinary(runtime, "div", out, output.shape, b.pointer, b.shape, out, output.shape);
      r.kernels.negKernel(output.size, out, out);
    });
  },
  "Keep the divisor away from 0",
);

/** dx = weight dy, with the weight op(a, b). */
function weighted(r: OpRecord<Pair>, which: keyof Pair, op: BinaryName, a: Value, b: Value): void {
  const { output, runtime } = r;
  towards(r, r.inputs[which], r.gradients[which], (out) => {
    broadcastBinary(runtime, op, a.pointer, a.shape, b.pointer, b.shape, out, output.shape);
    r.kernels.weigh(output.size, out, r.gradientOut, out);
  });
}

// ties share the gradient evenly
export const maximumOp = binary("maximum", (r) => {
  weighted(r, "a", "share", r.inputs.a, r.inputs.b);
  weighted(r, "b", "share", r.inputs.b, r.inputs.a);
});
export const minimumOp = binary("minimum", (r) => {
  weighted(r, "a", "share", r.inputs.b, r.inputs.a);
  weighted(r, "b", "share", r.inputs.a, r.inputs.b);
});
export const powOp = binary("pow", (r) => {
  weighted(r, "a", "powByBase", r.inputs.a, r.inputs.b);
  weighted(r, "b", "powByExponent", r.output, r.inputs.a);
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
