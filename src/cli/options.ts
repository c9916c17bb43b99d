// The options of `gradnoise run NAME`, which follow from the experiment's table of settings: from words to checked values,
// and the flat record by which runs are compared.
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { comparedValues, type Experiment, type Joined, type Setting, type Settings } from "../experiments/index.js";

/** What the command itself takes. */
export interface CommandOptions {
  readonly data: string;
  readonly seeds: number;
  readonly seed?: number;
  readonly preset?: string;
  readonly workers?: number;
  readonly out?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** All that was asked for: options, and the settings of every run. */
export interface Request {
  readonly experiment: Experiment;
  readonly options: CommandOptions;
  readonly plan: Plan;
  /** Seed by seed, the compared ones side by side, so that twins train together. */
  readonly runs: readonly RunSettings[];
}

export type RunSettings = { readonly seed: number; readonly [name: string]: unknown };

/** What decides the results, as text by option name: equal records mean equal digests. */
export type Plan = { readonly [option: string]: string };

const MOST_SEEDS = 1000; // in one command, whose runs are kept until all have ended

const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** A parser whose RangeError is told as the argument's. */
const parser =
  <T>(parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };

/** A check of a text that stays one: commander takes null for no value. */
const checked = (read: (text: string) => unknown): ((text: string) => string) =>
  parser((text) => {
    read(text);
    return text;
  });

const count = (least: number, example: string, most?: number): ((text: string) => unknown) =>
  parser((text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(value) || value < least || value > (most ?? value))
      throw new RangeError(
        `Expected an integer ${most === undefined ? `>= ${least}` : `from ${least} to ${most}`}, for example ${example}.`,
      );
    return value;
  });

type Values = { readonly [name: string]: unknown };

/** Reads "20x50"; what is too large is told in the words of the experiment. */
function readJoined({ settings: table }: Experiment, { settings, by, argument, check }: Joined, text: string): Values {
  const rows: Setting[] = settings.map((name) => table[name]);
  const fail = (what: string): never => {
    throw new RangeError(`Expected ${what}, for example ${rows.map((row) => row.write(row.default)).join(by)}.`);
  };
  const parts = text.split(by);
  if (parts.length !== rows.length || !parts.every((part) => /^[1-9]\d*$/.test(part))) fail(argument);
  try {
    check?.(parts.map(Number));
  } catch (error) {
    fail((error as Error).message);
  }
  return Object.fromEntries(settings.map((name, i) => [name, rows[i].parse(parts[i])]));
}

/** What the compared setting can be besides its values: all of them. */
const wholeOf = (experiment: Experiment): string => (comparedValues(experiment).length === 2 ? "both" : "all");

/** A setting, or several in one, as an option of the command, whose value stays a text. */
interface Row {
  readonly name: string;
  readonly group: string;
  readonly settings: readonly string[];
  readonly option: Option;
  /** The settings that a text stands for. Throws RangeError saying what was expected. */
  read(text: string): Values;
  /** The text of the values; undefined where another option stands in for it. */
  write(values: Values): string | undefined;
}

function joinedRow(experiment: Experiment, name: string, own: Joined): Row {
  const rows: Setting[] = own.settings.map((setting) => experiment.settings[setting]);
  const write = (values: readonly unknown[]): string => rows.map((row, i) => row.write(values[i])).join(own.by);
  const read = (text: string): Values => readJoined(experiment, own, text);
  return {
    name,
    group: rows[0].group,
    settings: own.settings,
    option: new Option(`--${name} <${own.argument}>`, own.help)
      .argParser(checked(read))
      .default(write(rows.map((row) => row.default)), write(rows.map((row) => row.default))),
    read,
    write: (values) => write(own.settings.map((setting) => values[setting])),
  };
}

function singleRow(experiment: Experiment, name: string): Row {
  const { settings: table, compare } = experiment;
  const setting: Setting = table[name];
  const { insteadOf } = setting;
  const isCompared = name === compare.setting && setting.choices !== undefined;
  const standIns = Object.keys(table).filter((other) => table[other].insteadOf === name);
  const option = new Option(`--${kebab(name)} <${setting.argument}>`, setting.help).conflicts(standIns);
  const read = (text: string): Values => ({ [name]: setting.parse(text) });
  if (setting.choices)
    option.choices([...setting.choices.map((v) => setting.write(v)), ...(isCompared ? [wholeOf(experiment)] : [])]);
  else option.argParser(checked(read));
  const start = isCompared ? wholeOf(experiment) : setting.write(setting.default);
  if (!insteadOf) option.default(start, setting.choices ? undefined : start);
  return {
    name: kebab(name),
    group: setting.group,
    settings: [name],
    option,
    read,
    write: (values) =>
      standIns.some((other) => values[other] !== null) || (insteadOf && values[name] === null)
        ? undefined
        : setting.write(values[name]),
  };
}

function rowsOf(experiment: Experiment): Row[] {
  const { settings, joined = {} } = experiment;
  const inJoined = new Set(Object.values(joined).flatMap((own) => own.settings));
  return [
    ...Object.entries(joined).map(([name, own]) => joinedRow(experiment, name, own)),
    ...Object.keys(settings)
      .filter((name) => name !== "seed" && !inJoined.has(name))
      .map((name) => singleRow(experiment, name)),
  ];
}

function dataParser({ data: { embedded, folder, help } }: Experiment) {
  return parser((text) => {
    if (Object.hasOwn(embedded, text)) return text;
    if (text === "" || !folder)
      throw new RangeError(`Expected ${folder ? help : `${Object.keys(embedded).join(" or ")} (${help})`}.`);
    return resolve(text);
  });
}

