// Training it: clip, then the noise, then the optimizer, over shuffled batches of digits.
import type { ImageData } from "../../data/index.js";
import { adam, addNoise, chain, clipByGlobalNorm, type GradientTransform, sgd } from "../../optim/index.js";
import { classifierTask } from "../classifier.js";
import type { Task } from "../task.js";
import { type DeepMlp, deepMlpModel, parametersOf } from "./model.js";

/** `momentum` is SGD with momentum 0.9. */
export const OPTIMIZERS = ["sgd", "momentum", "adam"] as const;

/** The settings of deep-mlp, as its table has them. */
export interface DeepMlpSettings extends DeepMlp {
  readonly noise: boolean;
  /** Variance of the first update's noise. */
  readonly eta: number;
  readonly gamma: number;
  /** Greatest global norm of a gradient; null leaves gradients as they are. */
  readonly clip: number | null;
  readonly learningRate: number;
  readonly optimizer: (typeof OPTIMIZERS)[number];
  readonly batch: number;
  readonly steps: number;
  /** How often to go through the data, instead of `steps`, where not null. */
  readonly epochs: number | null;
  readonly seed: number;
}

function optimizerOf(s: DeepMlpSettings): GradientTransform {
  const passes: GradientTransform[] = [];
  if (s.clip !== null) passes.push(clipByGlobalNorm(s.clip));
  if (s.noise) passes.push(addNoise({ eta: s.eta, gamma: s.gamma, seed: s.seed }));
  passes.push(
    s.optimizer === "adam"
      ? adam(s.learningRate)
      : sgd(s.learningRate, { momentum: s.optimizer === "momentum" ? 0.9 : 0 }),
  );
  return chain(...passes);
}

/** Updates of a whole run. */
export const updatesOf = (s: DeepMlpSettings, examples: number): number =>
  s.epochs === null ? s.steps : s.epochs * Math.floor(examples / s.batch);

/** WebAssembly memory that a run needs at the least: parameters, updates, slots, and the activations of a batch. */
export function deepMlpBytes(s: DeepMlpSettings, { train, test }: ImageData): number {
  const pixels = train.columns.x.shape[1];
  const slots = { sgd: 0, momentum: 1, adam: 2 }[s.optimizer];
  const rows = Math.max(s.batch, Math.min(1000, test.size)); // the test set is looked at by the thousand
  return 4 * ((2 + slots) * parametersOf(pixels, s.layers, s.width) + rows * (pixels + s.layers * s.width + 10));
}

export function deepMlpTask(data: ImageData, s: DeepMlpSettings): Task {
  return classifierTask({
    data,
    model: deepMlpModel(s, data.train.columns.x.shape[1]),
    optimizer: optimizerOf(s),
    batch: s.batch,
    total: updatesOf(s, data.train.size),
    seed: s.seed,
  });
}
