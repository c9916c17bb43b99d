// Gradients of several micro-batches gathered into one update.
import { checkInteger } from "../base/errors.js";
import type { Slot } from "../core/parameter-block.js";
import { checkTransform, type GradientTransform, type TransformState } from "./transform.js";

/**
 * Gathers the mean gradient of `count` steps and lets `optimizer` update on every count-th: micro-batches of one batch.
 * Noise inside it is added once an update, and its t counts updates: put the whole optimizer inside.
 *
 * Throws RangeError unless count is an integer >= 1, TypeError for an optimizer that is no gradient transform.
 * Example: `accumulate(4, chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1)))`
 */
export function accumulate(count: number, optimizer: GradientTransform): GradientTransform {
  checkInteger("accumulate", "count", count, 1);
  checkTransform("accumulate", "the second argument", optimizer);
  return {
    description: `accumulate(${count}, ${optimizer.description})`,
    last: optimizer.last,
    init: (block): TransformState => ({
      sum: block.allocateSlot(),
      gathered: 0,
      updates: 0,
      inner: optimizer.init(block),
    }),
    update(block, state, context): undefined | false {
      const { kernels } = block.runtime;
      const sum = state.sum as Slot;
      const gathered = (state.gathered as number) + 1;
      block.each((offset, length) =>
        kernels.accumulate(length, block.updatesPointer + offset * 4, sum.pointer + offset * 4),
      );
      state.gathered = gathered % count;
      if (gathered < count) return false;
      block.each((offset, length) => {
        kernels.copy(length, sum.pointer + offset * 4, block.updatesPointer + offset * 4);
        kernels.scale(length, 1 / count, block.updatesPointer + offset * 4);
        kernels.fill(length, 0, sum.pointer + offset * 4);
      });
      const t = state.updates as number;
      state.updates = t + 1;
      return optimizer.update(block, state.inner as TransformState, { ...context, t }) === false ? false : undefined;
    },
  };
}
