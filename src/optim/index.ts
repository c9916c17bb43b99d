// Everything about updates: transforms, optimizers, schedules.
export { clipByGlobalNorm } from "./clip.js";
export { addNoise, type NoiseOptions, noiseStd } from "./noise.js";
export { type AdamOptions, accumulate, adam, type SgdOptions, sgd } from "./optimizers.js";
export { constant, cosine, exponentialDecay, linearDecay, stepDecay, warmUp } from "./schedules.js";
export {
  applyUpdates,
  chain,
  freeze,
  type GradientTransform,
  init,
  type Mask,
  masked,
  type OptimizerState,
  partition,
  type Schedule,
  type TransformState,
  type UpdateContext,
  update,
} from "./transform.js";
