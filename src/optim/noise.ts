// Gaussian noise on the updates: annealed as in the paper, or anticorrelated.
// The draw for element i at update t is a pure function of (seed, stream, t, i), i its offset in the parameter block; of
// noises of one seed on one element each has a stream of its own.
// Annealed: g + N(0, sigma_t^2), sigma_t^2 = eta / (1 + t)^gamma, a variance.
// Source: Neelakantan et al. 2015, arXiv 1511.06807, equation 1.
import { checkNumber } from "../base/errors.js";
import { anything, type Rules, readOptions } from "../base/options.js";
import type { ParameterBlock } from "../core/parameter-block.js";
import { type Key, pow, STREAM } from "../core/random.js";
import { type Mask, withMask } from "./masks.js";
import { checkStd, describe, nonNegative, type Schedule, schedule, seed, seedOf, valueAt } from "./settings.js";
import { asking, type GradientTransform, scaleUpdates, type TransformState } from "./transform.js";

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
 * Throws TypeError for what is no number, RangeError for one below 0. Example: `noiseStd(0.01, 0.55, 1000)`
 * Source: Neelakantan et al. 2015, arXiv 1511.06807, equation 1.
 */
export function noiseStd(eta: number, gamma: number, t: number): number {
  for (const [name, value] of Object.entries({ eta, gamma, t }))
    checkNumber("noiseStd", name, value, ">= 0", (v) => v >= 0);
  return annealed(eta, gamma, t);
}

const annealed = (eta: number, gamma: number, t: number): number => Math.fround(Math.sqrt(eta / pow(1 + t, gamma)));

/** Streams of one kind lie this far apart: the first noise of a seed has the stream's own id. */
const APART = 256;
const DRAWS = Symbol("number of the noise among those of its seed");

/** The state of a transform that draws from `stream`, with a stream for itself. */
export function drawing(block: ParameterBlock, stream: number, key: Key, state: TransformState = {}): TransformState {
  (state as { [DRAWS]?: number })[DRAWS] = block.claimDraws(stream, key.low, key.high);
  return state;
}

/** updates += std N(0, 1), the draws of (key, t, stream) that are the state's own. */
export function addNormals(
  block: ParameterBlock,
  state: TransformState,
  key: Key,
  t: number,
  stream: number,
  std: number,
): void {
  if (std === 0) return;
  const { kernels } = block.runtime;
  const own = stream + APART * ((state as { [DRAWS]?: number })[DRAWS] ?? 0);
  block.pass((offset, length, updates) => kernels.addNormal(length, key.low, key.high, t, own, offset, std, updates));
}

const NOISE: Rules<NoiseOptions> = {
  eta: nonNegative,
  gamma: nonNegative,
  std: schedule,
  seed,
  mask: anything,
};

interface Noise {
  readonly key: Key;
  readonly stdAt: (t: number) => number;
  readonly settings: string;
  readonly mask: Mask | undefined;
}

/** The options that noises share: the key, the std by t, and the words of a description. */
function readNoise(owner: string, options: NoiseOptions): Noise {
  const { eta, gamma = 0.55, std, seed, mask } = readOptions(owner, options, NOISE);
  const key = seedOf(owner, seed);
  if (std === undefined) {
    if (eta === undefined) throw new TypeError(`${owner}: "eta" is missing; the paper uses 0.01, 0.3 or 1`);
    checkStd(owner, "eta", eta, Math.sqrt(eta));
    return { key, mask, stdAt: (t) => annealed(eta, gamma, t), settings: `eta=${eta}, gamma=${gamma}, seed=${seed}` };
  }
  if (eta !== undefined) throw new TypeError(`${owner}: give either "eta" or "std", not both`);
  if (options.gamma !== undefined)
    throw new TypeError(`${owner}: "gamma" belongs to "eta" and does nothing to "std". Give either`);
  if (typeof std === "number") checkStd(owner, "std", std, std);
  return {
    key,
    mask,
    stdAt(t) {
      const value = valueAt(owner, "std", std, t);
      if (value > 1e19) checkStd(owner, "std", value, value, ` at t = ${t}`);
      return value;
    },
    settings: `std=${describe(std)}, seed=${seed}`,
  };
}

/**
 * Adds annealed Gaussian noise to the updates. Put it after clipping and before the learning rate. Where several noises of
 * one seed meet on an element, each draws from a stream of its own.
 *
 * Throws RangeError for a negative eta or gamma or a seed that is no integer >= 0, TypeError where eta or seed is missing.
 * Example: `chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`
 * Source: Neelakantan et al. 2015, equation 1.
 */
export function addNoise(options: NoiseOptions): GradientTransform {
  const { key, stdAt, settings, mask } = readNoise("addNoise", options);
  const noise = asking<number>({
    description: `addNoise(${settings})`,
    kind: "noise",
    init: (block) => drawing(block, STREAM.noise, key),
    ask: ({ t }) => stdAt(t),
    apply: (block, state, std, { t }) => addNormals(block, state, key, t, STREAM.noise, std),
  });
  return withMask("addNoise", noise, mask);
}

/**
 * Adds xi_(t+1) - xi_t to the updates, xi_t = N(0, std_t^2): what one update adds the next takes back, so that after any
 * number of updates the parameters are off by one draw and not by the sum of all. Behind the optimizer it perturbs the
 * parameters (Anti-PGD, whose std is of their scale); before it, the gradient. Both draws are functions of (seed, t):
 * nothing is kept from step to step.
 *
 * Throws RangeError for a negative eta, gamma or std or a seed that is no integer >= 0, TypeError where one is missing.
 * Example: `chain(sgd(0.1), anticorrelatedNoise({ std: 0.01, seed: 1 }))`
 * Source: Orvieto, Kersting, Proske, Bach & Lucchi 2022, arXiv 2202.02831, Anti-PGD.
 */
export function anticorrelatedNoise(options: NoiseOptions): GradientTransform {
  const { key, stdAt, settings, mask } = readNoise("anticorrelatedNoise", options);
  const noise = asking<readonly [number, number]>({
    description: `anticorrelatedNoise(${settings})`,
    kind: "noise",
    init: (block) => drawing(block, STREAM.anticorrelated, key),
    ask: ({ t }) => [stdAt(t), stdAt(t + 1)],
    apply(block, state, [old, fresh], { t }) {
      if (old !== 0) {
        // u - xi = -(-u + xi): exact, and the kernel adds
        scaleUpdates(block, -1);
        addNormals(block, state, key, t, STREAM.anticorrelated, old);
        scaleUpdates(block, -1);
      }
      addNormals(block, state, key, t + 1, STREAM.anticorrelated, fresh);
    },
  });
  return withMask("anticorrelatedNoise", noise, mask);
}
