// Named optimizers without second moments: each turns the gradient into what is added to the parameters, learning rate
// and sign included; and the parts they are composed of.
import { anything, flag, type Rules, readOptions } from "../base/options.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { STREAM } from "../core/random.js";
import { type Mask, withMask } from "./masks.js";
import { addNormals, drawing } from "./noise.js";
import {
  checkFirst,
  checkSchedule,
  checkStd,
  describe,
  float,
  nonNegative,
  type Schedule,
  seed,
  seedOf,
  share,
  valueAt,
} from "./settings.js";
import { asking, type GradientTransform, scaleUpdates, type TransformState } from "./transform.js";

/** Options of a momentum. */
export interface MomentumOptions {
  /** Nesterov's form of momentum. */
  readonly nesterov?: boolean;
  /** The gradient enters the momentum times 1 - dampening; 0 by default. */
  readonly dampening?: number;
}

/** Options of SGD: its momentum. */
export interface SgdOptions extends MomentumOptions {
  /** 0 by default: plain SGD. */
  readonly momentum?: number;
}

const MOMENTUM: Rules<MomentumOptions> = {
  nesterov: flag,
  dampening: float("in 0 <= dampening <= 1", (v) => v >= 0 && v <= 1),
};
const SGD: Rules<SgdOptions> = { momentum: share, ...MOMENTUM };

function checkNesterov(owner: string, name: string, momentum: number, options: MomentumOptions): void {
  const { nesterov = false, dampening = 0 } = options;
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new RangeError(
      `${owner}: "nesterov" needs a ${name} > 0 and no dampening, got ${name} ${momentum} and dampening ${dampening}`,
    );
}

const describeMomentum = ({ nesterov, dampening }: MomentumOptions): string =>
  `${nesterov ? ", nesterov" : ""}${dampening ? `, dampening=${dampening}` : ""}`;

/** m = momentum m + (1 - dampening) g in the slot, and the updates m or, with Nesterov, g + momentum m. */
export function applyMomentum(
  block: ParameterBlock,
  slot: Slot,
  momentum: number,
  keep: number,
  nesterov: boolean,
): void {
  const { kernels } = block.runtime;
  block.pass((offset, length, updates) =>
    kernels.momentum(length, momentum, keep, nesterov ? 1 : 0, slot.pointer + offset * 4, updates),
  );
}

/**
 * The updates become their momentum m = decay m + (1 - dampening) g: put it where SGD's would be, before the rate.
 *
 * Throws RangeError for a decay outside 0 <= decay < 1, or for Nesterov with dampening.
 * Example: `chain(momentum(0.9), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`, noise that no momentum carries on
 * Source: Sutskever et al. 2013, in the form of torch.optim.SGD: the first step sets m = g, whatever the dampening.
 */
export function momentum(decay: number, options: MomentumOptions = {}): GradientTransform {
  checkFirst("momentum", "decay", decay);
  share("momentum", "decay", decay);
  const read = readOptions("momentum", options, MOMENTUM);
  checkNesterov("momentum", "decay", decay, read);
  return momentumOf(decay, read);
}

function momentumOf(decay: number, options: MomentumOptions): GradientTransform {
  const { nesterov = false, dampening = 0 } = options;
  return {
    description: `momentum(${decay}${describeMomentum(options)})`,
    kind: "pass",
    init: (block): TransformState => ({ momentum: block.allocateSlot(), updates: 0 }),
    update(block, state) {
      const keep = state.updates === 0 ? 1 : Math.fround(1 - dampening);
      state.updates = (state.updates as number) + 1;
      applyMomentum(block, state.momentum as Slot, decay, keep, nesterov);
    },
  };
}

/**
 * Stochastic gradient descent: -learningRate g, with momentum m = momentum m + g where asked.
 *
 * Throws RangeError for a negative rate or a momentum outside 0 <= momentum < 1.
 * Example: `sgd(0.1)`; `sgd(0.01, { momentum: 0.9, nesterov: true })`
 * Source: Sutskever et al. 2013, in the form of torch.optim.SGD: the first step sets m = g, whatever the dampening.
 */
