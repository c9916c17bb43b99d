// The trainer: parameters, gradients and optimizer slots in one WASM instance of its own, and a step that opens a scope,
// runs the loss, walks the tape back, updates the block, and closes the scope. Nothing to dispose.
import { checkLoss } from "../autodiff/grad.js";
import { DataError, DivergenceError, show } from "../base/errors.js";
import { flatten, mapTree, under } from "../base/tree.js";
import { ParameterBlock } from "../core/parameter-block.js";
import { foldIn, type Key, key, STREAM } from "../core/random.js";
import { Scope } from "../core/scope.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { WatchedScope } from "../core/watch.js";
import { averageLeaves, NO_EMA } from "../optim/ema.js";
import type { GradientTransform } from "../optim/transform.js";
import { Runtime } from "../wasm/runtime.js";
import { blame, guards, namesOf } from "./blame.js";
import { decodeCheckpoint, encodeCheckpoint, type TrainerState } from "./checkpoint.js";

/** What a loss may need besides parameters and batch. */
export interface LossContext<S = unknown> {
  /** Zero-based step. */
  readonly step: number;
  /** A fresh key every step, for dropout. */
  readonly key: Key;
  readonly training: boolean;
  /** Leaves that are not trained: running statistics, carried recurrent state. */
  readonly state: S;
}

/** What to report beside the loss: scalar tensors or numbers by name. */
export type Metrics = { [name: string]: Tensor | number };
/** What a loss returns: a scalar, or one with metrics and the next state. */
export type LossResult<S> = Tensor | { loss: Tensor; metrics?: Metrics; state?: S };

/** What a trainer is made of. */
export interface TrainerOptions<P, B, X, S> {
  /** A tree of float32 tensors; copied. */
  readonly params: P;
  readonly loss: (params: P, batch: B, context: LossContext<S>) => LossResult<S>;
  readonly optimizer: GradientTransform;
  /** What `predict` computes. */
  readonly predict?: (params: P, x: X, context: LossContext<S>) => Tensor;
  /** What `evaluate` reports beside the loss. */
  readonly metrics?: (params: P, batch: B, context: LossContext<S>) => Metrics;
  /** Of the keys that the loss is given; 0 by default. */
  readonly seed?: number;
  readonly state?: S;
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
}

/** How `run` is watched and stopped. */
export interface RunOptions {
  /** Stops before the next step when aborted. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (result: StepResult) => void;
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

/** A class and no literal: making one with a getter costs V8 2 us. */
class StepContext<S> implements LossContext<S> {
  constructor(
    readonly step: number,
    readonly training: boolean,
    readonly state: S,
    private readonly root: Key,
  ) {}

  /** Made when asked for: most losses have no dropout. */
  get key(): Key {
    return foldIn(foldIn(this.root, STREAM.dropout), this.step);
  }
}

/** Parameters, optimizer and WASM memory of one training run; made by `createTrainer`. */
export class Trainer<P, B, X, S> {
  private readonly runtime = new Runtime();
  private readonly block: ParameterBlock;
  private readonly leaves: Tensor[];
  private readonly inside: P;
  private readonly training: Scope;
  private readonly evaluating: Scope;
  private readonly predicting: Scope;
  private readonly state: TrainerState;
  private readonly rootKey: Key;
  private readonly gradientSquares: Float64Array;
  /** Whether the block's updates are those that were last added to the values. */
  private updated = false;

  /** @internal Use `createTrainer(...)`. */
  constructor(private readonly options: TrainerOptions<P, B, X, S>) {
    if (typeof options.loss !== "function")
      throw new TypeError(`createTrainer: "loss" expected a function, got ${show(options.loss)}`);
    if (typeof options.optimizer?.update !== "function")
      throw new TypeError(`createTrainer: "optimizer" expected a gradient transform, got ${show(options.optimizer)}`);
    this.training = options.debug
      ? new WatchedScope(this.runtime, "step", (what, op) => this.diverged(what, "", guards[op]))
      : new Scope(this.runtime, "step");
    this.training.training = true;
    this.evaluating = new Scope(this.runtime, "evaluation");
    this.predicting = new Scope(this.runtime, "prediction");
    this.evaluating.tapeless = this.predicting.tapeless = true;
    this.block = ParameterBlock.allocate(this.runtime, options.params);
    this.leaves = this.block.tensors(this.training);
    this.inside = mapTree(options.params, isTensor, (_, __, i) => this.leaves[i]) as P;
    this.rootKey = key(options.seed ?? 0);
    this.gradientSquares = new Float64Array(this.leaves.length);
    this.state = {
      step: 0,
      lastFiniteLoss: Number.NaN,
      seed: options.seed ?? 0,
      optimizer: options.optimizer.description,
      block: this.block,
      optimizerState: options.optimizer.init(this.block),
      userState: options.state,
    };
  }

