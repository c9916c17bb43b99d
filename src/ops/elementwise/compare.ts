// Comparisons, which give 1 or 0, and the choice between two tensors by such a condition.
import { broadcastShapes, broadcastStrides, stridesOf } from "../../base/shape.js";
import type { Op, OpRecord } from "../../core/op.js";
import { Tensor, tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { copyStrided } from "../layout/layout.js";
import { towards } from "./binary.js";
import { broadcastBinary, CODES } from "./broadcast.js";

type Pair = { a: "any"; b: "any" };

/** `turned`: greater(a, b) is less(b, a). */
function comparison<const N extends string>(
  name: N,
  kernel: "equal" | "notEqual" | "less" | "lessEqual",
  turned = false,
): Op<undefined, undefined, Pair, N> {
  return defineOp({
    name,
    inputs: { a: "any", b: "any" },
    shape: ({ a, b }) => broadcastShapes(name, a.shape, b.shape),
    forward: (r) => {
      const a = turned ? r.inputs.b : r.inputs.a;
      const b = turned ? r.inputs.a : r.inputs.b;
      const code = CODES[kernel] + (a.dtype === "int32" ? 4 : 0) + (b.dtype === "int32" ? 8 : 0);
      broadcastBinary(r.runtime, code, a.pointer, a.shape, b.pointer, b.shape, r.output.pointer, r.output.shape);
    },
    backward: null,
  });
}

export const equalOp = comparison("equal", "equal");
export const notEqualOp = comparison("notEqual", "notEqual");
export const lessOp = comparison("less", "less");
export const lessEqualOp = comparison("lessEqual", "lessEqual");
export const greaterOp = comparison("greater", "less", true);
export const greaterEqualOp = comparison("greaterEqual", "lessEqual", true);

/** A whole number beside an int32 tensor is int32 too. */
function compare(op: Op, a: TensorLike, b: TensorLike): Tensor {
  const like = (value: TensorLike, other: TensorLike): TensorLike =>
    typeof value === "number" && value === (value | 0) && other instanceof Tensor && other.dtype === "int32"
      ? tensor(value, { dtype: "int32" })
      : value;
  return run(op, undefined, like(a, b), like(b, a));
}

/**
 * 1 where a = b, else 0. Two int32 tensors compare as such, one beside a float as floats. No gradient.
 *
 * Shapes: broadcast. Throws ShapeError where they do not. Example: `equal([1, 2, 3], 2)`
 */
export const equal = (a: TensorLike, b: TensorLike): Tensor => compare(equalOp, a, b);
/** 1 where a and b differ or either is NaN, else 0. Shapes: broadcast. Throws ShapeError where they do not. Example: `notEqual([1, 2], 2)` */
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => compare(notEqualOp, a, b);
/** 1 where a < b, else 0. Shapes: broadcast. Throws ShapeError where they do not. Example: `less([1, 2, 3], 2)` */
export const less = (a: TensorLike, b: TensorLike): Tensor => compare(lessOp, a, b);
/** 1 where a <= b, else 0. Shapes: broadcast. Throws ShapeError where they do not. Example: `lessEqual([1, 2, 3], 2)` */
export const lessEqual = (a: TensorLike, b: TensorLike): Tensor => compare(lessEqualOp, a, b);
/** 1 where a > b, else 0. Shapes: broadcast. Throws ShapeError where they do not. Example: `greater([1, 2, 3], 2)` */
export const greater = (a: TensorLike, b: TensorLike): Tensor => compare(greaterOp, a, b);
/** 1 where a >= b, else 0. Shapes: broadcast. Throws ShapeError where they do not. Example: `greaterEqual([1, 2, 3], 2)` */
export const greaterEqual = (a: TensorLike, b: TensorLike): Tensor => compare(greaterEqualOp, a, b);

/** Address and step (0 or 1) of x as a run of the output's size: itself where it can be, else stretched into scratch. */
function stretched(r: OpRecord, x: Value): [number, number] {
  const { shape } = r.output;
  if (x.size === r.output.size) return [x.pointer, 1];
  if (x.size === 1) return [x.pointer, 0];
  const scratch = r.runtime.memory.allocate(r.output.size * 4);
  copyStrided(r.runtime, shape, x.pointer, broadcastStrides(x.shape, shape), scratch, stridesOf(shape));
  return [scratch, 1];
}

const shiftOf = (condition: Value): number => (condition.dtype === "float32" ? 1 : 0);

export const whereOp = defineOp({
  name: "where",
  inputs: { condition: "any", a: "float32", b: "float32" },
  shape: ({ condition, a, b }) => broadcastShapes("where", condition.shape, broadcastShapes("where", a.shape, b.shape)),
  forward: (r) => {
    const { memory } = r.runtime;
    const { condition } = r.inputs;
    const held = memory.top;
    const [c, cStep] = stretched(r, condition);
    const [a, aStep] = stretched(r, r.inputs.a);
    const [b, bStep] = stretched(r, r.inputs.b);
    r.kernels.select(r.output.size, c, cStep, a, aStep, b, bStep, shiftOf(condition), r.output.pointer);
    memory.top = held;
  },
  backward: (r) => {
    const { kernels, inputs, gradients, gradientOut: dy } = r;
    const { memory } = r.runtime;
    const n = r.output.size;
    const shift = shiftOf(inputs.condition);
    const held = memory.top;
    const [c, cStep] = stretched(r, inputs.condition);
    if (gradients.condition !== 0) kernels.fill(inputs.condition.size, 0, gradients.condition);
    towards(r, inputs.a, gradients.a, (_, out) => kernels.select(n, c, cStep, dy, 1, 0, 0, shift, out));
    towards(r, inputs.b, gradients.b, (_, out) => kernels.select(n, c, cStep, 0, 0, dy, 1, shift, out));
    memory.top = held;
  },
});

/**
 * a where the condition is not 0, else b. The condition is float32 or int32 and has no gradient; a value that is not
 * taken gets none either, whatever it is.
 *
 * Shapes: all three broadcast. Throws ShapeError where they do not, TypeError for int32 values.
 * Example: `where(greater(x, 0), x, 0)`
 */
export const where = (condition: TensorLike, a: TensorLike, b: TensorLike): Tensor =>
  run(whereOp, undefined, condition, a, b);
