// Experiments as values: those there are, and what a further one is made with.
import type { Experiment } from "./experiment.js";
import * as registry from "./registry.js";

/** Every experiment that the command knows, in the order of their names. */
export const experiments: readonly Experiment[] = Object.values(registry);

export { classifierTask } from "./classifier.js";
export { checkLabelled, type DataSource, images, type LabelledData, labelledDigest } from "./data.js";
export { type DeepMlp, deepMlpModel, INITS } from "./deep-mlp/model.js";
export type { DeepMlpSettings } from "./deep-mlp/task.js";
export {
  comparedValues,
  type Definition,
  defineExperiment,
  type Expectation,
  type Experiment,
  type Joined,
  labelOf,
  type Metric,
  type Preset,
  type Report,
  type Summary,
} from "./experiment.js";
export { compareNoise, noiseGauge, noiseSettings } from "./noise.js";
export * from "./registry.js";
export type { Evaluation, Run, RunStep } from "./run.js";
export type { Setting, Settings, ValuesOf } from "./settings.js";
export * as setting from "./settings.js";
export { type Figures, type Task, trainerTask } from "./task.js";
