// Losses that are compositions of ops.
import type { Tensor } from "../core/tensor.js";
import type { TensorLike } from "../ops/define.js";
import { mul, sub } from "../ops/elementwise.js";
import { mean } from "../ops/reduce.js";

/** Mean of (prediction - target)^2. Shapes: broadcast -> scalar. Example: `meanSquaredError(model.apply(params, x), y)` */
export function meanSquaredError(prediction: TensorLike, target: TensorLike): Tensor {
  const difference = sub(prediction, target);
  return mean(mul(difference, difference));
}
