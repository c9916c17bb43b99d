// Everything about updates: transforms, optimizers, schedules.
export { accumulate } from "./accumulate.js";
export {
  type AdagradOptions,
  type AdamOptions,
  type AdamwOptions,
  adagrad,
  adam,
  adamw,
  type RmspropOptions,
  rmsprop,
} from "./adaptive.js";
export { chain } from "./chain.js";
export { clipByGlobalNorm, clipByNorm, clipByValue } from "./clip.js";
export { average, ema } from "./ema.js";
export { type ErrorScaledNoiseOptions, errorScaledNoise } from "./error-noise.js";
export { applyUpdates, init, type OptimizerState, type UpdateInputs, update } from "./loop.js";
export { freeze, type Mask, masked, partition } from "./masks.js";
export { addNoise, anticorrelatedNoise, type NoiseOptions, noiseStd } from "./noise.js";
export {
  type MomentumOptions,
  momentum,
  type SgdOptions,
  type SgldOptions,
  sgd,
  sgld,
  weightDecay,
} from "./optimizers.js";
export {
  constant,
  cosine,
  exponentialDecay,
  join,
  linearDecay,
  powerDecay,
  stepDecay,
  warmUp,
} from "./schedules.js";
export type { Schedule, ScheduleFunction } from "./settings.js";
export type {
  GradientTransform,
  TransformKind,
  TransformPart,
  TransformState,
  UpdateContext,
} from "./transform.js";
