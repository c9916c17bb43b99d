// One run of an experiment: about twenty looks at the test data, a history of them, an end at divergence, and a checkpoint
// with all of it, so that a resumed run reports what an uninterrupted one does. A worker, a page and a test drive it alike.
import { CheckpointError, DivergenceError, printable } from "../base/errors.js";
import { digest } from "../files/save.js";
import type { Experiment, Summary } from "./experiment.js";
import { type Note, noteCheckpoint, readCheckpoint } from "./note.js";
import type { Figures, Task } from "./task.js";

/** What the test data said after `step` updates. */
export interface Evaluation extends Figures {
  readonly step: number;
}

/** What one step came to. */
export interface RunStep {
  /** Updates made so far. */
  readonly step: number;
  /** Loss of the batch; NaN in the step that diverged. */
  readonly loss: number;
  /** Where this step was one of those that end with a look at the test data. */
  readonly evaluation?: Evaluation;
}

const EVALUATIONS = 20;

/** One run, from its start or from a checkpoint; made by `experiment.start`. */
export class Run<V = any> {
  readonly history: Evaluation[] = [];
  /** Why the run ended early, where it did. */
  diverged: string | undefined;
  private readonly task: Task;
  private readonly every: number;
  private readonly dataDigest: string;

  /** @internal Use `experiment.start(...)`. */
  constructor(
    readonly experiment: Experiment,
    data: unknown,
    readonly settings: V,
    checkpoint?: Uint8Array,
  ) {
    this.task = experiment.task(data, settings as never);
    this.every = Math.ceil(this.total / EVALUATIONS);
    this.dataDigest = experiment.data.digest(data);
    if (checkpoint !== undefined) this.restore(checkpoint);
  }

  /** Updates that the whole run makes. */
  get total(): number {
    return this.task.total;
  }

  /** Updates made so far. */
  get steps(): number {
    return this.task.steps;
  }

  get finished(): boolean {
    return this.diverged !== undefined || this.steps >= this.total;
  }

  /** Host copies of the parameters, as the model has them. */
  get params(): unknown {
    return this.task.params;
  }

  /** One update, and a look at the test data where it is due. A finished run stays as it is. */
  step(): RunStep {
    if (this.finished) return { step: this.steps, loss: Number.NaN };
    let loss = Number.NaN;
    try {
      loss = this.task.step();
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      this.diverged = error.message;
    }
    const step = this.steps;
    if (!this.finished && step % this.every !== 0) return { step, loss };
    if (this.history.at(-1)?.step === step) return { step, loss };
    const evaluation = { step, ...this.task.evaluate() };
    this.history.push(evaluation);
    return { step, loss, evaluation };
  }

  /** Everything the run needs to go on: a safetensors file with parameters, optimizer, settings and history. */
  checkpoint(): Uint8Array {
    const { history, diverged, dataDigest: data } = this;
    const settings = this.settings as Note["settings"];
    return noteCheckpoint(this.experiment, this.task.checkpoint(), { settings, data, history, diverged });
  }

  private restore(bytes: Uint8Array): void {
    const note = readCheckpoint(this.experiment, bytes);
    for (const [name, value] of Object.entries(this.settings as object))
      if (JSON.stringify(note.settings[name]) !== JSON.stringify(value))
        throw new CheckpointError(
          `checkpoint: its ${name} is ${printable(String(note.settings[name]))}, this run's is ${value}; resume with the settings it was made with`,
        );
    if (note.data !== this.dataDigest)
      throw new CheckpointError(
        `checkpoint: it was made on other data (digest ${printable(String(note.data))}, here ${this.dataDigest}); resume with the same data`,
      );
    this.task.restore(bytes);
    if (this.steps > this.total)
      throw new CheckpointError(`checkpoint: it is at step ${this.steps} of a run of ${this.total}`);
    this.history.push(...note.history);
    this.diverged = note.diverged;
  }

  /** What the run came to. Throws Error before the first evaluation. */
  summary(): Summary {
    const { experiment, history, settings, steps } = this;
    const last = history.at(-1);
    if (!last)
      throw new Error(`${experiment.owner}: there is no summary before the first evaluation, at step ${this.every}`);
    const { setting } = experiment.compare;
    const values = settings as { readonly [name: string]: unknown };
    const figures = Object.entries(experiment.metrics).flatMap(([name, { better }]) => {
      const all = history.map((e) => e[name] as number);
      const best = better === "higher" ? Math.max(...all) : Math.min(...all);
      return [
        [name, last[name]],
        [`best${name[0].toUpperCase()}${name.slice(1)}`, best],
      ];
    });
    return {
      [setting]: values[setting],
      seed: values.seed as number,
      steps,
      ...Object.fromEntries(figures),
      finalLoss: last.loss,
      diverged: this.diverged !== undefined,
      digest: digest(this.task.params as object),
    };
  }
}
