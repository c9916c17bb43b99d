// What a trainer is made of, what its functions are given and return, and what it reports.
import type { Key } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import type { Columns } from "../data/dataset.js";
import type { GradientTransform } from "../optim/transform.js";

/** What a loss may need besides parameters and batch. */
export interface LossContext<S = unknown> {
  /** Zero-based step. */
  readonly step: number;
  /** A fresh key every step, for dropout. */
  readonly key: Key;
  readonly training: boolean;
  /** Leaves that are not trained: running statistics, carried recurrent state. A copy of the tree: its own to write to. */
  readonly state: S;
}

/** What to report beside the loss: scalar tensors or numbers by name. */
export type Metrics = { [name: string]: Tensor | number };
/** What a loss returns: a scalar, or one with metrics and the next state, which a trainer with a state needs. */
export type LossResult<S = undefined> = Tensor | { loss: Tensor; metrics?: Metrics; state?: S };

/** The options that type a trainer: apart from the others, so that a misspelt one of those leaves these typed. */
export interface TrainerModel<P, B, X, S> {
  /** A tree of float32 tensors; copied. */
  readonly params: P;
  /** The loss of a batch. The tree of parameters that it is given is its own: what it writes to it ends with the step. */
  readonly loss: (params: P, batch: B, context: LossContext<S>) => LossResult<S>;
  /** What `predict` computes. */
  readonly predict?: (params: P, x: X, context: LossContext<S>) => Tensor;
  /** What `evaluate` reports beside the loss. */
  readonly metrics?: (params: P, batch: B, context: LossContext<S>) => Metrics;
  /** A tree of tensors, copied; the loss returns the next one, of the same paths, shapes and dtypes. */
  readonly state?: S;
}

/** What a trainer is made of. */
export interface TrainerOptions<P, B = Columns, X = Tensor, S = undefined> extends TrainerModel<P, B, X, S> {
  readonly optimizer: GradientTransform;
  /** Of the keys that the loss is given; 0 by default. */
  readonly seed?: number;
  /**
   * Looks at the result and the gradients of every op of a step; false by default, and then it costs nothing.
   * The first NaN or Infinity throws a DivergenceError naming op, inputs and position.
   */
  readonly debug?: boolean;
}

/** What a step reports. */
export interface StepResult {
  /** Zero-based step that was made. */
  readonly step: number;
  readonly loss: number;
  readonly metrics: { readonly [name: string]: number };
  /** Under `accumulate`, micro-batches that wait for an update; absent where none does. */
  readonly pending?: number;
}

/** How `run` is watched and stopped. */
export interface RunOptions {
  /** An AbortSignal: stops before the next step when aborted. */
  readonly signal?: { readonly aborted: boolean };
  /** Called after every step; what it returns is awaited. */
  readonly onProgress?: (result: StepResult) => unknown;
  /** How long to train before the event loop may turn; 12 ms by default, less than a frame. */
  readonly yieldEveryMs?: number;
}

/** Norms of one parameter, as `inspect` gives them. */
export interface LeafReport {
  readonly path: string;
  readonly shape: readonly number[];
  /** Euclidean norms of the weights, of the last gradient and of the last update. */
  readonly weight: number;
  readonly gradient: number;
  readonly update: number;
}
