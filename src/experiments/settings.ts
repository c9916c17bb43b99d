// A setting is a row of an experiment's table: kind, default, range, group and help. From it follow the check in a program,
// the option of the command with its help, the text that runs are compared by, and a control on a page.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import { flag as flagRule, oneOf, type Rule, readOptions } from "../base/options.js";

/** What every row says. */
interface Row<T> {
  readonly default: T;
  /** Heading that it stands under: "The noise". */
  readonly group: string;
  /** What it is, in a few words that follow its name. */
  readonly help: string;
  /** What its value is called in help: "variance". */
  readonly argument?: string;
  /** Whether it may be null, which is written "none"; so where the default is null. */
  readonly optional?: boolean;
  /** The setting that it stands in for where it is given: epochs for steps. */
  readonly insteadOf?: string;
}

/** One setting, with all that is known of it. */
export interface Setting<T = unknown> extends Row<T> {
  readonly kind: "number" | "integer" | "choice" | "flag" | "list";
  /** What it must be: "a number >= 0". */
  readonly must: string;
  /** Its least and largest value, where it has such. */
  readonly range?: { readonly from: number; readonly to: number };
  readonly choices?: readonly T[];
  readonly optional: boolean;
  /** Checks a value and returns what is kept of it. */
  readonly rule: Rule;
  /** The value that a text stands for. Throws RangeError saying what was expected. */
  parse(text: string): T;
  /** The text that `parse` reads. */
  write(value: T): string;
}

/** A table of settings: a row for each, by name. */
export type Settings = { readonly [name: string]: Setting<any> };

/** The values of a table of settings, by name. */
export type ValuesOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

const { fround } = Math;

const make = <T>(
  row: Row<T | null>,
  own: Pick<Setting, "kind" | "must" | "rule"> & Partial<Setting> & { read(text: string): unknown },
): Setting<any> => {
  const optional = row.optional ?? row.default === null;
  const must = optional ? `${own.must}, or none` : own.must;
  const { read, ...rest } = own;
  if (!(optional && row.default === null)) own.rule("setting", "default", row.default);
  return Object.freeze({
    write: String,
    ...row,
    ...rest,
    must,
    optional,
    rule: ((owner, name, value) => (optional && value === null ? value : own.rule(owner, name, value))) as Rule,
    parse: (text: string) => (optional && text === "none" ? null : read(text)),
    ...(optional && { write: (value: unknown) => (value === null ? "none" : (rest.write ?? String)(value as never)) }),
  }) as Setting<any>;
};

/** A number in a text, for which `rule` holds. */
const reader =
  (rule: Rule, must: string, example: unknown) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    try {
      rule("", "", value);
    } catch {
      throw new RangeError(`Expected ${must}, for example ${example}.`);
    }
    return value;
  };

interface NumberRow<T> extends Row<T> {
  readonly atLeast?: number;
  readonly above?: number;
  readonly below?: number;
  /** false: it never becomes a float32, so that no limit of those is one of it. */
  readonly float32?: boolean;
  readonly example?: number;
}

/**
 * A row for a finite number; one with `optional`, or whose default is null, may be null, written "none".
 * Throws as its values do for a default that is none of them; its `parse` throws RangeError for a text that is no such number.
 * Example: `setting.number({ default: 0.03, atLeast: 0, group: "The noise", help: "variance of the first update's noise" })`
 */
export function number(row: NumberRow<number>): Setting<number>;
export function number(row: NumberRow<number | null>): Setting<number | null>;
export function number(row: NumberRow<number | null>): Setting<any> {
  const { atLeast, above, below, float32 = true, example, ...rest } = row;
  const seen = (v: number): number => (float32 ? fround(v) : v);
  const holds = (v: number): boolean =>
    Number.isFinite(seen(v)) &&
    (atLeast === undefined || v >= atLeast) &&
    (above === undefined || seen(v) > above) &&
    (below === undefined || seen(v) < below);
  const least = atLeast !== undefined ? `>= ${atLeast}` : above !== undefined ? `> ${above}` : "";
  const words =
    below === undefined
      ? [least, float32 ? "that float32 holds" : ""].filter(Boolean).join(" ") || "that is finite"
      : `in ${atLeast ?? above} ${atLeast === undefined ? "<" : "<="} p < ${below} of float32`;
  const optional = row.optional ?? row.default === null;
  const rule: Rule = (owner, name, value) => {
    checkNumber(owner, name, value, words + (optional ? ", or null" : ""), holds);
    return value;
  };
  return make(rest, {
    kind: "number",
    must: `a number ${words}`,
    rule,
    argument: row.argument ?? "number",
    range: { from: atLeast ?? above ?? Number.NEGATIVE_INFINITY, to: below ?? Number.POSITIVE_INFINITY },
    read: reader(rule, `a number ${words}${optional ? ", or none" : ""}`, example ?? row.default),
  });
}