/** Adds the options of an experiment, group by group. */
export function addOptions(command: Command, experiment: Experiment): void {
  const rows = rowsOf(experiment);
  const { data, presets, seeds = 3 } = experiment;
  const option = (flags: string, text: string, parse?: (text: string) => unknown): Option =>
    parse ? new Option(flags, text).argParser(parse) : new Option(flags, text);
  const add = (group: string, ...options: Option[]): void => {
    command.optionsGroup(`${group}:`);
    for (const each of options) command.addOption(each);
  };
  for (const group of new Set(rows.map((row) => row.group)))
    add(group, ...rows.filter((row) => row.group === group).map((row) => row.option));
  add(
    "The runs",
    option("--data <source>", data.help, dataParser(experiment)).default(Object.keys(data.embedded)[0]),
    option("--seeds <count>", "runs with the seeds 1 to count", count(1, "3", MOST_SEEDS))
      .default(seeds)
      .conflicts("seed"),
    option("--seed <integer>", "one run with this seed, instead of --seeds", count(0, "7")),
    option("--preset <name>", "settings of that name, which other options change").choices(Object.keys(presets)),
  );
  add(
    "The command",
    option(
      "--workers <count>",
      "threads, at most one a core; results do not depend on it (default: one a core)",
      count(1, "2"),
    ),
    option("--out <folder>", "keep log and checkpoints there", (text) => {
      if (text === "") throw new InvalidArgumentError("Expected a folder, for example runs/a.");
      return text;
    }),
    option("--resume", "continue where the same command was interrupted"),
    option("--json", "JSON lines on stdout, the last one a summary"),
    option("--quiet", "print the results only"),
  );
}

/** What the words of `command` ask for. */
export function requestOf(command: Command, experiment: Experiment): Request {
  const options = command.opts() as CommandOptions & Values;
  const typed = (name: string): boolean => command.getOptionValueSource(name) === "cli";
  const { compare, presets } = experiment;
  const table: Settings = experiment.settings;
  const rows = rowsOf(experiment);
  const preset: Values = options.preset ? presets[options.preset].settings : {};
  const values: { [name: string]: unknown } = { ...experiment.read(), ...preset };
  let both: readonly unknown[] = compare.setting in preset ? [preset[compare.setting]] : comparedValues(experiment);
  for (const { option, settings, read } of rows) {
    const text = options[option.attributeName()] as string;
    if (!typed(option.attributeName())) continue;
    if (settings[0] !== compare.setting) Object.assign(values, read(text));
    else both = text === wholeOf(experiment) ? comparedValues(experiment) : Object.values(read(text));
  }
  // what was typed in place of another counts, whatever the preset says
  for (const [name, { insteadOf }] of Object.entries(table)) if (insteadOf && typed(insteadOf)) values[name] = null;
  const seeds = seedsOf(command, options, preset.seed);
  if (both.length === 1) values[compare.setting] = both[0];
  const plan = rows.map((row): [string, string | undefined] => [
    row.name,
    row.settings[0] === compare.setting && both.length > 1 ? wholeOf(experiment) : row.write(values),
  ]);
  return {
    experiment,
    options,
    plan: Object.fromEntries([
      ["data", options.data],
      ...plan.filter((row): row is [string, string] => row[1] !== undefined),
      ["seeds", seeds.join(",")],
    ]),
    runs: seeds.flatMap((seed) => both.map((value) => ({ ...values, [compare.setting]: value, seed }))),
  };
}

function seedsOf(command: Command, { seed, seeds }: CommandOptions, preset: unknown): number[] {
  if (seed !== undefined) return [seed];
  if (typeof preset === "number" && command.getOptionValueSource("seeds") !== "cli") return [preset];
  return Array.from({ length: seeds }, (_, i) => i + 1);
}

/** The words that a preset stands for: "run deep-mlp --init he --seed 1". */
export function wordsOf(experiment: Experiment, preset: string): string {
  const { settings, words = "" } = experiment.presets[preset];
  const given = settings as { readonly [name: string]: unknown };
  const rows = rowsOf(experiment);
  const values = { ...experiment.read(), ...given };
  const options = Object.keys(given).map((name) => {
    const row = rows.find((known) => known.settings.includes(name));
    return row ? `--${row.name} ${row.write(values)}` : `--${name} ${given[name]}`;
  });
  return ["run", experiment.name, ...new Set(options), words].filter(Boolean).join(" ");
}

/** Names that other programs give to options, where no likeness of letters tells. */
const OTHER_NAMES: { readonly [name: string]: string } = {
  lr: "learning-rate",
  rate: "learning-rate",
  "batch-size": "batch",
  minibatch: "batch",
  units: "hidden",
  activation: "hidden",
  dataset: "data",
  variance: "eta",
  sigma: "eta",
  iterations: "steps",
  "max-steps": "steps",
  threads: "workers",
  jobs: "workers",
  output: "out",
  dir: "out",
  momentum: "optimizer",
};

/** The option of `command` that is meant by a name of other programs, or by a setting that is part of another option. */
export function otherOption(command: Command, { joined = {} }: Experiment, name: string): string | undefined {
  const whole = Object.keys(joined).find((option) => joined[option].settings.includes(name));
  const meant = whole ?? OTHER_NAMES[name];
  return command.options.some(({ long }) => long === `--${meant}`) ? meant : undefined;
}
