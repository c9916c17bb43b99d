// One run as messages: what is asked for, what is told on the way, and what it came to. All of it is plain data that
// crosses threads, workers and queues.
import type { Evaluation, Summary } from "../experiments/index.js";
import type { PackedData } from "./data.js";

/** What is asked for. */
export interface Job {
  /** Name of the experiment. */
  readonly experiment: string;
  readonly settings: { readonly [name: string]: unknown };
  /** Name of embedded data, which the worker makes itself, or data that were packed for it. */
  readonly data: string | PackedData;
  /** Where an earlier job of the same run stood. */
  readonly checkpoint?: Uint8Array;
  /** Milliseconds between live figures; 100 by default. */
  readonly tickEvery?: number;
  /** Milliseconds between checkpoints on the way, fewer at first; undefined for none. */
  readonly saveEvery?: number;
}

/** What is told on the way. */
export type JobEvent =
  /** `history` is what the checkpoint holds: evaluations made before. */
  | { readonly type: "ready"; readonly step: number; readonly total: number; readonly history: readonly Evaluation[] }
  | { readonly type: "tick"; readonly step: number; readonly loss: number }
  | { readonly type: "evaluation"; readonly evaluation: Evaluation }
  | { readonly type: "checkpoint"; readonly bytes: Uint8Array };

/** What a job came to. */
export interface JobResult {
  /** Updates made. */
  readonly step: number;
  readonly history: readonly Evaluation[];
  /** Undefined where the run was stopped before its end. */
  readonly summary?: Summary;
  /** Undefined where the run never began. */
  readonly checkpoint?: Uint8Array;
}
