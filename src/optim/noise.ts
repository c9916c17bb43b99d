// Gaussian noise on the updates: annealed as in the paper, anticorrelated, or scaled by the training error.
// The draw for element i at update t is a pure function of (seed, stream, t, i), i its offset in the parameter block.
// Annealed: g + N(0, sigma_t^2), sigma_t^2 = eta / (1 + t)^gamma, a variance.
// Source: Neelakantan et al. 2015, arXiv 1511.06807, equation 1.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import type { ParameterBlock } from "../core/parameter-block.js";
import { type Key, pow, STREAM, seedWords } from "../core/random.js";
import { type Mask, withMask } from "./masks.js";
import {
  describe,
  type GradientTransform,
  type Schedule,
  scaleUpdates,
  type UpdateContext,
  valueAt,
} from "./transform.js";

/** How strong a noise is, from which seed, and on which parameters. */
export interface NoiseOptions {
  /** Variance of the first update's noise, >= 0. There is no default: the paper uses 0.01, 0.3 and 1. */
  readonly eta?: number;
  /** How fast the variance falls, 0.55 by default; 0 keeps it. */
  readonly gamma?: number;
  /** A standard deviation of one's own instead of eta and gamma: a number, or a function of t. */
  readonly std?: Schedule;
  /** Integer. There is no default: two runs with one seed see the same noise. */
  readonly seed: number;
  /** Only these parameters get noise. */
  readonly mask?: Mask;
}

/**
 * The standard deviation sqrt(eta / (1 + t)^gamma) as the float32 that the kernel uses.
 * Throws nothing; of a negative eta it is NaN. Example: `noiseStd(0.01, 0.55, 1000)`
 * Source: Neelakantan et al. 2015, arXiv 1511.06807, equation 1.
 */
export function noiseStd(eta: number, gamma: number, t: number): number {
  return Math.fround(Math.sqrt(eta / pow(1 + t, gamma)));
}

/** The key of a transform's seed, which has no default. */
export function seedOf(owner: string, seed: number): Key {
  if (seed === undefined)
    throw new TypeError(`${owner}: "seed" is missing; give an integer, so that the run can be repeated`);
  return seedWords(owner, seed);
}

/** `value` where it is >= 0. Throws RangeError naming t. */
export function nonNegative(owner: string, name: string, value: number, t: number): number {
  if (value < 0) throw new RangeError(`${owner}: "${name}" at t = ${t} expected a number >= 0, got ${value}`);
  return value;
}

/** updates += std N(0, 1), the draws of (key, t, stream). */
export function addNormals(block: ParameterBlock, key: Key, t: number, stream: number, std: number): void {
  if (std === 0) return;
  const { kernels } = block.runtime;
  block.each((offset, length) =>
    kernels.addNormal(length, key.low, key.high, t, stream, offset, std, block.updatesPointer + offset * 4),
  );
}

/** The options that noises share: the key, the std by t, and the words of a description. */
function readNoise(owner: string, options: NoiseOptions): { key: Key; stdAt: (t: number) => number; settings: string } {
  const { eta, gamma = 0.55, std, seed } = options ?? {};
  const key = seedOf(owner, seed);
  if (std === undefined) {
    if (eta === undefined) throw new TypeError(`${owner}: "eta" is missing; the paper uses 0.01, 0.3 or 1`);
    checkNumber(owner, "eta", eta, ">= 0", (v) => v >= 0);
    checkNumber(owner, "gamma", gamma, ">= 0", (v) => v >= 0);
    return { key, stdAt: (t) => noiseStd(eta, gamma, t), settings: `eta=${eta}, gamma=${gamma}, seed=${seed}` };
  }
  if (eta !== undefined) throw new TypeError(`${owner}: give either "eta" or "std", not both`);
  if (typeof std === "number") checkNumber(owner, "std", std, ">= 0", (v) => v >= 0);
  return {
    key,
    stdAt: (t) => nonNegative(owner, "std", valueAt(owner, "std", std, t), t),
    settings: `std=${describe(std)}, seed=${seed}`,
  };
}

/**
 * Adds annealed Gaussian noise to the updates. Put it after clipping and before the learning rate.
 *
 * Throws RangeError for a negative eta or gamma or a seed that is no integer >= 0, TypeError where eta or seed is missing.
 * Example: `chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`
 * Source: Neelakantan et al. 2015, equation 1.
 */
export function addNoise(options: NoiseOptions): GradientTransform {
  const { key, stdAt, settings } = readNoise("addNoise", options);
  const noise: GradientTransform = {
    description: `addNoise(${settings})`,
    init: () => ({}),
    update(block, _, { t }) {
      addNormals(block, key, t, STREAM.noise, stdAt(t));
    },
  };
  return withMask("addNoise", noise, options.mask);
}

