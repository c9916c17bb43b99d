// Activations: elementwise ops that stand between layers.
import { checkNumber } from "../../base/errors.js";
import type { Tensor } from "../../core/tensor.js";
import { run, type TensorLike } from "../define.js";
import { mapOp, unary } from "./unary.js";

// biome-ignore format: a row is one op
export const tanhOp = unary("tanh", (k) => k.tanhKernel, "y", (k) => k.tanhBackward);
// biome-ignore format: a row is one op
export const sigmoidOp = unary("sigmoid", (k) => k.sigmoidKernel, "y", (k) => k.sigmoidBackward);
// biome-ignore format: a row is one op
export const reluOp = unary("relu", (k) => k.reluKernel, "y", (k) => k.reluBackward);
// biome-ignore format: a row is one op
export const softplusOp = unary("softplus", (k) => k.softplusKernel, "x", (k) => k.softplusBackward);
// biome-ignore format: a row is one op
export const siluOp = unary("silu", (k) => k.siluKernel, "x", (k) => k.siluBackward);
// biome-ignore format: a row is one op
export const geluOp = unary("gelu", (k) => k.geluKernel, "x", (k) => k.geluBackward);
// biome-ignore format: a row is one op
export const saturatingSigmoidOp = unary("saturatingSigmoid", (k) => k.saturatingSigmoidKernel, "y", (k) => k.saturatingSigmoidBackward);
// biome-ignore format: a row is one op
export const saturatingTanhOp = unary("saturatingTanh", (k) => k.saturatingTanhKernel, "y", (k) => k.saturatingTanhBackward);

export const eluOp = mapOp(
  "elu",
  (r, n, alpha: number) => r.kernels.eluKernel(n, r.inputs.x.pointer, alpha, r.output.pointer),
  (r, n, alpha) => r.kernels.eluBackward(n, r.inputs.x.pointer, r.gradientOut, alpha, r.gradients.x),
);
export const leakyReluOp = mapOp(
  "leakyRelu",
  (r, n, slope: number) => r.kernels.leakyReluKernel(n, r.inputs.x.pointer, slope, r.output.pointer),
  (r, n, slope) => r.kernels.leakyReluBackward(n, r.inputs.x.pointer, r.gradientOut, slope, r.gradients.x),
);

function finite(op: string, name: string, value: number): number {
  checkNumber(op, name, value, "that is finite in float32", (v) => Number.isFinite(Math.fround(v)));
  return value;
}

/** Hyperbolic tangent. Largest error 4.3 ulp. Shapes: any. Throws TypeError for int32. Example: `tanh([-1, 0, 1])` */
export const tanh = (x: TensorLike): Tensor => run(tanhOp, undefined, x);
/** 1 / (1 + e^-x); 0 below -88.72. Largest error 2.5 ulp above -87.3. Shapes: any. Throws TypeError for int32. Example: `sigmoid([-1, 0, 1])` */
export const sigmoid = (x: TensorLike): Tensor => run(sigmoidOp, undefined, x);
/** max(0, x); NaN stays NaN; the gradient at 0 is 0. Shapes: any. Throws TypeError for int32. Example: `relu([-1, 0, 1])` */
export const relu = (x: TensorLike): Tensor => run(reluOp, undefined, x);
/**
 * log(1 + e^x), without overflow; 0 below -86.98. Largest error 4.5 ulp above it.
 *
 * Shapes: any. Throws TypeError for int32. Example: `softplus([-1, 0, 100])`
 */
export const softplus = (x: TensorLike): Tensor => run(softplusOp, undefined, x);

/**
 * x Phi(x) with the exact normal distribution function Phi(x) = (1 + erf(x / sqrt(2))) / 2. Largest error 6.8 ulp above -3,
 * 70 ulp at -13, where it is 1e-37 and vanishes.
 *
 * Shapes: any. Throws TypeError for int32. Example: `gelu([-1, 0, 1])`. Source: Hendrycks & Gimpel 2016, equation 1.
 */
export const gelu = (x: TensorLike): Tensor => run(geluOp, undefined, x);

/**
 * x above 0, alpha (e^x - 1) below. Largest error 3.1 ulp with alpha 1.
 *
 * Shapes: any. Throws RangeError where `alpha` is not finite, TypeError where it is no number.
 * Example: `elu([-1, 0, 1])`; `elu(x, 0.5)`. Source: Clevert et al. 2016, equation 15.
 */
export const elu = (x: TensorLike, alpha = 1): Tensor => run(eluOp, finite("elu", "alpha", alpha), x);

/**
 * x above 0, negativeSlope x below.
 *
 * Shapes: any. Throws RangeError where `negativeSlope` is not finite, TypeError where it is no number.
 * Example: `leakyRelu([-1, 0, 1])`; `leakyRelu(x, 0.2)`. Source: Maas et al. 2013.
 */
export const leakyRelu = (x: TensorLike, negativeSlope = 0.01): Tensor =>
  run(leakyReluOp, finite("leakyRelu", "negativeSlope", negativeSlope), x);

/**
 * 1.2 sigmoid(x) - 0.1 cut to 0..1: a gate that closes fully. Its gradient is 0 where it is cut.
 *
 * Shapes: any. Throws TypeError for int32. Example: `saturatingSigmoid([-5, 0, 5])`. Source: Kaiser & Sutskever 2016, section 3.
 */
export const saturatingSigmoid = (x: TensorLike): Tensor => run(saturatingSigmoidOp, undefined, x);

/**
 * 1.1 tanh(x) cut to -1..1. Its gradient is 0 where it is cut.
 *
 * Shapes: any. Throws TypeError for int32. Example: `saturatingTanh([-5, 0, 5])`
 */
export const saturatingTanh = (x: TensorLike): Tensor => run(saturatingTanhOp, undefined, x);

/**
 * x sigmoid(x), also known as swish. Largest error 2.9 ulp above -87.3; 0 below -88.72.
 *
 * Shapes: any. Throws TypeError for int32. Example: `silu([-1, 0, 1])`. Source: Elfwing et al. 2018, equation 5.
 */
export const silu = (x: TensorLike): Tensor => run(siluOp, undefined, x);
