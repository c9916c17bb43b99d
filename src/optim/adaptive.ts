// Named optimizers that divide by the root of second moments: Adam, AdamW, RMSprop, Adagrad.
import { checkNumber } from "../base/errors.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { pow } from "../core/random.js";
import { describeMask, type Mask, maskRanges } from "./masks.js";
import { addParameters, applyMomentum, checkSchedule, negativeRate } from "./optimizers.js";
import { describe, type GradientTransform, type Schedule, scaleUpdates, type TransformState } from "./transform.js";

/** Options of Adam's moments. */
export interface AdamOptions {
  /** How long the mean of the gradient remembers; 0.9 by default. */
  readonly beta1?: number;
  /** How long the mean of its square remembers; 0.999 by default. */
  readonly beta2?: number;
  /** Added to the root; 1e-8 by default. */
  readonly epsilon?: number;
}

function checkMoments(owner: string, { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions): string {
  checkNumber(owner, "beta1", beta1, "in 0 <= beta1 < 1", (v) => v >= 0 && v < 1);
  checkNumber(owner, "beta2", beta2, "in 0 <= beta2 < 1", (v) => v >= 0 && v < 1);
  checkNumber(owner, "epsilon", epsilon, ">= 0", (v) => v >= 0);
  return `beta1=${beta1}, beta2=${beta2}, epsilon=${epsilon}`;
}

const initMoments = (block: ParameterBlock): TransformState => ({
  firstMoment: block.allocateSlot(),
  secondMoment: block.allocateSlot(),
  updates: 0,
});

/** The updates become Adam's direction, without its rate. */
function applyMoments(block: ParameterBlock, state: TransformState, options: AdamOptions): void {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const { kernels } = block.runtime;
  const updates = (state.updates as number) + 1;
  state.updates = updates;
  const c1 = 1 / (1 - pow(beta1, updates));
  const c2 = 1 / (1 - pow(beta2, updates));
  const m = (state.firstMoment as Slot).pointer;
  const v = (state.secondMoment as Slot).pointer;
  block.each((offset, length) => {
    const at = offset * 4;
    const g = block.updatesPointer + at;
    kernels.adam(length, beta1, 1 - beta1, beta2, 1 - beta2, c1, c2, epsilon, m + at, v + at, g);
  });
}

/**
 * Adam: moments of the gradient, corrected for their start at zero.
 *
 * Throws RangeError for a negative rate, a beta outside 0 <= beta < 1 or an epsilon < 0.
 * Example: `chain(addNoise({ eta: 1, seed: 1 }), adam(1e-3))`. Source: Kingma & Ba 2015, algorithm 1.
 */
export function adam(learningRate: Schedule, options: AdamOptions = {}): GradientTransform {
  checkSchedule("adam", "learningRate", learningRate);
  const settings = checkMoments("adam", options);
  return {
    description: `adam(${describe(learningRate)}, ${settings})`,
    init: initMoments,
    update(block, state, { t }) {
      const rate = negativeRate("adam", learningRate, t);
      applyMoments(block, state, options);
      scaleUpdates(block, rate);
    },
  };
}

/** Options of AdamW: Adam's, and the decay. */
export interface AdamwOptions extends AdamOptions {
  /** What the parameters lose of themselves at an update is learningRate times this; 0.01 by default. */
  readonly weightDecay?: number;
  /** Only these parameters decay: often the weights and not the biases. */
  readonly mask?: Mask;
}

/**
 * Adam with decoupled weight decay: -learningRate (direction + weightDecay w). The decay does not enter the moments.
 *
 * Throws RangeError for a negative rate or decay, a beta outside 0 <= beta < 1 or an epsilon < 0, and what the mask throws.
 * Example: `adamw(1e-3, { weightDecay: 0.01, mask: "**.weight" })`
 * Source: Loshchilov & Hutter 2019, algorithm 2, with the decay scaled by the rate as in torch.optim.AdamW.
 */
export function adamw(learningRate: Schedule, options: AdamwOptions = {}): GradientTransform {
  const { weightDecay = 0.01, mask } = options;
  checkSchedule("adamw", "learningRate", learningRate);
  const settings = checkMoments("adamw", options);
  checkNumber("adamw", "weightDecay", weightDecay, ">= 0", (v) => v >= 0);
  const decaying = new WeakMap<ParameterBlock, ParameterBlock>();
  return {
    description: `adamw(${describe(learningRate)}, ${settings}, weightDecay=${weightDecay}${
      mask === undefined ? "" : ` of ${describeMask("adamw", mask)}`
    })`,
    init(block) {
      if (mask !== undefined) decaying.set(block, block.select(maskRanges("adamw", block, mask)));
      return initMoments(block);
    },
    update(block, state, { t }) {
      const rate = negativeRate("adamw", learningRate, t);
      applyMoments(block, state, options);
      addParameters(decaying.get(block) ?? block, weightDecay);
      scaleUpdates(block, rate);
    },
  };
}

/** updates = updates / (sqrt(v) + epsilon) with v = keep v + add updates^2: Adam's kernel without a first moment. */
function divideByRoot(block: ParameterBlock, square: Slot, keep: number, add: number, epsilon: number): void {
  const { kernels } = block.runtime;
  block.each((offset, length) => {
    const at = offset * 4;
    const g = block.updatesPointer + at;
    kernels.adam(length, 0, 1, keep, add, 1, 1, epsilon, g, square.pointer + at, g); // m = g: stored in place
  });
}

/** Options of RMSprop. */
export interface RmspropOptions {
  /** How long the mean of the square remembers; 0.99 by default. */
  readonly decay?: number;
  /** Added to the root; 1e-8 by default. */
  readonly epsilon?: number;
  /** Of the quotient, before the rate; 0 by default. */
  readonly momentum?: number;
  /** Divides by the standard deviation of the gradient instead of its root mean square. */
  readonly centered?: boolean;
}

/**
 * RMSprop: -learningRate g / (sqrt(v) + epsilon), v the running mean of g^2, from zero and not corrected for it.
 *
 * Throws RangeError for a negative rate, a decay or momentum outside 0 <= x < 1 or an epsilon < 0.
 * Example: `chain(clipByValue(10), rmsprop(1e-4, { momentum: 0.9 }))`
 * Source: Hinton, Srivastava & Swersky 2012, lecture 6e, in the form of torch.optim.RMSprop; centred: Graves 2013,
 * equations 38-45. A variance below 0 by rounding counts as 0 here.
 */
export function rmsprop(learningRate: Schedule, options: RmspropOptions = {}): GradientTransform {
  const { decay = 0.99, epsilon = 1e-8, momentum = 0, centered = false } = options;
  checkSchedule("rmsprop", "learningRate", learningRate);
  checkNumber("rmsprop", "decay", decay, "in 0 <= decay < 1", (v) => v >= 0 && v < 1);
  checkNumber("rmsprop", "epsilon", epsilon, ">= 0", (v) => v >= 0);
  checkNumber("rmsprop", "momentum", momentum, "in 0 <= momentum < 1", (v) => v >= 0 && v < 1);
  const extra = `${momentum ? `, momentum=${momentum}` : ""}${centered ? ", centered" : ""}`;
  return {
    description: `rmsprop(${describe(learningRate)}, decay=${decay}, epsilon=${epsilon}${extra})`,
    init: (block): TransformState => ({
      square: block.allocateSlot(),
      ...(centered ? { mean: block.allocateSlot() } : {}),
      ...(momentum ? { momentum: block.allocateSlot() } : {}),
    }),
    update(block, state, { t }) {
      const rate = negativeRate("rmsprop", learningRate, t);
      const square = state.square as Slot;
      if (centered) {
        const mean = state.mean as Slot;
        const { kernels } = block.runtime;
        block.each((offset, length) => {
          const at = offset * 4;
          const g = block.updatesPointer + at;
          kernels.centeredRms(length, decay, 1 - decay, epsilon, mean.pointer + at, square.pointer + at, g);
        });
      } else divideByRoot(block, square, decay, 1 - decay, epsilon);
      if (momentum) applyMomentum(block, state.momentum as Slot, momentum, 1, false);
      scaleUpdates(block, rate);
    },
  };
}

/** Options of Adagrad. */
export interface AdagradOptions {
  /** Added to the root; 1e-10 by default. */
  readonly epsilon?: number;
  /** What the sum of squares starts at; 0 by default. */
  readonly initial?: number;
}

/**
 * Adagrad: -learningRate g / (sqrt(sum of all g^2 so far) + epsilon).
 *
 * Throws RangeError for a negative rate, epsilon or initial value.
 * Example: `adagrad(0.1)`. Source: Duchi, Hazan & Singer 2011, figure 1 (diagonal), in the form of torch.optim.Adagrad.
 */
export function adagrad(learningRate: Schedule, options: AdagradOptions = {}): GradientTransform {
  const { epsilon = 1e-10, initial = 0 } = options;
  checkSchedule("adagrad", "learningRate", learningRate);
  checkNumber("adagrad", "epsilon", epsilon, ">= 0", (v) => v >= 0);
  checkNumber("adagrad", "initial", initial, ">= 0", (v) => v >= 0);
  return {
    description: `adagrad(${describe(learningRate)}, epsilon=${epsilon}, initial=${initial})`,
    init(block): TransformState {
      const sum = block.allocateSlot();
      sum.data.fill(initial);
      return { sum };
    },
    update(block, state, { t }) {
      const rate = negativeRate("adagrad", learningRate, t);
      divideByRoot(block, state.sum as Slot, 1, 1, epsilon);
      scaleUpdates(block, rate);
    },
  };
}