  /** Steps made so far; the next step's number. */
  get steps(): number {
    return this.state.step;
  }

  private context(training: boolean): LossContext<S> {
    const { step, userState } = this.state;
    return new StepContext(step, training, userState as S, this.rootKey);
  }

  private within<T>(scope: Scope, f: () => T): T {
    scope.begin(this.state.step);
    for (const leaf of this.leaves) leaf.scope = scope;
    try {
      return f();
    } finally {
      scope.end();
    }
  }

  /**
   * One update from one batch.
   *
   * Throws DivergenceError when the loss or a gradient is NaN or infinite: it names step, parameter path and last finite
   * loss, and the parameters stay as they were. Throws what the loss throws, with the parameters as they were.
   */
  step(batch: B): StepResult {
    if (this.training instanceof WatchedScope) this.training.names = namesOf(batch);
    return this.within(this.training, () => {
      const { step } = this.state;
      const result = this.options.loss(this.inside, batch, this.context(true));
      const { loss, metrics, state } = split(result);
      checkLoss(loss);
      const value = loss.item();
      this.updated = false;
      if (!Number.isFinite(value)) this.diverged(`the loss is ${value}`, blame(batch));
      this.training.backward(loss, this.leaves);
      const { block } = this;
      block.changed();
      this.gradientSquares.set(block.segmentSquares());
      for (let i = 0; i < this.gradientSquares.length; i++)
        if (!Number.isFinite(this.gradientSquares[i]))
          this.diverged(`the gradient of ${under("params", block.segments[i].path)} is not finite`);
      const metricValues = readMetrics(metrics);
      const nextState = state === undefined ? this.state.userState : toHost(state);
      const context = { t: step, metrics: metricValues };
      if (this.options.optimizer.update(block, this.state.optimizerState, context) !== false) {
        if (this.options.debug) this.checkUpdates();
        this.runtime.kernels.accumulate(block.length, block.updatesPointer, block.valuesPointer);
        this.updated = true;
      }
      block.changed();
      this.state.userState = nextState;
      this.state.lastFiniteLoss = value;
      this.state.step = step + 1;
      return { step, loss: value, metrics: metricValues };
    });
  }

  /** For `debug`: a transform's own NaN or Infinity. The parameters are as before; what the optimizer keeps is not. */
  private checkUpdates(): void {
    const { updates, segments } = this.block;
    const at = updates.findIndex((v) => !Number.isFinite(v));
    if (at < 0) return;
    const { path, offset } = segments.find((s) => at < s.offset + s.length)!;
    this.diverged(
      `${this.options.optimizer.description} made the update of ${under("params", path)} ${updates[at]} at position ${at - offset}`,
    );
  }

  /** `culprit` is the value of the batch that made it so, where one did. */
  private diverged(
    what: string,
    culprit = "",
    hint = "Lower the learning rate or the noise, or put clipByGlobalNorm(10) first in the chain",
  ): never {
    const { step, lastFiniteLoss } = this.state;
    const last = Number.isNaN(lastFiniteLoss)
      ? "there was no finite loss"
      : `the last finite loss was ${lastFiniteLoss}`;
    throw new DivergenceError(
      `step ${step}: ${what}${culprit && `: ${culprit}`}; ${last}. ${culprit ? "Replace that value, or leave out its example" : hint}`,
      step,
      lastFiniteLoss,
    );
  }

  /** Loss and metrics of a batch, without an update; `context.training` is false. */
  evaluate(batch: B): Omit<StepResult, "step"> {
    return this.within(this.evaluating, () => {
      const context = this.context(false);
      const { loss, metrics } = split(this.options.loss(this.inside, batch, context));
      checkLoss(loss);
      const own = this.options.metrics?.(this.inside, batch, context);
      return { loss: loss.item(), metrics: { ...readMetrics(metrics), ...readMetrics(own) } };
    });
  }

  /** The result of `predict`, as a host tensor. Throws TypeError where the trainer was made without it. */
  predict(x: X): Tensor {
    const { predict } = this.options;
    if (!predict)
      throw new TypeError(
        "predict: this trainer was made without a predict function; pass { predict: (params, x) => ... }",
      );
    return this.within(this.predicting, () => {
      const out = predict(this.inside, x, this.context(false));
      if (!isTensor(out)) throw new TypeError(`predict returned ${show(out)}; return a tensor`);
      return hostTensor(out.data, out.shape);
    });
  }