/**
 * Adds xi_(t+1) - xi_t to the updates, xi_t = N(0, std_t^2): what one update adds the next takes back, so that after any
 * number of updates the parameters are off by one draw and not by the sum of all. Behind the optimizer it perturbs the
 * parameters (Anti-PGD, whose std is of their scale); before it, the gradient. Both draws are functions of (seed, t):
 * nothing is kept from step to step. Inside `accumulate`, not behind it, where some t are left out.
 *
 * Throws RangeError for a negative eta, gamma or std or a seed that is no integer >= 0, TypeError where one is missing.
 * Example: `chain(sgd(0.1), anticorrelatedNoise({ std: 0.01, seed: 1 }))`
 * Source: Orvieto, Kersting, Proske, Bach & Lucchi 2022, arXiv 2202.02831, Anti-PGD.
 */
export function anticorrelatedNoise(options: NoiseOptions): GradientTransform {
  const { key, stdAt, settings } = readNoise("anticorrelatedNoise", options);
  const noise: GradientTransform = {
    description: `anticorrelatedNoise(${settings})`,
    init: () => ({}),
    update(block, _, { t }) {
      const [old, fresh] = [stdAt(t), stdAt(t + 1)];
      if (old !== 0) {
        // u - xi = -(-u + xi): exact, and the kernel adds
        scaleUpdates(block, -1);
        addNormals(block, key, t, STREAM.anticorrelated, old);
        scaleUpdates(block, -1);
      }
      addNormals(block, key, t + 1, STREAM.anticorrelated, fresh);
    },
  };
  return withMask("anticorrelatedNoise", noise, options.mask);
}

/** How the noise follows the training error. */
export interface ErrorScaledNoiseOptions {
  /** Standard deviation of the first update's noise. There is no default. */
  readonly scale: number;
  /** Integer. There is no default: two runs with one seed see the same noise. */
  readonly seed: number;
  /**
   * The training error of this step, 0..1, from the metrics that the loss returned; it counts from the next step on.
   * Null where this step is not to count. What it reads beside the metrics is no part of a checkpoint.
   */
  readonly error: (metrics: { readonly [name: string]: number }) => number | null;
  /** The mean of so many errors is taken, and stands until there are as many new ones; 1 by default, originally 200. */
  readonly every?: number;
  /** How much error is forgiven: no noise at or below it; 0.02 by default. */
  readonly tolerance?: number;
  /** How fast the variance falls, 0.55 by default. */
  readonly gamma?: number;
  /** Only these parameters get noise. */
  readonly mask?: Mask;
}

/**
 * Adds noise of variance scale^2 max(0, error - tolerance) / (1 + t)^gamma, the error being that of the steps before: it
 * fades as training succeeds. Until a first error is known the factor is 1. The original draws a normal cut off at two
 * standard deviations (and by a slip never adds it); ours is not cut off: for the same variance take 0.88 of its scale.
 *
 * Throws RangeError for a negative setting, a seed that is no integer >= 0 or an error that is no number >= 0, TypeError
 * for a missing seed or error.
 * Example: `chain(clipByGlobalNorm(1), errorScaledNoise({ scale: 0.1, seed: 1, error: ({ error }) => error }), adam(1e-3))`
 * Source: neural_gpu_trainer.py of Kaiser & Sutskever's Neural GPU (arXiv 1511.08228).
 */
export function errorScaledNoise(options: ErrorScaledNoiseOptions): GradientTransform {
  const owner = "errorScaledNoise";
  const { scale, seed, error, every = 1, tolerance = 0.02, gamma = 0.55, mask } = options;
  const key = seedOf(owner, seed);
  if (typeof error !== "function")
    throw new TypeError(`${owner}: "error" expected a function of the metrics, got ${show(error)}`);
  checkNumber(owner, "scale", scale, ">= 0", (v) => v >= 0);
  checkInteger(owner, "every", every, 1);
  checkNumber(owner, "tolerance", tolerance, ">= 0", (v) => v >= 0);
  checkNumber(owner, "gamma", gamma, ">= 0", (v) => v >= 0);
  const read = ({ t, metrics }: UpdateContext): number | null => {
    const value = error(metrics ?? {});
    if (value !== null && !(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new RangeError(
        `${owner}: "error" at t = ${t} expected a number >= 0 or null, got ${show(value)}. Return it among the metrics of the loss`,
      );
    return value;
  };
  const noise: GradientTransform = {
    description: `${owner}(scale=${scale}, gamma=${gamma}, every=${every}, tolerance=${tolerance}, seed=${seed})`,
    init: () => ({ excess: 1, sum: 0, count: 0 }),
    update(block, state, context) {
      const current = read(context);
      const { t } = context;
      const own = state as { excess: number; sum: number; count: number };
      addNormals(block, key, t, STREAM.noise, Math.fround(scale * Math.sqrt(own.excess / pow(1 + t, gamma))));
      if (current === null) return;
      own.sum += current;
      if (++own.count < every) return;
      own.excess = Math.max(0, own.sum / every - tolerance);
      own.sum = own.count = 0;
    },
  };
  return withMask(owner, noise, mask);
}
