// Schedules: functions of the update count t, made of deterministic arithmetic so that every engine sees the same bits.
// Each carries its description, so that a checkpoint refuses a run with another.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import { integer, number, type Rule, type Rules, readOptions } from "../base/options.js";
import { cos, pow } from "../core/random.js";
import {
  checkFirst,
  checkFloat,
  checkSchedule,
  describe,
  float,
  nonNegative,
  type Schedule,
  type ScheduleFunction,
  valueAt,
} from "./settings.js";

/** The value that a schedule starts at. */
function checkValue(owner: string, value: number): void {
  checkFirst(owner, "value", value);
  checkFloat(owner, "value", value);
}

const above0: Rule = number("> 0", (v) => v > 0);

/** Throws for what a schedule cannot do without. */
function need(owner: string, options: object, name: string, what: string): void {
  if ((options as Record<string, unknown>)[name] === undefined)
    throw new TypeError(`${owner}: "${name}" is missing; give ${what}`);
}

/** Throws where a decay would rise. */
function checkFloor(owner: string, value: number, floor: number): void {
  checkNumber(owner, "floor", floor, `in 0..${value}, the value`, (v) => v <= value);
}

const described = (description: string, f: (t: number) => number): ScheduleFunction =>
  Object.assign(f, { description });

/** `value` at every t. Throws RangeError for a negative value. Example: `constant(0.1)` */
export function constant(value: number): ScheduleFunction {
  checkValue("constant", value);
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
  options: { readonly every?: number; readonly at?: readonly number[]; readonly factor: number },
): ScheduleFunction {
  checkValue("stepDecay", value);
  const { every, at, factor } = readOptions("stepDecay", options, {
    every: integer(1),
    at: rising,
    factor: nonNegative,
  });
  if ((every === undefined) === (at === undefined)) throw new TypeError('stepDecay: give either "every" or "at"');
  need("stepDecay", { factor }, "factor", "what the value is multiplied by");
  if (at)
    return described(`stepDecay(${value}, at=[${at.join(", ")}], factor=${factor})`, (t) => {
      let reached = 0;
      while (reached < at.length && at[reached] <= t) reached++;
      return value * pow(factor, reached);
    });
  return described(
    `stepDecay(${value}, every=${every}, factor=${factor})`,
    (t) => value * pow(factor, Math.floor(t / (every as number))),
  );
}

/**
 * value rate^(t / every).
 *
 * Throws RangeError for a negative value, or an `every` or rate not above 0.
 * Example: `exponentialDecay(0.1, { every: 1000, rate: 0.9 })`. Source: optax.exponential_decay.
 */
export function exponentialDecay(
  value: number,
  options: { readonly every: number; readonly rate: number },
): ScheduleFunction {
  checkValue("exponentialDecay", value);
  const { every, rate } = readOptions("exponentialDecay", options, { every: above0, rate: above0 });
  need("exponentialDecay", { every }, "every", "the number of updates in which the value falls by the rate");
  need("exponentialDecay", { rate }, "rate", "what the value is multiplied by");
  return described(`exponentialDecay(${value}, every=${every}, rate=${rate})`, (t) => value * pow(rate, t / every));
}

/**
 * value (1 + t / offset)^-power: what Langevin dynamics asks for, with a power in 1/2..1.
 *
 * Throws RangeError for a negative value or power, or an offset not above 0.
 * Example: `sgld(powerDecay(1e-4, { offset: 100, power: 0.55 }), { seed: 1 })`
 * Source: Welling & Teh 2011, a (b + t)^-gamma with b = offset and a = value b^gamma.
 */
export function powerDecay(
  value: number,
  options: { readonly offset?: number; readonly power: number },
): ScheduleFunction {
  checkValue("powerDecay", value);
  const { offset = 1, power } = readOptions("powerDecay", options, { offset: above0, power: nonNegative });
  need("powerDecay", { power }, "power", "how fast the value falls");
  return described(`powerDecay(${value}, offset=${offset}, power=${power})`, (t) => value / pow(1 + t / offset, power));
}

/**
 * Half a cosine from `value` down to `floor` over `steps` updates, then `floor`.
 *
 * Throws RangeError for a negative value, a floor outside 0..value, or steps that are no integer >= 1.
 * Example: `cosine(0.1, { steps: 10000 })`; one cycle: `warmUp(1000, cosine(0.1, { steps: 9000 }))`
 * Source: Loshchilov & Hutter 2017, equation 5 without restarts; CosineAnnealingLR of torch.optim.lr_scheduler.
 */
