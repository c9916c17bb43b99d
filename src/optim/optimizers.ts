// Named optimizers: each turns the gradient into what is added to the parameters, learning rate and sign included.
import { checkInteger, checkNumber } from "../base/errors.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { pow } from "../core/random.js";
import { describe, type GradientTransform, type Schedule, type TransformState, valueAt } from "./transform.js";

function checkRate(owner: string, learningRate: Schedule): void {
  if (typeof learningRate !== "function")
    checkNumber(owner, "learningRate", learningRate, ">= 0, or a function of t", (v) => v >= 0);
}

/** What the updates are multiplied by. Asked for first: a schedule that throws leaves the optimizer as it was. */
function negativeRate(owner: string, learningRate: Schedule, t: number): number {
  return -valueAt(owner, "learningRate", learningRate, t);
}

function scale(block: ParameterBlock, factor: number): void {
  block.each((offset, length) => block.runtime.kernels.scale(length, factor, block.updatesPointer + offset * 4));
}

export interface SgdOptions {
  /** 0 by default: plain SGD. */
  readonly momentum?: number;
  /** Nesterov's form of momentum. */
  readonly nesterov?: boolean;
  /** The gradient enters the momentum times 1 - dampening. */
  readonly dampening?: number;
}

/**
 * Stochastic gradient descent: -learningRate g, with momentum m = momentum m + g where asked.
 *
 * Throws RangeError for a negative rate or a momentum outside 0 <= momentum < 1.
 * Example: `sgd(0.1)`; `sgd(0.01, { momentum: 0.9, nesterov: true })`
 * Source: Sutskever et al. 2013, in the form of torch.optim.SGD: the first step sets m = g, whatever the dampening.
 */
export function sgd(learningRate: Schedule, options: SgdOptions = {}): GradientTransform {
  const { momentum = 0, nesterov = false, dampening = 0 } = options;
  checkRate("sgd", learningRate);
  checkNumber("sgd", "momentum", momentum, "in 0 <= momentum < 1", (v) => v >= 0 && v < 1);
  checkNumber("sgd", "dampening", dampening, "in 0 <= dampening <= 1", (v) => v >= 0 && v <= 1);
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new RangeError(
      `sgd: "nesterov" needs a momentum > 0 and no dampening, got momentum ${momentum} and dampening ${dampening}`,
    );
  const extra =
    momentum === 0
      ? ""
      : `, momentum=${momentum}${nesterov ? ", nesterov" : ""}${dampening ? `, dampening=${dampening}` : ""}`;
  return {
    description: `sgd(${describe(learningRate)}${extra})`,
    init: (block): TransformState => (momentum === 0 ? {} : { momentum: block.allocateSlot(), updates: 0 }),
    update(block, state, { t }) {
      const rate = negativeRate("sgd", learningRate, t);
      if (momentum !== 0) {
        const slot = state.momentum as Slot;
        const keep = state.updates === 0 ? 1 : Math.fround(1 - dampening);
        state.updates = (state.updates as number) + 1;
        block.each((offset, length) =>
          block.runtime.kernels.momentum(
            length,
            momentum,
            keep,
            nesterov ? 1 : 0,
            slot.pointer + offset * 4,
            block.updatesPointer + offset * 4,
          ),
        );
      }
      scale(block, rate);
    },
  };
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/**
 * Adam: moments of the gradient, corrected for their start at zero.
 *
 * Throws RangeError for a negative rate, a beta outside 0 <= beta < 1 or an epsilon < 0.
 * Example: `chain(addNoise({ eta: 1, seed: 1 }), adam(1e-3))`. Source: Kingma & Ba 2015, algorithm 1.
 */
export function adam(learningRate: Schedule, options: AdamOptions = {}): GradientTransform {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  checkRate("adam", learningRate);
  checkNumber("adam", "beta1", beta1, "in 0 <= beta1 < 1", (v) => v >= 0 && v < 1);
  checkNumber("adam", "beta2", beta2, "in 0 <= beta2 < 1", (v) => v >= 0 && v < 1);
  checkNumber("adam", "epsilon", epsilon, ">= 0", (v) => v >= 0);
  return {
    description: `adam(${describe(learningRate)}, beta1=${beta1}, beta2=${beta2}, epsilon=${epsilon})`,
    init: (block): TransformState => ({
      firstMoment: block.allocateSlot(),
      secondMoment: block.allocateSlot(),
      updates: 0,
    }),
    update(block, state, { t }) {
      const rate = negativeRate("adam", learningRate, t);
      const updates = (state.updates as number) + 1;
      state.updates = updates;
      const c1 = 1 / (1 - pow(beta1, updates));
      const c2 = 1 / (1 - pow(beta2, updates));
      const m = (state.firstMoment as Slot).pointer;
      const v = (state.secondMoment as Slot).pointer;
      block.each((offset, length) => {
        const at = offset * 4;
        block.runtime.kernels.adam(
          length,
          beta1,
          1 - beta1,
          beta2,
          1 - beta2,
          c1,
          c2,
          epsilon,
          m + at,
          v + at,
          block.updatesPointer + at,
        );
      });
      scale(block, rate);
    },
  };
}

/**
 * Gathers the mean gradient of `count` steps and lets `optimizer` update on every count-th: micro-batches of one batch.
 * Noise inside it is added once an update, and its t counts updates.
 *
 * Throws RangeError unless count is an integer >= 1. Example: `accumulate(4, chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1)))`
 */
export function accumulate(count: number, optimizer: GradientTransform): GradientTransform {
  checkInteger("accumulate", "count", count, 1);
  return {
    description: `accumulate(${count}, ${optimizer.description})`,
    init: (block): TransformState => ({
      sum: block.allocateSlot(),
      gathered: 0,
      updates: 0,
      inner: optimizer.init(block),
    }),
    update(block, state): undefined | false {
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
      return optimizer.update(block, state.inner as TransformState, { t });
    },
  };
}
