// Settings of transforms: numbers that the kernels see as float32, schedules of the update count t, seeds. A number that is
// another thing as float32 (0, 1 or Infinity) is refused where it is given.
import { checkNumber, isPlain, show } from "../base/errors.js";
import { number, type Rule } from "../base/options.js";
import { type Key, seedWords } from "../core/random.js";
import { showTransform } from "./transform.js";

/** A function of the update count t; its description, where it has one, is what a checkpoint compares. */
export interface ScheduleFunction {
  (t: number): number;
  /** What it is, with its settings. */
  readonly description?: string;
}

/** A number, or a function of the update count t. */
export type Schedule = number | ScheduleFunction;

const notNegative = (v: number): boolean => v >= 0;

/** Throws unless `value` is a number for which `holds`, as float32 too; `rule` completes "expected a number ...". */
export function checkFloat(owner: string, name: string, value: unknown, rule = ">= 0", holds = notNegative): void {
  checkNumber(owner, name, value, rule, holds);
  const seen = Math.fround(value);
  if (!Number.isFinite(seen) || !holds(seen) || (seen === 0 && value !== 0))
    throw new RangeError(
      `${owner}: "${name}" expected a number ${rule}, got ${value}, which the kernels see as ${seen}: they compute in float32`,
    );
}

/** The rule of an option that is a float32. */
export const float =
  (rule = ">= 0", holds = notNegative): Rule =>
  (owner, name, value) => {
    checkFloat(owner, name, value, rule, holds);
    return value;
  };

/** A number >= 0 that is no float of a kernel. */
export const nonNegative: Rule = number(">= 0", notNegative);

/** What a running mean keeps of itself: below 1, as float32 too, or it would never forget. */
export const share: Rule = (owner, name, value) =>
  float(`in 0 <= ${name} < 1`, (v) => v >= 0 && v < 1)(owner, name, value);

/** Throws where options were given in place of the first argument, with the call that is meant. */
export function checkFirst(owner: string, name: string, value: unknown): void {
  if (!isPlain(value) || typeof value.update === "function") return;
  const own = value[name];
  const rest = Object.keys(value).filter((key) => key !== name);
  throw new TypeError(
    `${owner}: "${name}" is the first argument, got ${show(value)}. Write ${owner}(${typeof own === "number" ? own : name}${
      own !== undefined && rest.length > 0 ? `, { ${rest.join(", ")} }` : ""
    })`,
  );
}

/** Throws where there are more arguments than a function takes: what is left over would do nothing. */
export function checkNoMore(owner: string, rest: readonly unknown[], wayOut: string): void {
  if (rest.length > 0) throw new TypeError(`${owner}: there is no argument for ${showTransform(rest[0])}. ${wayOut}`);
}

/** Throws unless `schedule` is a float32 >= 0 or a function. */
export function checkSchedule(owner: string, name: string, schedule: Schedule): void {
  if (typeof schedule === "function") return;
  checkFirst(owner, name, schedule);
  checkFloat(owner, name, schedule, ">= 0, or a function of t");
}

/** As `checkSchedule`, for an option. */
export const schedule: Rule = (owner, name, value) => {
  if (typeof value !== "function") checkFloat(owner, name, value);
  return value;
};

/** The schedule's value at t. Throws RangeError naming owner, name and t where it is negative or no finite float32. */
export function valueAt(owner: string, name: string, schedule: Schedule, t: number): number {
  const value = typeof schedule === "function" ? schedule(t) : schedule;
  const finite = typeof value === "number" && Number.isFinite(value);
  if (finite && value >= 0 && Math.fround(value) < Number.POSITIVE_INFINITY) return value;
  throw new RangeError(
    `${owner}: "${name}" at t = ${t} expected a ${finite ? "number >= 0" : "finite number"}, got ${show(value)}${
      finite && value > 0 ? ", which is Infinity as float32" : ""
    }`,
  );
}

/** A schedule as a description shows it: in full, but for a function of the user's own. */
export const describe = (schedule: Schedule): string =>
  typeof schedule === "function" ? (schedule.description ?? "schedule") : String(schedule);

/** The key of a transform's seed, which has no default. */
export function seedOf(owner: string, seed: number): Key {
  if (seed === undefined)
    throw new TypeError(`${owner}: "seed" is missing; give an integer, so that the run can be repeated`);
  return seedWords(owner, seed);
}

/** The rule of a seed. */
export const seed: Rule = (owner, _, value) => {
  seedWords(owner, value);
  return value;
};

/** Throws unless a noise's std can be drawn: the kernel squares it in float32. `name` and `value` are what it comes from. */
export function checkStd(owner: string, name: string, value: unknown, std: number, at = ""): void {
  if (std === 0 || (std >= 1e-36 && std <= 1e19)) return;
  throw new RangeError(
    `${owner}: "${name}"${at} expected ${name === "std" ? "" : "what makes "}a standard deviation of 0 or in 1e-36..1e19, got ${show(value)}`,
  );
}
