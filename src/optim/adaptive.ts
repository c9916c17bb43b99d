// Named optimizers that divide by the root of second moments: Adam, AdamW, RMSprop, Adagrad.
import { anything, flag, type Rules, readOptions } from "../base/options.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { pow } from "../core/random.js";
import { maskRanges, readMask } from "./mask.js";
import { type Mask, partOf } from "./masks.js";
import { addParameters, applyMomentum } from "./optimizers.js";
import { checkSchedule, describe, float, type Schedule, share, valueAt } from "./settings.js";
import { asking, type GradientTransform, scaleUpdates, type TransformState } from "./transform.js";

/** What ends every optimizer: the updates times -learningRate. */
const rateOf =
  (owner: string, learningRate: Schedule) =>
  ({ t }: { readonly t: number }): number =>
    valueAt(owner, "learningRate", learningRate, t);

/** Options of Adam's moments. */
export interface AdamOptions {
  /** How long the mean of the gradient remembers; 0.9 by default. */
  readonly beta1?: number;
  /** How long the mean of its square remembers; 0.999 by default. */
  readonly beta2?: number;
  /** Added to the root; 1e-8 by default. */
  readonly epsilon?: number;
}

const ADAM: Rules<AdamOptions> = { beta1: share, beta2: share, epsilon: float() };

const describeMoments = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions): string =>
  `beta1=${beta1}, beta2=${beta2}, epsilon=${epsilon}`;

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
  block.pass((offset, length, g) => {
    const at = offset * 4;
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
  const read = readOptions("adam", options, ADAM);
  return asking<number>({
    description: `adam(${describe(learningRate)}, ${describeMoments(read)})`,
    kind: "update",
    init: initMoments,
    ask: rateOf("adam", learningRate),
    apply(block, state, rate) {
      applyMoments(block, state, read);
      scaleUpdates(block, -rate);
    },
  });
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
  checkSchedule("adamw", "learningRate", learningRate);
  const { weightDecay = 0.01, mask, ...read } = readOptions("adamw", options, ADAMW);
  const kept = mask === undefined ? undefined : readMask("adamw", mask);
  const decaying = kept ? partOf((block) => maskRanges("adamw", block, kept)) : (block: ParameterBlock) => block;
  return asking<number>({
    description: `adamw(${describe(learningRate)}, ${describeMoments(read)}, weightDecay=${weightDecay}${
      kept ? ` of ${kept.description}` : ""
    })`,
    kind: weightDecay === 0 ? "update" : "movingUpdate",
    init(block) {
      decaying(block);
      return initMoments(block);
    },
    ask: rateOf("adamw", learningRate),
    apply(block, state, rate) {
      applyMoments(block, state, read);
      addParameters(decaying(block), weightDecay);
      scaleUpdates(block, -rate);
    },
  });
}

const ADAMW: Rules<AdamwOptions> = { ...ADAM, weightDecay: float(), mask: anything };

/** updates = updates / (sqrt(v) + epsilon) with v = keep v + add updates^2: Adam's kernel without a first moment. */
function divideByRoot(block: ParameterBlock, square: Slot, keep: number, add: number, epsilon: number): void {
  const { kernels } = block.runtime;
  block.pass((offset, length, g) => {
    kernels.adam(length, 0, 1, keep, add, 1, 1, epsilon, g, square.pointer + offset * 4, g); // m = g: stored in place
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
  checkSchedule("rmsprop", "learningRate", learningRate);
  const read = readOptions("rmsprop", options, RMSPROP);
  const { decay = 0.99, epsilon = 1e-8, momentum = 0, centered = false } = read;
  const extra = `${momentum ? `, momentum=${momentum}` : ""}${centered ? ", centered" : ""}`;
  return asking<number>({
    description: `rmsprop(${describe(learningRate)}, decay=${decay}, epsilon=${epsilon}${extra})`,
    kind: "update",
    init: (block): TransformState => ({
      square: block.allocateSlot(),
      ...(centered ? { mean: block.allocateSlot() } : {}),
      ...(momentum ? { momentum: block.allocateSlot() } : {}),
    }),
    ask: rateOf("rmsprop", learningRate),
    apply(block, state, rate) {
      const square = state.square as Slot;
      if (centered) {
        const mean = state.mean as Slot;
        const { kernels } = block.runtime;
        block.pass((offset, length, g) => {
          const at = offset * 4;
          kernels.centeredRms(length, decay, 1 - decay, epsilon, mean.pointer + at, square.pointer + at, g);
        });
      } else divideByRoot(block, square, decay, 1 - decay, epsilon);
      if (momentum) applyMomentum(block, state.momentum as Slot, momentum, 1, false);
      scaleUpdates(block, -rate);
    },
  });
}

const RMSPROP: Rules<RmspropOptions> = { decay: share, epsilon: float(), momentum: share, centered: flag };

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
  checkSchedule("adagrad", "learningRate", learningRate);
  const { epsilon = 1e-10, initial = 0 } = readOptions("adagrad", options, ADAGRAD);
  return asking<number>({
    description: `adagrad(${describe(learningRate)}, epsilon=${epsilon}, initial=${initial})`,
    kind: "update",
    init(block): TransformState {
      const sum = block.allocateSlot();
      sum.data.fill(initial);
      return { sum };
    },
    ask: rateOf("adagrad", learningRate),
    apply(block, state, rate) {
      divideByRoot(block, state.sum as Slot, 1, 1, epsilon);
      scaleUpdates(block, -rate);
    },
  });
}

const ADAGRAD: Rules<AdagradOptions> = { epsilon: float(), initial: float() };
