// Schedules: functions of the update count t, made of deterministic arithmetic so that every engine sees the same bits.
// Each carries its description, so that a checkpoint refuses a run with another.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import { cos, pow } from "../core/random.js";
import { describe, type Schedule, type ScheduleFunction, valueAt } from "./transform.js";

const positive = (owner: string, name: string, value: number): void =>
  checkNumber(owner, name, value, ">= 0", (v) => v >= 0);

const described = (description: string, f: (t: number) => number): ScheduleFunction =>
  Object.assign(f, { description });

/** `value` at every t. Throws RangeError for a negative value. Example: `constant(0.1)` */
export function constant(value: number): ScheduleFunction {
  positive("constant", "value", value);
  return described(`constant(${value})`, () => value);
}

/**
 * `value` times `factor` for every `every` updates done, or for every one of the counts `at` that t has reached.
 *
 * Throws RangeError for a negative value or factor, an `every` that is no integer >= 1, or an `at` that does not rise.
 * Example: `stepDecay(0.01, { every: 1000, factor: 0.5 })`; `stepDecay(0.1, { at: [30, 80], factor: 0.1 })`
 * Source: StepLR and MultiStepLR of torch.optim.lr_scheduler.
 */
export function stepDecay(
  value: number,
  { every, at, factor }: { every?: number; at?: readonly number[]; factor: number },
): ScheduleFunction {
  positive("stepDecay", "value", value);
  positive("stepDecay", "factor", factor);
  if ((every === undefined) === (at === undefined)) throw new TypeError('stepDecay: give either "every" or "at"');
  if (at) {
    checkRising("stepDecay", "at", at);
    const counts = [...at];
    return described(`stepDecay(${value}, at=[${counts.join(", ")}], factor=${factor})`, (t) => {
      let reached = 0;
      while (reached < counts.length && counts[reached] <= t) reached++;
      return value * pow(factor, reached);
    });
  }
  checkInteger("stepDecay", "every", every, 1);
  return described(
    `stepDecay(${value}, every=${every}, factor=${factor})`,
    (t) => value * pow(factor, Math.floor(t / every)),
  );
}

/**
 * value rate^(t / every).
 *
 * Throws RangeError for a negative value, or an `every` or rate not above 0.
 * Example: `exponentialDecay(0.1, { every: 1000, rate: 0.9 })`. Source: optax.exponential_decay.
 */
export function exponentialDecay(value: number, { every, rate }: { every: number; rate: number }): ScheduleFunction {
  positive("exponentialDecay", "value", value);
  checkNumber("exponentialDecay", "every", every, "> 0", (v) => v > 0);
  checkNumber("exponentialDecay", "rate", rate, "> 0", (v) => v > 0);
  return described(`exponentialDecay(${value}, every=${every}, rate=${rate})`, (t) => value * pow(rate, t / every));
}

/**
 * value (1 + t / offset)^-power: what Langevin dynamics asks for, with a power in 1/2..1.
 *
 * Throws RangeError for a negative value or power, or an offset not above 0.
 * Example: `sgld(powerDecay(1e-4, { offset: 100, power: 0.55 }), { seed: 1 })`
 * Source: Welling & Teh 2011, a (b + t)^-gamma with b = offset and a = value b^gamma.
 */
export function powerDecay(value: number, { offset = 1, power }: { offset?: number; power: number }): ScheduleFunction {
  positive("powerDecay", "value", value);
  checkNumber("powerDecay", "offset", offset, "> 0", (v) => v > 0);
  positive("powerDecay", "power", power);
  return described(`powerDecay(${value}, offset=${offset}, power=${power})`, (t) => value / pow(1 + t / offset, power));
}

/**
 * Half a cosine from `value` down to `floor` over `steps` updates, then `floor`.
 *
 * Throws RangeError for a negative value or floor, or steps that are no integer >= 1.
 * Example: `cosine(0.1, { steps: 10000 })`; one cycle: `warmUp(1000, cosine(0.1, { steps: 9000 }))`
 * Source: Loshchilov & Hutter 2017, equation 5 without restarts; CosineAnnealingLR of torch.optim.lr_scheduler.
 */
export function cosine(value: number, { steps, floor = 0 }: { steps: number; floor?: number }): ScheduleFunction {
  positive("cosine", "value", value);
  checkInteger("cosine", "steps", steps, 1);
  positive("cosine", "floor", floor);
  return described(`cosine(${value}, steps=${steps}, floor=${floor})`, (t) =>
    t >= steps ? floor : floor + (value - floor) * 0.5 * (1 + cos((Math.PI * t) / steps)),
  );
}

/**
 * Rises in a line from value / steps to the value of `after` over `steps` updates, then is `after`, counted from there.
 * No update is made at a rate of 0.
 *
 * Throws RangeError unless steps is an integer >= 1. Example: `adam(warmUp(1000, cosine(0.001, { steps: 9000 })))`
 */
export function warmUp(steps: number, after: Schedule): ScheduleFunction {
  checkInteger("warmUp", "steps", steps, 1);
  const full = valueAt("warmUp", "after", after, 0);
  return described(`warmUp(${steps}, ${describe(after)})`, (t) =>
    t < steps ? (full * (t + 1)) / steps : valueAt("warmUp", "after", after, t - steps),
  );
}

/**
 * Constant until `from`, then in a line down to `floor` at `steps`.
 *
 * Throws RangeError for a negative value or floor, or counts that are no integers.
 * Example: `linearDecay(0.1, { from: 4000, steps: 8000 })`
 */
export function linearDecay(
  value: number,
  { from = 0, steps, floor = 0 }: { from?: number; steps: number; floor?: number },
): ScheduleFunction {
  positive("linearDecay", "value", value);
  positive("linearDecay", "floor", floor);
  checkInteger("linearDecay", "steps", steps, 1);
  checkInteger("linearDecay", "from", from, 0);
  return described(`linearDecay(${value}, from=${from}, steps=${steps}, floor=${floor})`, (t) =>
    t <= from ? value : t >= steps ? floor : value + ((floor - value) * (t - from)) / (steps - from),
  );
}

/**
 * One schedule after another: the next one begins, counted from its own 0, where t reaches the next of the counts `at`.
 *
 * Throws RangeError where `at` does not rise or its length is not that of the schedules less one.
 * Example: `join([constant(0.1), cosine(0.1, { steps: 500 })], [1000])`. Source: optax.join_schedules.
 */
export function join(schedules: readonly Schedule[], at: readonly number[]): ScheduleFunction {
  checkRising("join", "at", at);
  if (schedules.length !== at.length + 1)
    throw new RangeError(`join: ${schedules.length} schedules need ${schedules.length - 1} counts, got ${at.length}`);
  const [parts, counts] = [[...schedules], [...at]];
  return described(`join([${parts.map(describe).join(", ")}], [${counts.join(", ")}])`, (t) => {
    let i = 0;
    while (i < counts.length && counts[i] <= t) i++;
    return valueAt("join", `schedules[${i}]`, parts[i], i === 0 ? t : t - counts[i - 1]);
  });
}

function checkRising(owner: string, name: string, counts: readonly number[]): void {
  if (!Array.isArray(counts) || !counts.every((c, i) => Number.isSafeInteger(c) && c > (i === 0 ? 0 : counts[i - 1])))
    throw new RangeError(`${owner}: "${name}" expected integers that rise from above 0, got ${show(counts)}`);
}