  /**
   * A step for every batch, letting the event loop turn now and then: a page stays alive, Ctrl-C is heard.
   * Returns the last step's result, or undefined when there was none.
   */
  async run(batches: Iterable<B> | AsyncIterable<B>, options: RunOptions = {}): Promise<StepResult | undefined> {
    const { signal, onProgress, yieldEveryMs = 12 } = options;
    let last: StepResult | undefined;
    let since = performance.now();
    for await (const batch of asIterable(batches)) {
      if (signal?.aborted) break;
      last = this.step(batch);
      onProgress?.(last);
      if (performance.now() - since >= yieldEveryMs) {
        await new Promise((resolve) => setTimeout(resolve));
        since = performance.now();
      }
    }
    return last;
  }

  /** Host copies of the parameters, in the tree they came in. */
  get params(): P {
    const leaves = this.block.hostLeaves("values");
    return mapTree(this.options.params, isTensor, (_, __, i) => leaves[i]) as P;
  }

  /**
   * Host copies of the averaged parameters that `optim.ema` keeps, in the tree they came in; what it does not follow, or
   * not yet, is as in `params`. To evaluate with them: `other.setParams(trainer.average)`, other a trainer of the same loss.
   *
   * Throws TypeError where the optimizer keeps no average.
   */
  get average(): P {
    const leaves = averageLeaves(this.block, this.state.optimizerState);
    if (!leaves) throw new TypeError(NO_EMA);
    return mapTree(this.options.params, isTensor, (_, __, i) => leaves[i]) as P;
  }

  /** Replaces the parameters. Throws DataError naming the first path whose shape differs. */
  setParams(tree: P): void {
    const found = flatten(tree, isTensor);
    const { segments } = this.block;
    if (found.length !== segments.length)
      throw new DataError(`setParams: expected ${segments.length} parameters, got ${found.length}`);
    found.forEach(({ path, leaf }, i) => {
      if (path !== segments[i].path || leaf.shape.join() !== segments[i].shape.join() || leaf.dtype !== "float32")
        throw new DataError(
          `${under("params", segments[i].path)}: expected shape [${segments[i].shape.join(", ")}], got ${path} [${leaf.shape.join(", ")}]${leaf.dtype === "float32" ? "" : ` of ${leaf.dtype}`}`,
        );
    });
    const live = this.block.values;
    found.forEach(({ leaf }, i) => {
      live.set(leaf.data as Float32Array, segments[i].offset);
    });
  }

  /** Norms of weights, last gradients and last updates, leaf by leaf; 0 where the last step made no update. */
  inspect(): LeafReport[] {
    const { kernels } = this.runtime;
    const { block } = this;
    return block.segments.map(({ path, shape, offset, length }, i) => ({
      path,
      shape,
      weight: Math.sqrt(kernels.sumSquaresWide(length, block.valuesPointer + offset * 4)),
      gradient: Math.sqrt(this.gradientSquares[i]),
      update: this.updated ? Math.sqrt(kernels.sumSquaresWide(length, block.updatesPointer + offset * 4)) : 0,
    }));
  }

  /** Bytes of WebAssembly memory: in use at the peak of a step, and held. */
  get memory(): { peak: number; held: number } {
    return { peak: this.runtime.memory.peak, held: this.runtime.memory.capacity };
  }

  /** Everything that the next step depends on, as the bytes of a safetensors file. */
  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.state);
  }

  /** Continues from a checkpoint to the very same bits. Throws CheckpointError naming what differs; nothing is changed then. */
  restore(bytes: Uint8Array): void {
    decodeCheckpoint(bytes, this.state);
    this.updated = false;
    this.gradientSquares.fill(0);
  }
}

/**
 * A trainer: `step(batch)` computes the loss and its gradients and updates the parameters.
 *
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
export function createTrainer<P, B = any, X = any, S = undefined>(
  options: TrainerOptions<P, B, X, S>,
): Trainer<P, B, X, S> {
  return new Trainer(options);
}

function split<S>(result: LossResult<S>): { loss: Tensor; metrics?: Metrics; state?: S } {
  return isTensor(result) ||
    result instanceof Promise ||
    typeof result !== "object" ||
    result === null ||
    !("loss" in result)
    ? { loss: result as Tensor }
    : result;
}

function readMetrics(metrics: Metrics | undefined): { [name: string]: number } {
  const out: { [name: string]: number } = {};
  for (const name in metrics) {
    const value = metrics[name];
    out[name] = typeof value === "number" ? value : value.item();
  }
  return out;
}

const toHost = (tree: unknown): unknown =>
  mapTree(tree, isTensor, (t) => (t.isHost ? t : hostTensor(t.data, t.shape)), "state");

async function* asIterable<B>(batches: Iterable<B> | AsyncIterable<B>): AsyncIterable<B> {
  if (Symbol.asyncIterator in batches) yield* batches;
  else for (const batch of batches) yield batch;
}
