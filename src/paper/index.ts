// The paper's experiments, for the command, for pages and for tests.
export { DeepMlpRun, type DeepMlpStep, type DeepMlpSummary, type Evaluation } from "./deep-mlp.js";
export { type DeepMlpSettings, deepMlpDefaults, INITS, OPTIMIZERS } from "./deep-mlp-settings.js";
export {
  checkDigits,
  DIGITS_BOUNDS,
  DIGITS_MODELS,
  type DigitsCheck,
  type DigitsModel,
  holds,
} from "./digits-check.js";
