// Noise scaled by the training error, which it hears from the metrics of every step, micro-batches too.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import { anything, func, integer, type Rules, readOptions } from "../base/options.js";
import { pow, STREAM } from "../core/random.js";
import { type Mask, withMask } from "./masks.js";
import { addNormals, drawing } from "./noise.js";
import { checkStd, nonNegative, seed, seedOf } from "./settings.js";
import { type GradientTransform, keep, type TransformState, taken, type UpdateContext } from "./transform.js";

/** How the noise follows the training error. */
export interface ErrorScaledNoiseOptions {
  /** Standard deviation of the first update's noise. There is no default. */
  readonly scale: number;
  /** Integer. There is no default: two runs with one seed see the same noise. */
  readonly seed: number;
  /**
   * The training error of this step, 0..1, from the metrics that the loss returned; it counts from the next update on.
   * Null where this step is not to count. What it reads beside the metrics is no part of a checkpoint.
   */
  readonly error: (metrics: { readonly [name: string]: number }) => number | null;
  /**
   * The mean of the errors of so many updates is taken, and stands until there are as many new ones; 1 by default, originally
   * 200. Under `accumulate` the error of an update is the mean of its micro-batches'.
   */
  readonly every?: number;
  /** How much error is forgiven: no noise at or below it; 0.02 by default. */
  readonly tolerance?: number;
  /** How fast the variance falls, 0.55 by default. */
  readonly gamma?: number;
  /** Only these parameters get noise. */
  readonly mask?: Mask;
}

const OPTIONS: Rules<ErrorScaledNoiseOptions> = {
  scale: nonNegative,
  seed,
  error: func("a function of the metrics"),
  every: integer(1),
  tolerance: nonNegative,
  gamma: nonNegative,
  mask: anything,
};

interface Heard {
  /** Factor of the variance. */
  excess: number;
  /** Sum and count of the errors of updates since `excess` was set. */
  sum: number;
  count: number;
  /** Sum and count of the errors of micro-batches since the last update. */
  heard: number;
  steps: number;
}

/**
 * Adds noise of variance scale^2 max(0, error - tolerance) / (1 + t)^gamma, the error being that of the updates before: it
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
  const read = readOptions(owner, options, OPTIONS);
  const { scale, error, every = 1, tolerance = 0.02, gamma = 0.55, mask } = read;
  const key = seedOf(owner, read.seed);
  if (error === undefined) func("a function of the metrics")(owner, "error", error);
  checkNumber(owner, "scale", scale, ">= 0", (v) => v >= 0);
  checkStd(owner, "scale", scale, scale);
  checkInteger(owner, "every", every, 1);
  const ask = ({ t, metrics }: UpdateContext): { readonly error: number | null } => {
    const value = error(metrics ?? {});
    if (value !== null && !(typeof value === "number" && value >= 0 && scale * Math.sqrt(value) <= 1e19))
      throw new RangeError(
        `${owner}: "error" at t = ${t} expected a number >= 0 or null, got ${show(value)}. Return it among the metrics of the loss`,
      );
    return { error: value };
  };
  const hear = (state: TransformState, context: UpdateContext): Heard => {
    const { error } = (taken(state) as { error: number | null } | undefined) ?? ask(context);
    const own = state as unknown as Heard;
    if (error !== null) {
      own.heard += error;
      own.steps++;
    }
    return own;
  };
  const noise: GradientTransform = {
    description: `${owner}(scale=${scale}, gamma=${gamma}, every=${every}, tolerance=${tolerance}, seed=${read.seed})`,
    kind: "noise",
    init: (block) =>
      drawing(block, STREAM.noise, key, { excess: 1, sum: 0, count: 0, heard: 0, steps: 0 } satisfies Heard),
    prepare(state, context): undefined {
      keep(state, ask(context));
    },
    observe(state, context) {
      hear(state, context);
    },
    update(block, state, context): undefined {
      const own = hear(state, context);
      const { t } = context;
      const std = Math.fround(scale * Math.sqrt(own.excess / pow(1 + t, gamma)));
      addNormals(block, state, key, t, STREAM.noise, std);
      if (own.steps === 0) return;
      own.sum += own.heard / own.steps;
      own.heard = own.steps = 0;
      if (++own.count < every) return;
      own.excess = Math.max(0, own.sum / every - tolerance);
      own.sum = own.count = 0;
    },
  };
  return withMask(owner, noise, mask);
}
