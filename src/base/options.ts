// Options: the one way in which every function of the library reads them. A table of rules, a row per option, is all it
// takes: a name that is not in the table, or a value of another kind, is refused with a hint; what is read is a frozen copy.
import { checkInteger, checkNumber, kindOf, show, tagOf } from "./errors.js";

/** Checks one option and returns what is kept of it: itself, or a copy of what its owner might change later. */
export type Rule = (owner: string, name: string, value: any) => unknown;

/** A rule for every option of T: one that is forgotten is a type error. */
export type Rules<T> = { readonly [K in keyof Required<T>]: Rule };

/** A finite number; `rule` completes "expected a number ...". */
export const number =
  (rule = "that is finite", holds: (n: number) => boolean = () => true): Rule =>
  (owner, name, value) => {
    checkNumber(owner, name, value, rule, holds);
    return value;
  };

/** An integer >= least. */
export const integer =
  (least = 0): Rule =>
  (owner, name, value) => {
    checkInteger(owner, name, value, least);
    return value;
  };

/** true or false. */
export const flag: Rule = (owner, name, value) => {
  if (typeof value !== "boolean") throw new TypeError(`${owner}: "${name}" expected true or false, got ${show(value)}`);
  return value;
};

/** A text. */
export const text: Rule = (owner, name, value) => {
  if (typeof value !== "string") throw new TypeError(`${owner}: "${name}" expected a text, got ${show(value)}`);
  return value;
};

/** A function; `what` tells more of it. */
export const func =
  (what = "a function"): Rule =>
  (owner, name, value) => {
    if (typeof value !== "function") throw new TypeError(`${owner}: "${name}" expected ${what}, got ${show(value)}`);
    return value;
  };

/** One of some values. */
export const oneOf =
  (...known: readonly (string | number)[]): Rule =>
  (owner, name, value) => {
    if (!known.includes(value))
      throw new TypeError(`${owner}: "${name}" expected ${known.map(show).join(" or ")}, got ${show(value)}`);
    return value;
  };

/** Whatever it is: its reader checks it. */
export const anything: Rule = (_, __, value) => value;

/** A plain value that its owner may go on to change: arrays and objects are copied, the rest is kept. */
export const copied: Rule = (_, __, value) => copyOf(value);

/** A deep, frozen copy of arrays and objects of options; typed arrays, maps, tensors and functions as they are. */
export function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Object.isFrozen(value) && Object.values(value).every((child) => Object.isFrozen(child))) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(copyOf)) as T;
  if (kindOf(value) || tagOf(value) !== "Object") return value;
  const entries: [string, unknown][] = [];
  for (const key in value) entries.push([key, copyOf(value[key])]); // what it inherits, too
  return Object.freeze(Object.fromEntries(entries)) as T;
}

/**
 * The options, checked by the table, as a frozen copy without those that are undefined. Throws TypeError for what is no
 * object of options and for a name that the table has not, and what the rules throw.
 */
export function readOptions<T extends object>(owner: string, given: T | undefined, rules: Rules<T>): T {
  const read: Record<string, unknown> = {};
  if (given === undefined) return read as T;
  const names = Object.keys(rules);
  // a Date or a Map has no names to read; a module's namespace has
  if (typeof given !== "object" || !/^(Object|Module)$/.test(tagOf(given)) || kindOf(given))
    throw new TypeError(
      `${owner}: expected options { ${names.join(", ")} }, got ${show(given)}${example(names, given)}`,
    );
  for (const name in given) {
    const value = given[name];
    if (!Object.hasOwn(rules, name)) throw new TypeError(unknownOption(owner, name, names));
    if (value !== undefined) read[name] = rules[name](owner, name, value);
  }
  return Object.freeze(read) as T;
}

/** A bare value where options were expected is likely the first of them. */
function example(names: readonly string[], given: unknown): string {
  if (given === null || names.length === 0) return "";
  const value = typeof given === "object" || typeof given === "function" ? "..." : show(given);
  return `. Write { ${names[0]}: ${value} }`;
}

/** What other libraries call it, without capitals and underscores: the first of the known ones is meant. */
const OTHER_NAMES = new Map(
  `dim:axis dims:axis,shape axes:axis axis:axes keepdim:keepDims eps:epsilon b1:beta1 b2:beta2 wd:weightDecay
  decay:weightDecay,rate,gamma alpha:decay,negativeSlope rho:decay variance:eta sigma:std stddev:std maxval:high minval:low
  act:activation initializer:init kernelinitializer:init weightinit:init batchsize:size shuffle:seed weight:classWeights,mask
  weights:classWeights,mask pad:padding pads:padding strides:stride stepsize:learningRate type:dtype lossfn:loss
  model:params parameters:params start:from ignoreindex:mask ddof:correction targets:labels kernelsize:size bidirectional:reverse`
    .split(/\s+/)
    .map((row) => row.split(":") as [string, string]),
);

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The sentence of an unknown name: sum: there is no option "dim". Did you mean "axis"? There are: axis, keepDims. */
export function unknownOption(owner: string, name: string, known: readonly string[]): string {
  const likely = likelyName(name, known);
  const hint = likely
    ? `Did you mean ${likely}?`
    : /^(lr|learningrate|stepsize)$/.test(plain(name))
      ? "The learning rate is the first argument."
      : "";
  const list = known.length > 0 ? `There are: ${known.join(", ")}` : "There are none";
  return `${owner}: there is no option ${show(name)}. ${hint}${hint && " "}${list}`;
}

/** What was probably meant, or undefined. */
function likelyName(name: string, known: readonly string[]): string | undefined {
  const own = plain(name);
  if (own === "betas" && known.includes("beta1")) return '"beta1" and "beta2"';
  const meant =
    known.find((k) => plain(k) === own) ??
    OTHER_NAMES.get(own)
      ?.split(",")
      .find((k) => known.includes(k));
  if (meant) return show(meant);
  let best: string | undefined;
  let least = Math.min(3, Math.floor(own.length / 3) + 1);
  for (const k of known) {
    const distance = editDistance(own, plain(k));
    if (distance < least) [best, least] = [k, distance];
  }
  best ??= own.length < 3 ? undefined : known.find((k) => plain(k).startsWith(own) || own.startsWith(plain(k)));
  return best && show(best);
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. Source: Damerau 1964. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}