export function cosine(value: number, options: { readonly steps: number; readonly floor?: number }): ScheduleFunction {
  checkValue("cosine", value);
  const { steps, floor = 0 } = readOptions("cosine", options, { steps: integer(1), floor: float() });
  need("cosine", { steps }, "steps", "the number of updates until the floor");
  checkFloor("cosine", value, floor);
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
  if (typeof steps === "function") throw new TypeError('warmUp: "steps" comes first. Write warmUp(1000, schedule)');
  checkFirst("warmUp", "steps", steps);
  checkInteger("warmUp", "steps", steps, 1);
  checkSchedule("warmUp", "after", after);
  return described(`warmUp(${steps}, ${describe(after)})`, (t) =>
    t < steps ? (valueAt("warmUp", "after", after, 0) * (t + 1)) / steps : valueAt("warmUp", "after", after, t - steps),
  );
}

/**
 * Constant until `from`, then in a line down to `floor` at `steps`.
 *
 * Throws RangeError for a negative value, a floor outside 0..value, counts that are no integers, or steps <= from.
 * Example: `linearDecay(0.1, { from: 4000, steps: 8000 })`
 */
export function linearDecay(
  value: number,
  options: { readonly from?: number; readonly steps: number; readonly floor?: number },
): ScheduleFunction {
  checkValue("linearDecay", value);
  const read = readOptions("linearDecay", options, LINE);
  const { from = 0, steps, floor = 0 } = read;
  need("linearDecay", read, "steps", "the count of updates at which the floor is reached");
  checkFloor("linearDecay", value, floor);
  if (steps <= from)
    throw new RangeError(
      `linearDecay: "steps" expected an integer > from, which is ${from}, got ${steps}: the count at which the floor is reached, not the length of the fall. Write { from: ${from}, steps: ${from + steps} }`,
    );
  return described(`linearDecay(${value}, from=${from}, steps=${steps}, floor=${floor})`, (t) =>
    t <= from ? value : t >= steps ? floor : value + ((floor - value) * (t - from)) / (steps - from),
  );
}

const LINE: Rules<{ from?: number; steps: number; floor?: number }> = {
  from: integer(0),
  steps: integer(1),
  floor: float(),
};

/**
 * One schedule after another: the next one begins, counted from its own 0, where t reaches the next of the counts `at`.
 *
 * Throws RangeError where `at` does not rise or its length is not that of the schedules less one.
 * Example: `join([constant(0.1), cosine(0.1, { steps: 500 })], [1000])`. Source: optax.join_schedules.
 */
export function join(schedules: readonly Schedule[], at: readonly number[]): ScheduleFunction {
  if (!Array.isArray(schedules))
    throw new TypeError(
      `join: "schedules" expected a list, got ${show(schedules)}. Write join([constant(0.1), cosine(0.1, { steps: 500 })], [1000])`,
    );
  const counts = rising("join", "at", at) as readonly number[];
  if (schedules.length !== counts.length + 1)
    throw new RangeError(
      `join: ${schedules.length} schedules need ${Math.max(0, schedules.length - 1)} counts, got ${counts.length}`,
    );
  const parts: Schedule[] = [...schedules];
  parts.forEach((part, i) => {
    checkSchedule("join", `schedules[${i}]`, part);
  });
  return described(`join([${parts.map(describe).join(", ")}], [${counts.join(", ")}])`, (t) => {
    let i = 0;
    while (i < counts.length && counts[i] <= t) i++;
    return valueAt("join", `schedules[${i}]`, parts[i], i === 0 ? t : t - counts[i - 1]);
  });
}

/** Counts that rise from above 0, copied. */
function rising(owner: string, name: string, counts: unknown): readonly number[] {
  const list =
    Array.isArray(counts) || ArrayBuffer.isView(counts) ? Array.from(counts as ArrayLike<number>) : undefined;
  if (!list)
    throw new TypeError(`${owner}: "${name}" expected a list of integers that rise from above 0, got ${show(counts)}`);
  if (!list.every((c, i) => Number.isSafeInteger(c) && c > (i === 0 ? 0 : list[i - 1])))
    throw new RangeError(`${owner}: "${name}" expected integers that rise from above 0, got ${show(list)}`);
  return Object.freeze(list);
}