export function sgd(learningRate: Schedule, options: SgdOptions = {}): GradientTransform {
  checkSchedule("sgd", "learningRate", learningRate);
  const { momentum: decay = 0, ...read } = readOptions("sgd", options, SGD);
  checkNesterov("sgd", "momentum", decay, read);
  const inner = decay === 0 ? undefined : momentumOf(decay, read);
  return asking<number>({
    description: `sgd(${describe(learningRate)}${inner ? `, momentum=${decay}${describeMomentum(read)}` : ""})`,
    kind: "update",
    init: (block) => inner?.init(block) ?? {},
    ask: ({ t }) => valueAt("sgd", "learningRate", learningRate, t),
    apply(block, state, rate, context) {
      inner?.update(block, state, context);
      scaleUpdates(block, -rate);
    },
  });
}

/** updates += factor parameters. */
export function addParameters(block: ParameterBlock, factor: number): void {
  const { kernels } = block.runtime;
  block.pass((offset, length, updates) => kernels.addScaled(length, block.valuesPointer + offset * 4, factor, updates));
}

/**
 * Adds rate times the parameters to the updates: the gradient of rate / 2 |w|^2. Before an optimizer it is L2
 * regularisation, as weight_decay of torch.optim.SGD; for the decoupled form see `adamw`.
 *
 * Throws RangeError for a negative rate, and what the mask throws.
 * Example: `chain(weightDecay(1e-4, { mask: "**.weight" }), sgd(0.1, { momentum: 0.9 }))`
 * Source: Krogh & Hertz 1992, equation 2.
 */
export function weightDecay(rate: Schedule, options: { readonly mask?: Mask } = {}): GradientTransform {
  checkSchedule("weightDecay", "rate", rate);
  const { mask } = readOptions("weightDecay", options, { mask: anything });
  const decay = asking<number>({
    description: `weightDecay(${describe(rate)})`,
    kind: "decay",
    init: () => ({}),
    ask: ({ t }) => valueAt("weightDecay", "rate", rate, t),
    apply: (block, _, value) => addParameters(block, value),
  });
  return withMask("weightDecay", decay, mask);
}

/** Options of Langevin dynamics. */
export interface SgldOptions {
  /** Integer. There is no default: two runs with one seed see the same noise. */
  readonly seed: number;
  /** Variance of the noise by step size: 1 samples exp(-loss), 1 / n samples exp(-n loss). 1 by default. */
  readonly temperature?: number;
}

/**
 * Stochastic gradient Langevin dynamics: -stepSize / 2 g + N(0, stepSize). With falling steps (`powerDecay`) the
 * parameters become samples of exp(-loss): the loss is the negative log posterior, summed over all n examples. Where it is
 * the mean over examples, take a temperature of 1 / n. This is noise on the parameters; the paper's, `addNoise`, is not.
 *
 * Throws RangeError for a negative step or temperature or a seed that is no integer >= 0, TypeError for a missing seed.
 * Example: `sgld(powerDecay(1e-3, { offset: 10, power: 0.55 }), { seed: 1, temperature: 1 / 60000 })`
 * Source: Welling & Teh 2011, equation 4.
 */
export function sgld(stepSize: Schedule, options: SgldOptions): GradientTransform {
  checkSchedule("sgld", "stepSize", stepSize);
  const { seed: own, temperature = 1 } = readOptions("sgld", options, SGLD);
  const key = seedOf("sgld", own);
  const stdOf = (step: number): number => Math.fround(Math.sqrt(step * temperature));
  if (typeof stepSize === "number") checkStd("sgld", "temperature", temperature, stdOf(stepSize));
  return asking<number>({
    description: `sgld(${describe(stepSize)}, temperature=${temperature}, seed=${own})`,
    kind: "movingUpdate",
    init: (block) => drawing(block, STREAM.langevin, key),
    ask({ t }) {
      const step = valueAt("sgld", "stepSize", stepSize, t);
      if (stdOf(step) > 1e19) checkStd("sgld", "stepSize", step, stdOf(step), ` at t = ${t}`);
      return step;
    },
    apply(block, state, step, { t }) {
      scaleUpdates(block, -step / 2);
      addNormals(block, state, key, t, STREAM.langevin, stdOf(step));
    },
  });
}

const SGLD: Rules<SgldOptions> = { seed, temperature: nonNegative };
