// What the command and its worker threads say to each other.
import type { DeepMlpSettings, DeepMlpSummary, DigitsCheck, DigitsModel, Evaluation } from "../paper/index.js";
import type { SharedData } from "./shared-data.js";

export interface RunJob {
  readonly data: SharedData;
  readonly settings: DeepMlpSettings;
  readonly checkpoint?: Uint8Array;
  /** Shared with the command: 1 at [0] asks for an end after the step at hand. */
  readonly stop: Int32Array;
  /** Milliseconds between checkpoints on the way, fewer at first; undefined for none. */
  readonly saveEvery?: number;
}

export type RunEvent =
  /** `history` is what the checkpoint holds: evaluations made before. */
  | { type: "ready"; step: number; total: number; history: readonly Evaluation[] }
  | { type: "tick"; step: number; loss: number }
  | { type: "evaluation"; evaluation: Evaluation }
  | { type: "checkpoint"; bytes: Uint8Array };

export interface RunResult {
  /** Updates made. */
  readonly step: number;
  readonly history: readonly Evaluation[];
  /** Undefined where the run was stopped before its end. */
  readonly summary?: DeepMlpSummary;
  /** Undefined where the run never began. */
  readonly checkpoint?: Uint8Array;
}

export interface DigitsJob {
  readonly data: SharedData;
  readonly model: DigitsModel;
  readonly seed: number;
  readonly stop: Int32Array;
}

export type DigitsEvent = { step: number; steps: number; accuracy: number };
/** Undefined where it was stopped. */
export type DigitsResult = DigitsCheck | undefined;
