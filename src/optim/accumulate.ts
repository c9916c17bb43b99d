// Gradients of several micro-batches gathered into one update.
import { checkInteger } from "../base/errors.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { checkFirst, checkNoMore } from "./settings.js";
import {
  checkTransform,
  type GradientTransform,
  isOurs,
  isTransform,
  keep,
  scaleUpdates,
  type TransformState,
  taken,
  type UpdateContext,
} from "./transform.js";

/** What `accumulate` keeps. A class, so that `pendingMicroBatches` finds it inside whatever stands around it. */
export class AccumulateState {
  [name: string]: unknown;
  gathered = 0;
  updates = 0;
  readonly #count: number;

  constructor(
    readonly sum: Slot,
    readonly inner: TransformState,
    count: number,
  ) {
    this.#count = count;
  }

  /** Micro-batches gathered since the last update: of its own, and of those inside it. */
  pending(inside: number): number {
    return this.gathered + this.#count * inside;
  }
}

/**
 * Gathers the mean gradient of `count` steps and lets `optimizer` update on every count-th: micro-batches of one batch.
 * Noise inside it is added once an update, and its t counts updates, as it does for what stands behind it in a chain: put the
 * whole optimizer inside.
 *
 * Throws RangeError unless count is an integer >= 1, TypeError for an optimizer that is no gradient transform.
 * Example: `accumulate(4, chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1)))`
 */
export function accumulate(count: number, optimizer: GradientTransform, ...rest: readonly never[]): GradientTransform {
  if (isTransform(count))
    throw new TypeError(
      `accumulate: "count" comes first. Write accumulate(4, ${(count as GradientTransform).description})`,
    );
  checkFirst("accumulate", "count", count);
  checkInteger("accumulate", "count", count, 1);
  checkTransform("accumulate", "the second argument", optimizer);
  checkNoMore("accumulate", rest, "Several transforms make one by chain(...)");
  const nextT = (state: TransformState, context: UpdateContext): UpdateContext => ({
    ...context,
    t: state.updates as number,
  });
  const completes = (state: TransformState, { gathering }: UpdateContext): boolean =>
    !gathering && (state.gathered as number) + 1 >= count;
  const prepare = (state: TransformState, context: UpdateContext): undefined | false => {
    const full = completes(state, context);
    const answer = optimizer.prepare?.(state.inner as TransformState, { ...nextT(state, context), gathering: !full });
    keep(state, true);
    return full && answer !== false ? undefined : false;
  };
  const observe = (state: TransformState, context: UpdateContext): void =>
    optimizer.observe?.(state.inner as TransformState, { ...nextT(state, context), gathering: true });
  return {
    description: `accumulate(${count}, ${optimizer.description})`,
    parts: [{ transform: optimizer, gathers: true }],
    last: optimizer.last,
    init: (block): TransformState => new AccumulateState(block.allocateSlot(), optimizer.init(block), count),
    prepare,
    observe,
    update(block, state, context): undefined | false {
      if (!taken(state)) {
        prepare(state, context);
        taken(state);
      }
      const full = completes(state, context);
      addTo(state.sum as Slot, block);
      state.gathered = full ? 0 : (state.gathered as number) + 1;
      if (!full) {
        observe(state, context);
        return false;
      }
      takeFrom(state.sum as Slot, block);
      scaleUpdates(block, 1 / count);
      const told = nextT(state, context);
      state.updates = (state.updates as number) + 1;
      const answer = optimizer.update(block, state.inner as TransformState, told);
      if (!isOurs(optimizer)) block.changed(); // it may have written unseen
      return answer === false ? false : undefined;
    },
  };
}

/** sum += updates. */
function addTo(sum: Slot, block: ParameterBlock): void {
  const { kernels } = block.runtime;
  block.pass((offset, length, updates) => kernels.accumulate(length, updates, sum.pointer + offset * 4));
}

/** updates = sum, which is 0 again. */
function takeFrom(sum: Slot, block: ParameterBlock): void {
  const { kernels } = block.runtime;
  block.pass((offset, length, updates) => {
    kernels.copy(length, sum.pointer + offset * 4, updates);
    kernels.fill(length, 0, sum.pointer + offset * 4);
  });
}