interface IntegerRow<T> extends Row<T> {
  readonly from?: number;
  readonly to?: number;
  readonly example?: number;
}

/**
 * A row for a whole number, `from` (0) .. `to`. Throws as its values do for a default that is none of them; its `parse` throws RangeError.
 * Example: `setting.integer({ default: 20, from: 1, group: "The network", help: "hidden layers" }).parse("12")`
 */
export function integer(row: IntegerRow<number>): Setting<number>;
export function integer(row: IntegerRow<number | null>): Setting<number | null>;
export function integer(row: IntegerRow<number | null>): Setting<any> {
  const { from = 0, to, example, ...rest } = row;
  const must = to === undefined ? `an integer >= ${from}` : `an integer from ${from} to ${to}`;
  const rule: Rule = (owner, name, value) => {
    checkInteger(owner, name, value, from);
    if (to !== undefined) checkNumber(owner, name, value, `from ${from} to ${to}`, (v) => v <= to);
    return value;
  };
  return make(rest, {
    kind: "integer",
    must,
    rule,
    argument: row.argument ?? "count",
    range: { from, to: to ?? Number.MAX_SAFE_INTEGER },
    read: reader(rule, must, example ?? row.default),
  });
}

/**
 * A row for one of some texts. Throws as its values do for a default that is none of them; its `parse` throws RangeError for any other.
 * Example: `setting.choice(["zero", "he"], { default: "zero", group: "The network", help: "initial weights" })`
 */
export function choice<const C extends string>(choices: readonly C[], row: Row<C>): Setting<C> {
  return make(row, {
    kind: "choice",
    must: choices.map(show).join(" or "),
    rule: oneOf(...choices),
    argument: row.argument ?? "name",
    choices,
    read: (text) => {
      if (!choices.includes(text as C)) throw new RangeError(`Expected ${choices.join(", ")}.`);
      return text;
    },
  });
}

/**
 * A row for true or false; "on" or "off" as a text. Throws as its values do for a default that is none of them; its `parse` throws RangeError.
 * Example: `setting.flag({ default: true, group: "The noise", help: "whether to train with it" }).parse("off")`
 */
export function flag(row: Row<boolean>): Setting<boolean> {
  return make(row, {
    kind: "flag",
    must: "true or false",
    rule: flagRule,
    argument: row.argument ?? "which",
    choices: [true, false],
    write: (on) => (on ? "on" : "off"),
    read: (text) => {
      if (text !== "on" && text !== "off") throw new RangeError("Expected on or off.");
      return text === "on";
    },
  });
}

/**
 * A row for several values of one kind, with a comma between them as a text. Throws what the kind throws.
 * Example:
 * ```ts
 * const size = setting.integer({ default: 50, from: 1, group: "The network", help: "units of a layer" });
 * setting.list(size, { default: [50, 50], group: "The network", help: "units of each layer" }).parse("20,30");
 * ```
 */
export function list<T>(of: Setting<T>, row: Row<readonly T[]>): Setting<readonly T[]> {
  return make(row, {
    kind: "list",
    must: `an array, each ${of.must}`,
    rule: (owner, name, value) => {
      if (!Array.isArray(value)) throw new TypeError(`${owner}: "${name}" expected an array, got ${show(value)}`);
      return Object.freeze(value.map((v, i) => of.rule(owner, `${name}[${i}]`, v)));
    },
    argument: row.argument ?? "list",
    write: (values) => (values as T[]).map((v) => of.write(v)).join(","),
    read: (text) => text.split(",").map((part) => of.parse(part)),
  });
}

/**
 * The row that every experiment has: one seed for initial weights, order of the data, dropout and noise. Throws nothing.
 * Example: `const settings = { seed: setting.seed() }`
 */
export const seed = (): Setting<number> =>
  integer({
    default: 1,
    group: "The runs",
    argument: "integer",
    help: "of weights, order of the data, dropout and noise",
  });

/**
 * All settings, checked, with defaults where there are none; frozen.
 *
 * Throws TypeError for an unknown name or a wrong kind, RangeError naming the first that is out of range.
 * Example: `setting.readSettings("mine", { seed: setting.seed() }, { seed: 7 }).seed`
 */
export function readSettings<S extends Settings>(
  owner: string,
  table: S,
  given: Partial<ValuesOf<S>> | undefined,
): ValuesOf<S> {
  const defaults = Object.entries(table).map(([name, row]) => [name, row.default]);
  const rules = Object.fromEntries(Object.entries(table).map(([name, row]) => [name, row.rule]));
  return Object.freeze({ ...Object.fromEntries(defaults), ...readOptions(owner, given as object, rules as never) });
}
