// Elementwise ops of one input; activations have a file of their own.
import { show } from "../../base/errors.js";
import type { Op, OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Kernels } from "../../wasm/kernels.js";
import { defineOp, run, type TensorLike } from "../define.js";

type UnaryKernel = (n: number, x: number, out: number) => void;
type BackwardKernel = (n: number, xOrY: number, dy: number, dx: number) => void;

type X = { x: "float32" };

/** An op whose output has the input's shape. */
export function mapOp<const N extends string, A = undefined>(
  name: N,
  forward: (r: OpRecord<X>, n: number, attributes: A) => void,
  backward: (r: OpRecord<X>, n: number, attributes: A) => void,
  guard?: string,
): Op<A, A, X, N> {
  return defineOp({
    name,
    inputs: { x: "float32" },
    guard,
    shape: ({ x }) => x.shape,
    forward: (r, attributes: A) => forward(r, r.output.size, attributes),
    backward: (r, attributes) => backward(r, r.output.size, attributes),
  });
}

/**
 * One kernel forward, and one backward that reads the output (`of` "y") or the input ("x"). `guard`: what to do where it gives
 * NaN or Infinity; left out where it cannot.
 */
export function unary<const N extends string>(
  name: N,
  forward: (k: Kernels) => UnaryKernel,
  of: "x" | "y",
  backward: (k: Kernels) => BackwardKernel,
  guard?: string,
): Op<undefined, undefined, X, N> {
  return mapOp(
    name,
    (r, n) => forward(r.kernels)(n, r.inputs.x.pointer, r.output.pointer),
    (r, n) => backward(r.kernels)(n, (of === "x" ? r.inputs.x : r.output).pointer, r.gradientOut, r.gradients.x),
    guard,
  );
}

export const expOp = mapOp(
  "exp",
  (r, n) => r.kernels.expKernel(n, r.inputs.x.pointer, r.output.pointer),
  (r, n) => r.kernels.mulKernel(n, r.output.pointer, 1, r.gradientOut, 1, r.gradients.x),
  "Keep its input below 88",
);
export const logOp = mapOp(
  "log",
  (r, n) => r.kernels.logKernel(n, r.inputs.x.pointer, r.output.pointer),
  (r, n) => r.kernels.divKernel(n, r.gradientOut, 1, r.inputs.x.pointer, 1, r.gradients.x),
  "Keep its input above 0, or compute with logits: softmaxCrossEntropy, logSoftmax",
);
export const negOp = mapOp(
  "neg",
  (r, n) => r.kernels.negKernel(n, r.inputs.x.pointer, r.output.pointer),
  (r, n) => r.kernels.negKernel(n, r.gradientOut, r.gradients.x),
);
export const squareOp = mapOp(
  "square",
  (r, n) => r.kernels.mulKernel(n, r.inputs.x.pointer, 1, r.inputs.x.pointer, 1, r.output.pointer),
  (r, n) => r.kernels.squareBackward(n, r.inputs.x.pointer, r.gradientOut, r.gradients.x),
);
// biome-ignore format: a row is one op
export const absOp = unary("abs", (k) => k.absKernel, "x", (k) => k.absBackward);
// biome-ignore format: a row is one op
export const sqrtOp = unary("sqrt", (k) => k.sqrtKernel, "y", (k) => k.sqrtBackward, "Keep its input above 0; at 0 its gradient is infinite");
// biome-ignore format: a row is one op
export const rsqrtOp = unary("rsqrt", (k) => k.rsqrtKernel, "y", (k) => k.rsqrtBackward, "Keep its input above 0");
// biome-ignore format: a row is one op
export const reciprocalOp = unary("reciprocal", (k) => k.reciprocalKernel, "y", (k) => k.reciprocalBackward, "Keep its input away from 0");

