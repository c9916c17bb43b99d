// The paper's experiments, for the command, for pages and for tests.
export { DeepMlpRun, type DeepMlpStep, type DeepMlpSummary } from "./deep-mlp.js";
export {
  type DeepMlpSettings,
  deepMlpBytes,
  deepMlpDefaults,
  INITS,
  LARGEST,
  NUMBERS,
  OPTIMIZERS,
  parametersOf,
  readDeepMlpSettings,
} from "./deep-mlp-settings.js";
export {
  checkDigits,
  DIGITS_BOUNDS,
  DIGITS_MODELS,
  type DigitsCheck,
  type DigitsModel,
  holds,
} from "./digits-check.js";
export type { Evaluation } from "./evaluate-images.js";
export { imageDataDigest } from "./image-data.js";
