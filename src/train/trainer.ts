// The trainer: parameters, gradients and optimizer slots in one WASM instance of its own, and a step that opens a scope,
// runs the loss, walks the tape back, updates the block, and closes the scope. Nothing to dispose.
import { checkLoss, refusePromise, synchronous } from "../autodiff/grad.js";
import { checkFunction, DataError, DivergenceError, KIND, show } from "../base/errors.js";
import { anything, flag, func, integer, readOptions } from "../base/options.js";
import { pause } from "../base/pause.js";
import { showShape } from "../base/shape.js";
import { flatten, formOf, mapTree, under } from "../base/tree.js";
import { ParameterBlock } from "../core/parameter-block.js";
import { type Key, key, stepKey } from "../core/random.js";
import { Scope } from "../core/scope.js";
import { hostTensor, isLeaf, isTensor, revive, type Tensor } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import { decodeCheckpoint, encodeCheckpoint, type TrainerState } from "../files/checkpoint.js";
import { checkStorable, checkStorableState } from "../files/storable.js";
import { blame, namesOf } from "../inspect/blame.js";
import { WatchedScope } from "../inspect/watch.js";
import { checkOptimizer } from "../optim/check.js";
import { averageLeaves, NO_EMA } from "../optim/ema.js";
import { updateNotFinite } from "../optim/loop.js";
import { gathersBatches, keepsState, pendingMicroBatches } from "../optim/state.js";
import { Runtime } from "../wasm/runtime.js";
import { nextState, ownState, partsOf, readMetrics, type StateLeaf, stateLeaves } from "./returned.js";
import { asIterable, readRunOptions } from "./running.js";
import type { LeafReport, LossContext, RunOptions, StepResult, TrainerOptions } from "./types.js";

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
    return stepKey(this.root, this.step);
  }
}

/** Parameters, optimizer and WASM memory of one training run; made by `createTrainer`. */
export class Trainer<P, B, X, S> {
  private readonly runtime = new Runtime();
  private readonly block: ParameterBlock;
  private readonly leaves: Value[];
  private readonly form: (leaf: (i: number) => unknown) => unknown;
  private readonly options: TrainerOptions<P, B, X, S>;
  private readonly stateLeaves: readonly StateLeaf[];
  private readonly training: Scope;
  private readonly evaluating: Scope;
  private readonly predicting: Scope;
  private readonly state: TrainerState;
  private readonly rootKey: Key;
  private readonly gradientSquares: Float64Array;
  /** Whether the block's updates are those that were last added to the values. */
  private updated = false;
  /** Whether `accumulate` is somewhere in the optimizer. */
  private readonly gathers: boolean;
  /** Why no further step can be made, until a checkpoint is restored. */
  private halted: string | undefined;

  /** @internal Use `createTrainer(...)`. */
  constructor(options: TrainerOptions<P, B, X, S>) {
    const owner = "createTrainer";
    // frozen and our own: a sweep may fill one object of settings over and over
    this.options = readOptions<TrainerOptions<P, B, X, S>>(owner, options, {
      params: anything,
      loss: func(),
      optimizer: anything,
      predict: func(),
      metrics: func(),
      seed: integer(),
      state: anything,
      debug: flag,
    });
    const { loss, optimizer, seed = 0, debug } = this.options;
    checkFunction(owner, "loss", loss);
    this.training = debug
      ? new WatchedScope(this.runtime, "step", (what, guard) => this.diverged(what, "", guard))
      : new Scope(this.runtime, "step");
    this.training.training = true;
    this.evaluating = new Scope(this.runtime, "evaluation");
    this.predicting = new Scope(this.runtime, "prediction");
    this.evaluating.tapeless = this.predicting.tapeless = true;
    const tree = mapTree(this.options.params, isLeaf, revive);
    this.form = formOf(tree, isTensor);
    this.block = ParameterBlock.allocate(this.runtime, tree);
    checkOptimizer(owner, optimizer, this.block);
    this.leaves = this.block.leaves(this.training);
    this.rootKey = key(seed);
    this.gradientSquares = new Float64Array(this.leaves.length);
    const userState = this.options.state === undefined ? undefined : ownState(this.options.state);
    checkStorableState(userState);
    this.stateLeaves = stateLeaves(userState);
    this.state = {
      step: 0,
      lastFiniteLoss: Number.NaN,
      seed,
      optimizer: optimizer.description,
      block: this.block,
      optimizerState: optimizer.init(this.block),
      userState,
    };
    checkStorable(this.state.optimizerState);
    this.gathers = gathersBatches(this.state.optimizerState);
  }

