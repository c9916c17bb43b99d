// The trainer as a user holds it: its types, and one line a method. Nothing to dispose.
import { KIND } from "../base/errors.js";
import type { Tensor } from "../core/tensor.js";
import type { Columns } from "../data/dataset.js";
import { decodeCheckpoint, encodeCheckpoint } from "../files/checkpoint.js";
import { evaluate, predict } from "./evaluate.js";
import { copyIn, copyOut } from "./parameters.js";
import { Parts } from "./parts.js";
import { inspect } from "./report.js";
import { run } from "./run.js";
import { step } from "./step.js";
import type { LeafReport, RunOptions, StepResult, TrainerModel, TrainerOptions } from "./types.js";

/**
 * Parameters, optimizer and WASM memory of one training run; made by `createTrainer`. P is the tree of the parameters, B a
 * batch, X what `predict` takes: `Trainer<P>` and `Trainer` stand for those of any batch.
 */
export class Trainer<P = unknown, B = unknown, X = unknown> {
  /** @internal Also what the bench looks into. */
  readonly parts: Parts;

  /** @internal */
  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** @internal What it is for messages. */
  get [KIND](): string {
    return "trainer";
  }

  /** Steps made so far; the next step's number. */
  get steps(): number {
    return this.parts.state.step;
  }

  /**
   * One update from one batch.
   *
   * Throws DivergenceError when the loss, a gradient or an update is NaN or infinite: it names step, parameter path and last
   * finite loss, and the parameters stay as they were. Throws what the loss throws, with the parameters as they were.
   */
  step(batch: B): StepResult {
    return step(this.parts, batch);
  }

  /** Loss and metrics of a batch, without an update; `context.training` is false. */
  evaluate(batch: B): Omit<StepResult, "step"> {
    return evaluate(this.parts, batch);
  }

  /** The result of `predict`, as a host tensor. Throws TypeError where the trainer was made without it. */
  predict(x: X): Tensor {
    return predict(this.parts, x);
  }

  /**
   * A step for every batch, letting the event loop turn now and then: a page stays alive, Ctrl-C is heard.
   * Returns the last step's result, or undefined when there was none.
   *
   * Throws TypeError for what is no iterable of batches.
   */
  run(batches: Iterable<B> | AsyncIterable<B>, options?: RunOptions): Promise<StepResult | undefined> {
    return run((batch) => this.step(batch), batches, options);
  }

  /** Host copies of the parameters, in the form of the tree they came in. */
  get params(): P {
    return copyOut(this.parts, false);
  }

  /**
   * Host copies of the averaged parameters that `optim.ema` keeps, in the tree they came in; what it does not follow, or
   * not yet, is as in `params`. To evaluate with them: `other.setParams(trainer.average)`, other a trainer of the same loss.
   *
   * Throws TypeError where the optimizer keeps no average.
   */
  get average(): P {
    return copyOut(this.parts, true);
  }

  /**
   * Replaces the parameters, path by path.
   * Throws DataError naming the first path that is missing or has another shape; nothing is changed then.
   */
  setParams(tree: P): void {
    this.parts.refuseInside("setParams");
    copyIn(this.parts, tree);
  }

  /** Norms of weights, last gradients and last updates, leaf by leaf; 0 where the last step made no update. */
  inspect(): LeafReport[] {
    return inspect(this.parts);
  }

  /** Bytes of WebAssembly memory: in use at the peak of a step, and held. */
  get memory(): { peak: number; held: number } {
    const { peak, capacity: held } = this.parts.runtime.memory;
    return { peak, held };
  }

  /** Everything that the next step depends on, as the bytes of a safetensors file. */
  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.parts.state);
  }

  /**
   * Continues from a checkpoint to the very same bits. `name` is what messages call it: a file's name. Returns a sentence
   * where there is something to know of it (an older one, without a checksum), else undefined.
   *
   * Throws CheckpointError naming what differs or is damaged, TypeError for what holds no bytes; nothing is changed then.
   */
  restore(bytes: Uint8Array | ArrayBuffer | ArrayBufferView, name = "checkpoint"): string | undefined {
    const parts = this.parts;
    parts.refuseInside("restore");
    const word = decodeCheckpoint(bytes, parts.state, name);
    parts.halted = undefined;
    parts.updated = false;
    parts.gradientSquares.fill(0);
    return word;
  }
}

export type * from "./types.js";

/** T, but no reason for it: `const trainer: Trainer = createTrainer(...)` does not say what the loss is given. */
type Settled<T> = [T] extends [infer U] ? U : never;

/**
 * A trainer: `step(batch)` computes the loss and its gradients and updates the parameters.
 *
 * Types: a batch is what the loss says it is, `(params, { x, y }: typeof train.columns) => ...`; where it says nothing,
 * tensors by name. What `predict` takes is a tensor unless it says otherwise.
 * Throws TypeError for a missing loss or optimizer or a parameter that is no float32 tensor, ShapeError for a tree without
 * parameters, RangeError where the engine refuses another WebAssembly memory.
 *
 * Example:
 * ```ts
 * const trainer = createTrainer({
 *   params: { w: zeros([3, 1]) },
 *   loss: (params, { x, y }) => nn.meanSquaredError(x.matmul(params.w), y),
 *   optimizer: optim.sgd(0.1),
 * });
 * trainer.step({ x, y: tensor([[1], [2]]) }).loss;
 * ```
 */
export function createTrainer<P, B = Columns, X = Tensor, S = undefined>(
  options: TrainerModel<P, B, X, S> & TrainerOptions<P, B, X, S>,
): Trainer<P, Settled<B>, Settled<X>> {
  return new Trainer(new Parts(options));
}
