// Loops of one's own over host trees: gradients in, updates out, the same bits as a trainer's step.
import { DataError, DivergenceError, KIND, kindOf, show } from "../base/errors.js";
import { anything, type Rules, readOptions } from "../base/options.js";
import { showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import { ParameterBlock } from "../core/parameter-block.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { Runtime } from "../wasm/runtime.js";
import { unfinished } from "./check.js";
import { inOrder } from "./mask.js";
import { keepsState, pendingMicroBatches } from "./state.js";
import {
  checkTransform,
  type GradientTransform,
  isOurs,
  isTransform,
  showTransform,
  type TransformState,
  type UpdateContext,
} from "./transform.js";

/** An optimizer's memory over host trees, for loops of one's own. Every `update` moves it on, t and all. */
export interface OptimizerState {
  /** The parameters, and a twin for their updates. */
  readonly block: ParameterBlock;
  /** What the transforms keep. */
  readonly state: TransformState;
  /** Updates made so far. */
  readonly t: number;
  /** Micro-batches that `accumulate` has gathered and no update has used yet. */
  readonly pending: number;
}

/** The one that `init` makes. */
class OwnState implements OptimizerState {
  #t = 0;
  #stopped: Error | undefined;
  readonly #optimizer: string;
  /** Of each parameter, whether the optimizer leaves (some of) its gradient as it is. */
  readonly #gradients: readonly boolean[];

  constructor(
    readonly block: ParameterBlock,
    readonly state: TransformState,
    optimizer: string,
    gradients: readonly boolean[],
  ) {
    this.#optimizer = optimizer;
    this.#gradients = gradients;
  }

  get [KIND](): string {
    return "optimizer state";
  }

  get t(): number {
    return this.#t;
  }

  get pending(): number {
    return pendingMicroBatches(this.state);
  }

  /** Throws unless it is the state of `optimizer` and may move on. */
  check({ description }: GradientTransform): void {
    if (description !== this.#optimizer)
      throw new TypeError(`optim.update: the state belongs to ${this.#optimizer}, got the optimizer ${description}`);
    if (this.#stopped) throw this.#stopped;
  }

  /** Lets no further update happen where an update that did not happen has moved what the optimizer keeps. */
  stop(what: string): string {
    if (!keepsState(this.state)) return "";
    const moved = "what the optimizer keeps has moved, and the parameters have not: start again with optim.init";
    this.#stopped = new TypeError(`optim.update: the state has stopped at t = ${this.#t}, where ${what}: ${moved}`);
    return `; ${moved}`;
  }

  /** The updates of the step that was made, leaf by leaf. */
  next(): Tensor[] {
    this.#t++;
    const { block } = this;
    block.runtime.kernels.accumulate(block.length, block.updatesPointer, block.valuesPointer);
    return block.hostLeaves("updates").map((leaf, s) => {
      if (this.#gradients[s]) Object.defineProperty(leaf, GRADIENT, { value: this.#optimizer });
      return leaf;
    });
  }
}

/** What an "update" carries that is still a gradient: the optimizer that made no more of it. */
const GRADIENT = Symbol("still a gradient");

/** Throws TypeError for what is no state of an optimizer; `call` is how the function is called. */
export function checkState(owner: string, state: unknown, call: string): asserts state is OwnState {
  if (state instanceof OwnState) return;
  const copy = kindOf(state) === "optimizer state" ? " of another copy of the library" : "";
  throw new TypeError(
    `${owner}: expected the state that optim.init made, got ${showTransform(state)}${copy}. Write ${call}`,
  );
}

/**
 * The state of `optimizer` before the first update of `params`, a tree of float32 tensors.
 *
 * Throws TypeError for what is no optimizer, for one in which two optimizers meet, for a leaf that is no float32 tensor, and
 * what the optimizer's masks throw.
 * Example: `optim.init(adam(0.01), params)`
 */
export function init(optimizer: GradientTransform, params: unknown): OptimizerState {
  const swapped = isTransform(params) ? "The optimizer comes first: optim.init(optimizer, params)" : undefined;
  checkTransform("optim.init", "the first argument", optimizer, swapped);
  const block = ParameterBlock.allocate(new Runtime(), params);
  const gradients = unfinished("optim.init", optimizer, block);
  return new OwnState(block, optimizer.init(block), optimizer.description, gradients);
}

/** What an update may look at beside the gradients. */
export interface UpdateInputs<P> {
  /** The parameters before the update, where they are not what `applyUpdates` made of the last one. */
  readonly params?: P;
  /** What the loss measured at this step, for transforms that look at it: `errorScaledNoise`. */
  readonly metrics?: UpdateContext["metrics"];
}

const INPUTS: Rules<UpdateInputs<unknown>> = { params: anything, metrics: anything };
const CALL = "optim.update(optimizer, gradients, state, { params, metrics })";

/**
 * One update over host trees: the same bits as `trainer.step`. The state moves on; the one that is returned is the one that
 * was given. It follows the parameters (which weight decay and averages read) as though every update were applied.
 *
 * Shapes: gradients, params and updates are trees like the params of `init`.
 * Throws DataError naming the first path that differs, TypeError for the state of another optimizer, DivergenceError for a
 * gradient or an update that is not finite. Nothing has moved then, but where a transform that keeps something made such an
 * update: then the state takes no further one.
 * Example: `optim.update(sgd(0.1), params, optim.init(sgd(0.1), params))`, the parameters being their own gradients
 */
export function update<P>(
  optimizer: GradientTransform,
  gradients: P,
  state: OptimizerState,
  inputs: UpdateInputs<P> = {},
): { updates: P; state: OptimizerState } {
  checkTransform("optim.update", "the first argument", optimizer, `Write ${CALL}`);
  checkState("optim.update", state, CALL);
  const { params, metrics } = readOptions("optim.update", inputs, INPUTS) as UpdateInputs<P>;
  state.check(optimizer);
  const { block, t } = state;
  const values = params === undefined ? undefined : floats("optim.update: the tree of parameters", block, params);
  write(block, "updates", floats("optim.update: the tree of gradients", block, gradients));
  refuseGradients(block, t);
  const context: UpdateContext = { t, metrics };
  optimizer.prepare?.(state.state, context);
  if (values) write(block, "values", values);
  if (!attempt(optimizer, state, context)) block.updates.fill(0);
  const leaves = new Map(state.next().map((leaf, s) => [block.segments[s].path, leaf]));
  return { updates: mapTree(gradients, isTensor, (_, path) => leaves.get(path)) as P, state };
}

/** Runs the optimizer, and refuses what is not finite. Returns whether there is an update. */
function attempt(optimizer: GradientTransform, state: OwnState, context: UpdateContext): boolean {
  const { block } = state;
  try {
    if (optimizer.update(block, state.state, context) === false) return false;
  } catch (error) {
    state.stop(`${optimizer.description} threw ${show(String(error))}`);
    throw error;
  }
  const what = updateNotFinite(optimizer, block);
  if (what === undefined) return true;
  throw new DivergenceError(
    `optim.update: t = ${context.t}: ${what}${state.stop(what)}. ${LOWER}`,
    context.t,
    Number.NaN,
  );
}

const LOWER = "Lower the learning rate or the noise, or put clipByGlobalNorm(10) first in the chain";

/**
 * What is wrong with the updates that `optimizer` has just made of the block's, as "sgd(0.1) made the update of params.w NaN
 * at position 3", or undefined where they, and the parameters that they make, are finite. @internal
 */
export function updateNotFinite(optimizer: GradientTransform, block: ParameterBlock): string | undefined {
  if (!isOurs(optimizer)) block.changed(); // it may have written unseen
  if (block.isFinite()) return undefined;
  const bad = block.firstNotFinite();
  if (!bad) return undefined;
  const where = `${under("params", bad.path)}`;
  return Number.isFinite(bad.update)
    ? `${optimizer.description} made the update of ${where} ${bad.update} at position ${bad.position}, which makes the parameter ${bad.parameter}`
    : `${optimizer.description} made the update of ${where} ${bad.update} at position ${bad.position}`;
}

function refuseGradients(block: ParameterBlock, t: number): void {
  const { kernels } = block.runtime;
  if (kernels.allBelow(block.length, block.updatesPointer, Number.POSITIVE_INFINITY)) return;
  const { updates } = block;
  const at = updates.findIndex((v) => !Number.isFinite(v));
  const { path, offset } = block.segments.find((s) => at < s.offset + s.length)!;
  throw new DivergenceError(
    `optim.update: t = ${t}: the gradient of ${under("params", path)} is ${updates[at]} at position ${at - offset}; nothing has moved. ${LOWER}`,
    t,
    Number.NaN,
  );
}

/** The leaves of a tree like the parameters, in the block's order; float32, as those are. */
function floats(what: string, block: ParameterBlock, tree: unknown): Tensor[] {
  const leaves = inOrder(what, block, tree);
  leaves.forEach(({ dtype }, s) => {
    if (dtype !== "float32") throw new TypeError(`${what} at ${block.segments[s].path} is ${dtype}, expected float32`);
  });
  return leaves;
}

function write(block: ParameterBlock, to: "values" | "updates", leaves: readonly Tensor[]): void {
  const data = leaves.map((leaf) => leaf.data as Float32Array); // all are read before any is written
  const live = block[to];
  data.forEach((d, s) => {
    live.set(d, block.segments[s].offset);
  });
}

/**
 * params + updates, leaf by leaf, as new host tensors.
 *
 * Shapes: two trees of the same paths and shapes. Throws DataError naming the first path that differs, TypeError for updates
 * that are still gradients because no optimizer stands behind them, DivergenceError for a sum that is not finite.
 * Example: `applyUpdates(params, params)`, with `next.updates` of `update` as the second
 */
export function applyUpdates<P>(params: P, updates: P): P {
  const leaves = new Map(
    flatten(updates, isTensor, "applyUpdates: the tree of updates").map(({ path, leaf }) => [path, leaf]),
  );
  const sums = mapTree(params, isTensor, (p, path) => {
    const at = path || "the root";
    const u = leaves.get(path);
    leaves.delete(path);
    if (u?.size !== p.size)
      throw new DataError(`applyUpdates: the updates hold ${u ? u.size : "no"} values for ${at}, which has ${p.size}`);
    if (u.shape.join() !== p.shape.join())
      throw new DataError(
        `applyUpdates: the update of ${at} has shape ${showShape(u.shape)}, expected ${showShape(p.shape)}`,
      );
    if (p.dtype !== "float32" || u.dtype !== "float32")
      throw new TypeError(`applyUpdates: ${at} and its update expected float32, got ${p.dtype} and ${u.dtype}`);
    const made = (u as { [GRADIENT]?: string })[GRADIENT];
    if (made !== undefined)
      throw new TypeError(
        `applyUpdates: the update of ${at} is still a gradient: ${made} makes no update of it, or not of all of it, and to add it raises the loss. Append an optimizer, as in chain(..., sgd(0.1)), or give the rest a group in partition({ ... })`,
      );
    return sumOf(p, u, at);
  }) as P;
  for (const path of leaves.keys())
    throw new DataError(`applyUpdates: the updates have ${path}, which is no parameter`);
  return sums;
}

function sumOf(p: Tensor, u: Tensor, at: string): Tensor {
  const out = Float32Array.from(p.data);
  const { data } = u;
  for (let j = 0; j < out.length; j++) {
    const before = out[j];
    out[j] += data[j];
    if (!Number.isFinite(out[j]) && Number.isFinite(before))
      throw new DivergenceError(
        `applyUpdates: the update of ${at} is ${data[j]} at position ${j}, which makes the parameter ${out[j]}`,
        Number.NaN,
        Number.NaN,
      );
  }
  return hostTensor(out, p.shape);
}