  /** @internal What it is for messages. */
  get [KIND](): string {
    return "trainer";
  }

  /** Steps made so far; the next step's number. */
  get steps(): number {
    return this.state.step;
  }

  private context(training: boolean): LossContext<S> {
    const { step, userState } = this.state;
    const state = userState === undefined ? undefined : mapTree(userState, isTensor, (t) => t, "state");
    return new StepContext(step, training, state as S, this.rootKey);
  }

  /** Runs `f` in `scope` on a tree of parameters of its own: what it writes to that, and what it keeps of it, ends with it. */
  private within<T>(scope: Scope, f: (params: P) => T): T {
    const { leaves } = this;
    return scope.within(this.state.step, () => {
      for (const leaf of leaves) leaf.scope = scope;
      return f(this.form((i) => scope.handle(leaves[i])) as P);
    });
  }

  /** What a user's function of a batch gives; where it breaks on no batch at all, that is said. */
  private ofBatch<T>(what: string, batch: unknown, f: () => T): T {
    if (batch !== undefined && batch !== null) return f();
    try {
      return f();
    } catch (cause) {
      // the engine's own words, not a sentence of ours, which begins with its owner
      const own = !(cause instanceof TypeError) || /^[\w.]+: /.test(cause.message);
      if (own || !/undefined|null/.test(cause.message)) throw cause;
      throw new TypeError(
        `${what}: the loss was given ${batch} for a batch (${cause.message}). Pass one: ${what}({ x, y })`,
        {
          cause,
        },
      );
    }
  }

  /**
   * One update from one batch.
   *
   * Throws DivergenceError when the loss, a gradient or an update is NaN or infinite: it names step, parameter path and last
   * finite loss, and the parameters stay as they were. Throws what the loss throws, with the parameters as they were.
   */
  step(batch: B): StepResult {
    if (this.halted) throw new Error(`step ${this.state.step}: ${this.halted}`);
    if (this.training instanceof WatchedScope) this.training.names = namesOf(batch);
    return this.within(this.training, (params) => {
      const { step } = this.state;
      const result = this.ofBatch("step", batch, () => this.options.loss(params, batch, this.context(true)));
      const { loss, metrics, state } = partsOf(result);
      checkLoss(loss, true);
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
      const next = nextState(this.stateLeaves, this.state.userState, state, this.training);
      if (this.update(metricValues, value)) {
        this.runtime.kernels.accumulate(block.length, block.updatesPointer, block.valuesPointer);
        this.updated = true;
      }
      block.changed();
      this.state.userState = next;
      this.state.lastFiniteLoss = value;
      this.state.step = step + 1;
      const pending = this.gathers ? pendingMicroBatches(this.state.optimizerState) : 0;
      return pending > 0
        ? { step, loss: value, metrics: metricValues, pending }
        : { step, loss: value, metrics: metricValues };
    });
  }

  /** Turns the gradients into updates; false where the optimizer makes none this time. What is not finite is refused. */
  private update(metrics: { readonly [name: string]: number }, loss: number): boolean {
    const { optimizer } = this.options;
    const { optimizerState, step } = this.state;
    const context = { t: step, metrics };
    optimizer.prepare?.(optimizerState, context); // asks schedules; what throws here has moved nothing
    try {
      if (optimizer.update(this.block, optimizerState, context) === false) return false;
      const bad = updateNotFinite(optimizer, this.block);
      if (bad) this.diverged(bad, "", undefined, loss);
      return true;
    } catch (error) {
      // slots and counters have moved: going on from here would be a step that never was
      if (keepsState(optimizerState))
        this.halted = `the state of ${optimizer.description} had moved when step ${step} failed (${(error as Error).message}). Restore a checkpoint, or make the trainer anew`;
      throw error;
    }
  }

