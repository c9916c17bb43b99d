// Schedules: functions of the update count t, made of deterministic arithmetic so that every engine sees the same bits.
import { checkInteger, checkNumber } from "../base/errors.js";
import { cos, pow } from "../core/random.js";
import { type Schedule, valueAt } from "./transform.js";

type ScheduleFunction = (t: number) => number;

const positive = (owner: string, name: string, value: number): void =>
  checkNumber(owner, name, value, ">= 0", (v) => v >= 0);

/** `value` at every t. */
export function constant(value: number): ScheduleFunction {
  positive("constant", "value", value);
  return () => value;
}

/** `value` times `factor` for every `every` updates done. Example: `stepDecay(0.01, { every: 1000, factor: 0.5 })` */
export function stepDecay(value: number, { every, factor }: { every: number; factor: number }): ScheduleFunction {
  positive("stepDecay", "value", value);
  checkInteger("stepDecay", "every", every, 1);
  positive("stepDecay", "factor", factor);
  return (t) => value * pow(factor, Math.floor(t / every));
}

/** value rate^(t / every). Example: `exponentialDecay(0.1, { every: 1000, rate: 0.9 })` */
export function exponentialDecay(value: number, { every, rate }: { every: number; rate: number }): ScheduleFunction {
  positive("exponentialDecay", "value", value);
  checkNumber("exponentialDecay", "every", every, "> 0", (v) => v > 0);
  checkNumber("exponentialDecay", "rate", rate, "> 0", (v) => v > 0);
  return (t) => value * pow(rate, t / every);
}

/** Half a cosine from `value` down to `floor` over `steps` updates, then `floor`. Source: Loshchilov & Hutter 2017. */
export function cosine(value: number, { steps, floor = 0 }: { steps: number; floor?: number }): ScheduleFunction {
  positive("cosine", "value", value);
  checkInteger("cosine", "steps", steps, 1);
  positive("cosine", "floor", floor);
  return (t) => (t >= steps ? floor : floor + (value - floor) * 0.5 * (1 + cos((Math.PI * t) / steps)));
}

/** Rises in a line from value / steps to the value of `after` over `steps` updates, then is `after`, counted from there. */
export function warmUp(steps: number, after: Schedule): ScheduleFunction {
  checkInteger("warmUp", "steps", steps, 1);
  const full = valueAt("warmUp", "after", after, 0);
  return (t) => (t < steps ? (full * (t + 1)) / steps : valueAt("warmUp", "after", after, t - steps));
}

/** Constant until `from`, then in a line down to `floor` at `steps`. Example: `linearDecay(0.1, { from: 4000, steps: 8000 })` */
export function linearDecay(
  value: number,
  { from = 0, steps, floor = 0 }: { from?: number; steps: number; floor?: number },
): ScheduleFunction {
  positive("linearDecay", "value", value);
  positive("linearDecay", "floor", floor);
  checkInteger("linearDecay", "steps", steps, 1);
  checkInteger("linearDecay", "from", from, 0);
  return (t) => (t <= from ? value : t >= steps ? floor : value + ((floor - value) * (t - from)) / (steps - from));
}
