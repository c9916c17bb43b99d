// Annealed gradient noise: g + N(0, sigma_t^2), sigma_t^2 = eta / (1 + t)^gamma, a variance.
// The draw for element i at update t is a pure function of (seed, stream, t, i), i its offset in the parameter block.
// Source: Neelakantan et al. 2015, arXiv 1511.06807, equation 1.
import { checkNumber } from "../base/errors.js";
import { pow, STREAM, seedWords } from "../core/random.js";
import {
  describe,
  describeMask,
  type GradientTransform,
  type Mask,
  masked,
  type Schedule,
  valueAt,
} from "./transform.js";

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

/** The standard deviation sqrt(eta / (1 + t)^gamma) as the float32 that the kernel uses. */
export function noiseStd(eta: number, gamma: number, t: number): number {
  return Math.fround(Math.sqrt(eta / pow(1 + t, gamma)));
}

/**
 * Adds annealed Gaussian noise to the updates. Put it after clipping and before the learning rate.
 *
 * Throws RangeError for a negative eta or gamma or a seed that is no integer >= 0, TypeError where eta or seed is missing.
 * Example: `chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`
 * Source: Neelakantan et al. 2015, equation 1.
 */
export function addNoise(options: NoiseOptions): GradientTransform {
  const { eta, gamma = 0.55, std, seed, mask } = options;
  if (seed === undefined)
    throw new TypeError('addNoise: "seed" is missing; give an integer, so that the run can be repeated');
  const key = seedWords("addNoise", seed);
  if (std === undefined) {
    if (eta === undefined) throw new TypeError('addNoise: "eta" is missing; the paper uses 0.01, 0.3 or 1');
    checkNumber("addNoise", "eta", eta, ">= 0", (v) => v >= 0);
    checkNumber("addNoise", "gamma", gamma, ">= 0", (v) => v >= 0);
  } else {
    if (eta !== undefined) throw new TypeError('addNoise: give either "eta" or "std", not both');
    if (typeof std === "number") checkNumber("addNoise", "std", std, ">= 0", (v) => v >= 0);
  }
  const noise: GradientTransform = {
    description:
      std === undefined
        ? `addNoise(eta=${eta}, gamma=${gamma}, seed=${seed})`
        : `addNoise(std=${describe(std)}, seed=${seed})`,
    init: () => ({}),
    update(block, _, { t }) {
      const sigma = std === undefined ? noiseStd(eta!, gamma, t) : valueAt("addNoise", "std", std, t);
      if (sigma === 0) return;
      if (sigma < 0) throw new RangeError(`addNoise: "std" at t = ${t} expected a number >= 0, got ${sigma}`);
      const { kernels } = block.runtime;
      block.each((offset, length) =>
        kernels.addNormal(length, key.low, key.high, t, STREAM.noise, offset, sigma, block.updatesPointer + offset * 4),
      );
    },
  };
  return mask === undefined
    ? noise
    : { ...masked(noise, mask), description: `${noise.description} masked to ${describeMask(mask)}` };
}
