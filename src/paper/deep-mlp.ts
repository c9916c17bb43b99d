// The paper's first experiment: a very deep ReLU network on digits, with annealed gradient noise or without.
// One run is an object that makes a step at a time, so a worker, a page and a test drive it alike,
// and its checkpoint holds the history of evaluations, so a resumed run reports what an uninterrupted one does.
// Source: Neelakantan et al. 2015, arXiv 1511.06807, section 4.1 and Table 1.
import { CheckpointError, DivergenceError, printable } from "../base/errors.js";
import { key } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import type { ImageData } from "../data/index.js";
import { digest } from "../files/save.js";
import * as nn from "../nn/index.js";
import { adam, addNoise, chain, clipByGlobalNorm, type GradientTransform, sgd } from "../optim/index.js";
import { createTrainer, type Trainer } from "../train/trainer.js";
import { type DeepMlpSettings, INITS, readDeepMlpSettings, updatesOf } from "./deep-mlp-settings.js";
import { type Evaluation, evaluateImages, type ImageBatch, imageChunks } from "./evaluate-images.js";
import { checkImageData, imageDataDigest } from "./image-data.js";
import { noteCheckpoint, readCheckpoint } from "./run-checkpoint.js";

export interface DeepMlpSummary {
  readonly noise: boolean;
  readonly seed: number;
  /** Updates made; fewer than asked for where the run diverged. */
  readonly steps: number;
  /** Share of the test set that is right at the end. */
  readonly accuracy: number;
  /** The highest share at any evaluation: chosen on the test set, so an optimistic figure. */
  readonly bestAccuracy: number;
  /** Mean cross-entropy on the test set at the end; null where it is not finite. */
  readonly finalLoss: number | null;
  readonly diverged: boolean;
  /** Of the parameters. */
  readonly digest: string;
}

export interface DeepMlpStep {
  /** Updates made so far. */
  readonly step: number;
  /** Loss of the batch; NaN in the step that diverged. */
  readonly loss: number;
  /** Where this step was one of the about twenty that end with a look at the test set. */
  readonly evaluation?: Evaluation;
}

const EVALUATIONS = 20;

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

export class DeepMlpRun {
  readonly settings: DeepMlpSettings;
  /** Updates that the whole run makes. */
  readonly total: number;
  readonly history: Evaluation[] = [];
  /** Why the run ended early, where it did. */
  diverged: string | undefined;
  private readonly trainer: Trainer<nn.MlpParams, ImageBatch>;
  private readonly chunks: ImageBatch[];
  private readonly every: number;
  private readonly dataDigest: string;
  private batches: Iterator<ImageBatch>;

  /**
   * A run from its start, or from a checkpoint that `checkpoint()` made.
   *
   * Throws TypeError for unknown settings and wrong kinds, RangeError for settings out of range, DataError where train and
   * test images differ in size, CheckpointError naming the difference where the checkpoint is damaged or of another run.
   * Example: `const run = new DeepMlpRun(data.digits(), { noise: true }); while (!run.finished) run.step();`
   */
  constructor(data: ImageData, settings: Partial<DeepMlpSettings> = {}, checkpoint?: Uint8Array) {
    checkImageData("deepMlp", data);
    const s = readDeepMlpSettings(settings, data);
    this.settings = s;
    const pixels = data.train.columns.x.shape[1];
    this.total = updatesOf(s, data.train.size);
    this.every = Math.ceil(this.total / EVALUATIONS);
    const model = nn.mlp([pixels, ...Array<number>(s.layers).fill(s.width), 10], {
      init: INITS[s.init],
      bias: s.bias,
      dropout: s.dropout,
    });
    this.trainer = createTrainer({
      params: model.init(key(s.seed)),
      loss: (params, { x, y }: ImageBatch, context) => {
        const logits = model.apply(params, x, context);
        const loss = nn.softmaxCrossEntropy(logits, y);
        return context.training ? loss : { loss, metrics: { accuracy: nn.accuracy(logits, y) } };
      },
      optimizer: optimizerOf(s),
      seed: s.seed,
    });
    this.chunks = imageChunks(data.test);
    this.dataDigest = imageDataDigest(data);
    if (checkpoint !== undefined) this.restore(checkpoint);
    const { total: steps, steps: from } = this;
    this.batches = data.train.batches(s.batch, { seed: s.seed, steps, from, dropLast: true });
  }

  /** Updates made so far. */
  get steps(): number {
    return this.trainer.steps;
  }

  get finished(): boolean {
    return this.diverged !== undefined || this.steps >= this.total;
  }

  get params(): { layers: { weight: Tensor; bias: Tensor }[] } {
    return this.trainer.params;
  }

  /** One update, and a look at the test set where it is due. A finished run stays as it is. */
  step(): DeepMlpStep {
    const { value: batch, done } = this.finished ? { value: undefined, done: true } : this.batches.next();
    if (done || batch === undefined) return { step: this.steps, loss: Number.NaN };
    let loss = Number.NaN;
    try {
      ({ loss } = this.trainer.step(batch));
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      this.diverged = error.message;
    }
    const step = this.steps;
    if (!this.finished && step % this.every !== 0) return { step, loss };
    if (this.history.at(-1)?.step === step) return { step, loss };
    const evaluation = { step, ...evaluateImages(this.trainer, this.chunks) };
    this.history.push(evaluation);
    return { step, loss, evaluation };
  }

  /** Everything the run needs to go on: a safetensors file with parameters, optimizer, settings and history. */
  checkpoint(): Uint8Array {
    const { settings, history, diverged, dataDigest: data } = this;
    return noteCheckpoint(this.trainer.checkpoint(), { settings, data, history, diverged });
  }

  private restore(bytes: Uint8Array): void {
    const note = readCheckpoint(bytes);
    for (const name of Object.keys(this.settings) as (keyof DeepMlpSettings)[])
      if (note.settings[name] !== this.settings[name])
        throw new CheckpointError(
          `checkpoint: its ${name} is ${printable(String(note.settings[name]))}, this run's is ${this.settings[name]}; resume with the settings it was made with`,
        );
    if (note.data !== this.dataDigest)
      throw new CheckpointError(
        `checkpoint: it was made on other data (digest ${printable(String(note.data))}, here ${this.dataDigest}); resume with the same data`,
      );
    this.trainer.restore(bytes);
    if (this.steps > this.total)
      throw new CheckpointError(`checkpoint: it is at step ${this.steps} of a run of ${this.total}`);
    this.history.push(...note.history);
    this.diverged = note.diverged;
  }

  /** What the run came to. Throws Error before the first evaluation. */
  summary(): DeepMlpSummary {
    const last = this.history.at(-1);
    if (!last) throw new Error(`deepMlp: there is no summary before the first evaluation, at step ${this.every}`);
    return {
      noise: this.settings.noise,
      seed: this.settings.seed,
      steps: this.steps,
      accuracy: last.accuracy,
      bestAccuracy: Math.max(...this.history.map((e) => e.accuracy)),
      finalLoss: last.loss,
      diverged: this.diverged !== undefined,
      digest: digest(this.trainer.params),
    };
  }
}
