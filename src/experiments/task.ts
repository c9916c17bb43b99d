// What an experiment trains: a step at a time, with all that it needs to go on in its checkpoint.
// Most are one trainer over one stream of batches, which `trainerTask` makes a task of.
import type { Trainer } from "../train/trainer.js";

/** What a look at the test data says. */
export interface Figures {
  /** Mean loss; null where it is not finite, as JSON has it. */
  readonly loss: number | null;
  readonly [metric: string]: number | null;
}

/** What is trained, a step at a time. */
export interface Task {
  /** Updates that the whole run makes. */
  readonly total: number;
  /** Updates made so far. */
  readonly steps: number;
  readonly params: unknown;
  /** One update; its loss. Throws DivergenceError where that is not finite. */
  step(): number;
  evaluate(): Figures;
  checkpoint(): Uint8Array;
  restore(bytes: Uint8Array): void;
}

/** What `trainerTask` makes a task of. */
interface TrainerParts<P, B> {
  readonly trainer: Trainer<P, B, any>;
  readonly total: number;
  /** The batches of the steps `from` .. total - 1. */
  batches(from: number): Iterable<B>;
  evaluate(): Figures;
}

/**
 * One trainer over one stream of batches, as a task: its checkpoint is the trainer's, and the batches go on where that stands.
 *
 * Throws nothing itself; `step` throws what the trainer throws.
 * Example:
 * ```ts
 * const set = data.dataset({ x: [[0], [1]], y: new Int32Array([0, 1]) });
 * const task = trainerTask({
 *   trainer,
 *   total: 10,
 *   batches: (from) => set.batches(2, { seed: 1, steps: 10, from }),
 *   evaluate: () => ({ loss: 0 }),
 * });
 * task.steps;
 * ```
 */
export function trainerTask<P, B>({ trainer, total, batches, evaluate }: TrainerParts<P, B>): Task {
  let coming: Iterator<B> | undefined;
  return {
    total,
    evaluate,
    get steps() {
      return trainer.steps;
    },
    get params() {
      return trainer.params;
    },
    step: () => {
      coming ??= batches(trainer.steps)[Symbol.iterator]();
      const { value, done } = coming.next();
      if (done)
        throw new Error(`step ${trainer.steps}: there is no batch for it; a run of ${total} steps needs as many`);
      return trainer.step(value).loss;
    },
    checkpoint: () => trainer.checkpoint(),
    restore: (bytes) => {
      trainer.restore(bytes);
      coming = undefined;
    },
  };
}
