// Activations: elementwise ops that stand between layers.
import type { Tensor } from "../core/tensor.js";
import { run, type TensorLike } from "./define.js";
import { unary } from "./unary.js";

// biome-ignore format: a row is one op
export const tanhOp = unary("tanh", (k) => k.tanhKernel, "y", (k) => k.tanhBackward);
// biome-ignore format: a row is one op
export const sigmoidOp = unary("sigmoid", (k) => k.sigmoidKernel, "y", (k) => k.sigmoidBackward);
// biome-ignore format: a row is one op
export const reluOp = unary("relu", (k) => k.reluKernel, "y", (k) => k.reluBackward);

/** Hyperbolic tangent. Largest error 2.5 ulp. Shapes: any. Example: `tanh([-1, 0, 1])` */
export const tanh = (x: TensorLike): Tensor => run(tanhOp, undefined, x);
/** 1 / (1 + e^-x). Largest error 2.4 ulp. Shapes: any. Example: `sigmoid([-1, 0, 1])` */
export const sigmoid = (x: TensorLike): Tensor => run(sigmoidOp, undefined, x);
/** max(0, x); NaN stays NaN; the gradient at 0 is 0. Shapes: any. Example: `relu([-1, 0, 1])` */
export const relu = (x: TensorLike): Tensor => run(reluOp, undefined, x);
