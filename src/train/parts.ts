// What a trainer is made of: parameters, gradients and optimizer slots in one WASM instance of its own, the scopes that its
// functions run in, and what the next step depends on. What a user's functions take and return is any here: `Trainer` types it.
import { checkFunction } from "../base/errors.js";
import { anything, flag, func, integer, readOptions } from "../base/options.js";
import { formOf, mapTree } from "../base/tree.js";
import { ParameterBlock } from "../core/parameter-block.js";
import { type Key, key, stepKey } from "../core/random.js";
import { Scope } from "../core/scope.js";
import { isLeaf, isTensor, revive } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import type { TrainerState } from "../files/checkpoint.js";
import { checkStorable, checkStorableState } from "../files/storable.js";
import { WatchedScope } from "../inspect/watch.js";
import { checkOptimizer } from "../optim/check.js";
import { gathersBatches } from "../optim/state.js";
import { Runtime } from "../wasm/runtime.js";
import { diverged } from "./report.js";
import { ownState, type StateLeaf, stateLeaves } from "./returned.js";
import type { LossContext, TrainerOptions } from "./types.js";

/** A class and no literal: making one with a getter costs V8 2 us. */
class StepContext implements LossContext<any> {
  constructor(
    readonly step: number,
    readonly training: boolean,
    readonly state: unknown,
    private readonly root: Key,
  ) {}

  /** Made when asked for: most losses have no dropout. */
  get key(): Key {
    return stepKey(this.root, this.step);
  }
}

export class Parts {
  readonly runtime = new Runtime();
  readonly options: TrainerOptions<any, any, any, any>;
  readonly block: ParameterBlock;
  readonly leaves: Value[];
  /** The tree of the parameters, apart from its leaves. */
  readonly form: (leaf: (i: number) => unknown) => any;
  readonly stateLeaves: readonly StateLeaf[];
  readonly training: Scope;
  readonly evaluating: Scope;
  readonly predicting: Scope;
  /** What a checkpoint holds. */
  readonly state: TrainerState;
  /** Sums of squares of the last gradients, leaf by leaf. */
  readonly gradientSquares: Float64Array;
  /** Whether the block's updates are those that were last added to the values. */
  updated = false;
  /** Whether `accumulate` is somewhere in the optimizer. */
  readonly gathers: boolean;
  /** Why no further step can be made, until a checkpoint is restored. */
  halted: string | undefined;
  private readonly rootKey: Key;

  constructor(options: TrainerOptions<any, any, any, any>) {
    const owner = "createTrainer";
    // frozen and our own: a sweep may fill one object of settings over and over
    this.options = readOptions<TrainerOptions<any, any, any, any>>(owner, options, {
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
      ? new WatchedScope(this.runtime, "step", (what, guard) => diverged(this.state, what, "", guard))
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

  context(training: boolean): LossContext<any> {
    const { step, userState } = this.state;
    const state = userState === undefined ? undefined : mapTree(userState, isTensor, (t) => t, "state");
    return new StepContext(step, training, state, this.rootKey);
  }

  /** Runs `f` in `scope` on a tree of parameters of its own: what it writes to that, and what it keeps of it, ends with it. */
  within<T>(scope: Scope, f: (params: any) => T): T {
    const { leaves } = this;
    return scope.within(this.state.step, () => {
      for (const leaf of leaves) leaf.scope = scope;
      return f(this.form((i) => scope.handle(leaves[i])));
    });
  }

  /** Throws Error inside the trainer's own loss, which computes with what would be rewritten. */
  refuseInside(what: string): void {
    if (this.runtime.busy)
      throw new Error(`${what}: the trainer is inside its own loss, which uses its parameters. Call it between steps`);
  }
}
