// Elementwise ops of two inputs that broadcast.
import { broadcastShapes, sameShape } from "../../base/shape.js";
import type { Op, Operands, OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { sumTo } from "../reduce/reduce.js";
import { type BinaryName, broadcastBinary } from "./broadcast.js";

/** dx = sum to x's shape of what `write` fills: a gradient of the output's shape, at an address. */
export function towards<I extends Operands>(r: OpRecord<I>, { shape }: Value, target: number, write: By<I>): void {
  if (target === 0) return;
  if (sameShape(shape, r.output.shape)) {
    write(r, target);
    return;
  }
  const { memory } = r.runtime;
  const held = memory.top;
  const scratch = memory.allocate(r.output.size * 4);
  write(r, scratch);
  sumTo(r.runtime, scratch, r.output.shape, shape, target);
  memory.top = held;
}

/** Writes the gradient by one operand, of the output's shape. A function of its own: a closure would cost every step. */
type By<I extends Operands> = (r: OpRecord<I>, out: number) => void;
type Pair = { a: "float32"; b: "float32" };

function binary<const N extends BinaryName>(
  name: N,
  byA: By<Pair>,
  byB: By<Pair>,
  guard?: string,
): Op<undefined, undefined, Pair, N> {
  return defineOp({
    name,
    inputs: { a: "float32", b: "float32" },
    guard,
    shape: ({ a, b }) => broadcastShapes(name, a.shape, b.shape),
    forward: ({ runtime, inputs: { a, b }, output }) =>
      broadcastBinary(runtime, name, a.pointer, a.shape, b.pointer, b.shape, output.pointer, output.shape),
    backward: (r) => {
      towards(r, r.inputs.a, r.gradients.a, byA);
      towards(r, r.inputs.b, r.gradients.b, byB);
    },
  });
}

const upstream: By<Pair> = (r, out) => r.kernels.copy(r.output.size, r.gradientOut, out);

/** dy op t */
const combined = (r: OpRecord<Pair>, op: BinaryName, t: Value, out: number): void =>
  broadcastBinary(r.runtime, op, r.gradientOut, r.output.shape, t.pointer, t.shape, out, r.output.shape);

/** dy times the weight op(a, b) */
function weighted(r: OpRecord<Pair>, op: BinaryName, a: Value, b: Value, out: number): void {
  broadcastBinary(r.runtime, op, a.pointer, a.shape, b.pointer, b.shape, out, r.output.shape);
  r.kernels.weigh(r.output.size, out, r.gradientOut, out);
}

export const addOp = binary("add", upstream, upstream);
export const subOp = binary("sub", upstream, (r, out) => r.kernels.negKernel(r.output.size, r.gradientOut, out));
export const mulOp = binary(
  "mul",
  (r, out) => combined(r, "mul", r.inputs.b, out),
  (r, out) => combined(r, "mul", r.inputs.a, out),
);
export const divOp = binary(
  "div",
  (r, out) => combined(r, "div", r.inputs.b, out),
  // d(a/b)/db = -(a/b) / b
  ({ kernels, runtime, inputs: { b }, output, gradientOut }, out) => {
    kernels.mulKernel(output.size, gradientOut, 1, output.pointer, 1, out);
    broadcastBinary(runtime, "div", out, output.shape, b.pointer, b.shape, out, output.shape);
    kernels.negKernel(output.size, out, out);
  },
  "Keep the divisor away from 0",
);
// ties share the gradient evenly
export const maximumOp = binary(
  "maximum",
  (r, out) => weighted(r, "share", r.inputs.a, r.inputs.b, out),
  (r, out) => weighted(r, "share", r.inputs.b, r.inputs.a, out),
);
export const minimumOp = binary(
  "minimum",
  (r, out) => weighted(r, "share", r.inputs.b, r.inputs.a, out),
  (r, out) => weighted(r, "share", r.inputs.a, r.inputs.b, out),
);
export const powOp = binary(
  "pow",
  (r, out) => weighted(r, "powByBase", r.inputs.a, r.inputs.b, out),
  (r, out) => weighted(r, "powByExponent", r.output, r.inputs.a, out),
);

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