  /** `culprit` is the value of the batch that made it so, where one did. */
  private diverged(
    what: string,
    culprit = "",
    hint = "Lower the learning rate or the noise, or put clipByGlobalNorm(10) first in the chain",
    lastFiniteLoss = this.state.lastFiniteLoss,
  ): never {
    const { step } = this.state;
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
    return this.within(this.evaluating, (params) => {
      const context = this.context(false);
      const result = this.ofBatch("evaluate", batch, () => this.options.loss(params, batch, context));
      const { loss, metrics } = partsOf(result);
      checkLoss(loss, false);
      const own = this.options.metrics?.(params, batch, context);
      refusePromise(own, synchronous("metrics"));
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
    return this.within(this.predicting, (params) => {
      const out = this.ofBatch("predict", x, () => predict(params, x, this.context(false)));
      refusePromise(out, synchronous("predict"));
      if (!isTensor(out)) throw new TypeError(`predict returned ${show(out)}; return a tensor`);
      return hostTensor(out.data, out.shape);
    });
  }

  /**
   * A step for every batch, letting the event loop turn now and then: a page stays alive, Ctrl-C is heard.
   * Returns the last step's result, or undefined when there was none.
   *
   * Throws TypeError for what is no iterable of batches.
   */
  async run(batches: Iterable<B> | AsyncIterable<B>, options?: RunOptions): Promise<StepResult | undefined> {
    const { signal, onProgress, yieldEveryMs = 12 } = readRunOptions(options);
    let last: StepResult | undefined;
    let since = performance.now();
    for await (const batch of asIterable(batches)) {
      if (signal?.aborted) break;
      last = this.step(batch);
      const told = onProgress?.(last) as PromiseLike<unknown> | undefined;
      if (typeof told?.then === "function") await told;
      if (performance.now() - since >= yieldEveryMs) {
        await pause();
        since = performance.now();
      }
    }
    return last;
  }

  /** A tree like the parameters, of host tensors. */
  private tree(leaves: readonly Tensor[]): P {
    return this.form((i) => leaves[i]) as P;
  }

  /** Host copies of the parameters, in the form of the tree they came in. */
  get params(): P {
    return this.tree(this.block.hostLeaves("values"));
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
    return this.tree(leaves);
  }

  /** Throws Error inside the trainer's own loss, which computes with what would be rewritten. */
  private refuseInside(what: string): void {
    if (this.runtime.busy)
      throw new Error(`${what}: the trainer is inside its own loss, which uses its parameters. Call it between steps`);
  }

  /**
   * Replaces the parameters, path by path.
   * Throws DataError naming the first path that is missing or has another shape; nothing is changed then.
   */
  setParams(tree: P): void {
    this.refuseInside("setParams");
    const found = new Map(flatten(tree, isLeaf).map(({ path, leaf }) => [path, revive(leaf) as Tensor]));
    const { segments } = this.block;
    if (found.size !== segments.length)
      throw new DataError(`setParams: expected ${segments.length} parameters, got ${found.size}`);
    const strange = [...found.keys()].find((path) => !segments.some((segment) => segment.path === path));
    const values = segments.map(({ path, shape }) => {
      const t = found.get(path) ?? found.get(strange!)!;
      if (!found.has(path) || showShape(t.shape) !== showShape(shape) || t.dtype !== "float32")
        throw new DataError(
          `${under("params", path)}: expected shape ${showShape(shape)}, got ${found.has(path) ? path : strange} ${showShape(t.shape)}${t.dtype === "float32" ? "" : ` of ${t.dtype}`}`,
        );
      return t.data as Float32Array;
    });
    const live = this.block.values;
    values.forEach((data, i) => {
      live.set(data, segments[i].offset);
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

  /**
   * Continues from a checkpoint to the very same bits. `name` is what messages call it: a file's name. Returns a sentence
   * where there is something to know of it (an older one, without a checksum), else undefined.
   *
   * Throws CheckpointError naming what differs or is damaged, TypeError for what holds no bytes; nothing is changed then.
   */
  restore(bytes: Uint8Array | ArrayBuffer | ArrayBufferView, name = "checkpoint"): string | undefined {
    this.refuseInside("restore");
    const word = decodeCheckpoint(bytes, this.state, name);
    this.halted = undefined;
    this.updated = false;
    this.gradientSquares.fill(0);
    return word;
  }
}

export type * from "./types.js";

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