/** sin(x + quarters pi / 2), whose slope is a quarter further. */
const wave = <const N extends string>(name: N, quarters: number): Op<undefined, undefined, X, N> =>
  mapOp(
    name,
    (r, n) => r.kernels.trigKernel(n, r.inputs.x.pointer, quarters, r.output.pointer),
    (r, n) => {
      const dx = r.gradients.x;
      r.kernels.trigKernel(n, r.inputs.x.pointer, quarters + 1, dx);
      r.kernels.mulKernel(n, dx, 1, r.gradientOut, 1, dx);
    },
  );
export const sinOp = wave("sin", 0);
export const cosOp = wave("cos", 1);

export const clipOp = mapOp(
  "clip",
  (r, n, { min, max }: { min: number; max: number }) =>
    r.kernels.clipKernel(n, r.inputs.x.pointer, min, max, r.output.pointer),
  (r, n, { min, max }) => r.kernels.clipBackward(n, r.inputs.x.pointer, r.gradientOut, min, max, r.gradients.x),
);

/**
 * e^x; 0 below -86.98, where it is under 2^-125. Largest error 1 ulp.
 *
 * Shapes: any. Throws TypeError for int32. Example: `exp([0, 1])`. Source: Cephes expf.
 */
export const exp = (x: TensorLike): Tensor => run(expOp, undefined, x);
/**
 * Natural logarithm; -Infinity at 0, NaN below. Largest error 0.85 ulp.
 *
 * Shapes: any. Throws TypeError for int32. Example: `log([1, 2.718])`. Source: Cephes logf.
 */
export const log = (x: TensorLike): Tensor => run(logOp, undefined, x);
/** -x. Shapes: any. Throws TypeError for int32. Example: `neg([1, -2])` */
export const neg = (x: TensorLike): Tensor => run(negOp, undefined, x);
/** |x|; its gradient at 0 is 0. Shapes: any. Throws TypeError for int32. Example: `abs([-1.5, 2])` */
export const abs = (x: TensorLike): Tensor => run(absOp, undefined, x);
/** x^2. Shapes: any. Throws TypeError for int32. Example: `square([3, -2])` */
export const square = (x: TensorLike): Tensor => run(squareOp, undefined, x);
/** Square root, exactly rounded; NaN below 0. Shapes: any. Throws TypeError for int32. Example: `sqrt([4, 2])` */
export const sqrt = (x: TensorLike): Tensor => run(sqrtOp, undefined, x);
/** 1 / sqrt(x), each of the two exactly rounded; Infinity at 0. Shapes: any. Throws TypeError for int32. Example: `rsqrt([4, 2])` */
export const rsqrt = (x: TensorLike): Tensor => run(rsqrtOp, undefined, x);
/** 1 / x, exactly rounded. Shapes: any. Throws TypeError for int32. Example: `reciprocal([4, -2])` */
export const reciprocal = (x: TensorLike): Tensor => run(reciprocalOp, undefined, x);
/** Sine of an angle of any size. Largest error 1.1 ulp; NaN at infinity. Shapes: any. Throws TypeError for int32. Example: `sin([0, 1.5708])` */
export const sin = (x: TensorLike): Tensor => run(sinOp, undefined, x);
/** Cosine of an angle of any size. Largest error 1.1 ulp; NaN at infinity. Shapes: any. Throws TypeError for int32. Example: `cos([0, 1.5708])` */
export const cos = (x: TensorLike): Tensor => run(cosOp, undefined, x);

/**
 * min(max(x, min), max); NaN stays NaN. The gradient passes where min <= x <= max.
 *
 * Shapes: any. Throws RangeError where `min` is above `max` or either is NaN, TypeError where one is no number; both may be infinite.
 * Example: `clip([-2, 0.3, 7], -1, 1)`
 */
export function clip(x: TensorLike, min: number, max: number): Tensor {
  if (typeof min !== "number" || typeof max !== "number")
    throw new TypeError(
      `clip: "min" and "max" expected numbers, got ${show(min)} and ${show(max)}. Write clip(x, min, max)`,
    );
  if (!(min <= max))
    throw new RangeError(`clip: "min" ${min} must not be above "max" ${max}. Use -Infinity or Infinity for no limit`);
  return run(clipOp, { min, max }, x);
}
