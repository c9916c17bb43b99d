// An experiment is a value: what can be set, what it is trained on, what is trained, and how its results are told.
// The command, its help and checks, checkpoints, progress, the jobs of workers and the report all follow from it.
import { checkFunction, isPlain, show } from "../base/errors.js";
import type { DataSource } from "./data.js";
import { Run } from "./run.js";
import { readSettings, type Setting, type Settings, type ValuesOf } from "./settings.js";
import type { Task } from "./task.js";

/** What is measured beside the loss, and what its values mean. */
export interface Metric {
  readonly better: "higher" | "lower";
  /** share: of 1, told in per cent. */
  readonly unit: "share" | "number";
  /** What blind guessing gives. */
  readonly chance?: number;
  /** From here on a run counts as one that learned. */
  readonly learned?: number;
}

/** Settings that tell one finding, and the finding. */
export interface Preset<V> {
  readonly about: string;
  readonly settings: Partial<V>;
  /** More of the command line: "--data mnist/". */
  readonly words?: string;
}

/** A bound that a figure of a summary must keep. */
export interface Expectation {
  readonly figure: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The figures of a run that has ended. */
export interface Summary {
  readonly seed: number;
  /** Updates made; fewer than asked for where the run diverged. */
  readonly steps: number;
  /** Mean loss on the test data at the end; null where it is not finite. */
  readonly finalLoss: number | null;
  readonly diverged: boolean;
  /** Of the parameters. */
  readonly digest: string;
  /** The setting that runs are compared by, each metric at the end, and its best on the way ("bestAccuracy"). */
  readonly [figure: string]: unknown;
}

/** What an experiment is made of. */
export interface Definition<S extends Settings & { seed: Setting<number> }, D> {
  /** In kebab-case. */
  readonly name: string;
  /** One line of the list, without a full stop: a test says how long it may be. */
  readonly title: string;
  /** What it does, in paragraphs. */
  readonly about: string;
  /** Where it comes from. */
  readonly source?: string;
  readonly settings: S;
  /** Settings that are one option of the command, with `by` between their values: --hidden 20x50. */
  readonly joined?: { readonly [option: string]: Joined };
  /** The setting whose values are run side by side. */
  readonly compare: {
    readonly setting: keyof S & string;
    /** What the runs of a value are called: "no noise". */
    readonly labels: { readonly [value: string]: string };
    /** And in a sentence, after "the run": "without noise"; the label where there is none. */
    readonly phrases?: { readonly [value: string]: string };
  };
  readonly data: DataSource<D>;
  /** Refuses settings that do not go together, or not with these data. */
  check?(settings: ValuesOf<S>, data: D): void;
  /** WebAssembly memory in bytes that a run needs at the least. */
  bytes?(settings: ValuesOf<S>, data: D): number;
  /** What is trained, from its beginning. */
  task(data: D, settings: ValuesOf<S>): Task;
  /** The first is the one that is charted. */
  readonly metrics: { readonly [name: string]: Metric };
  readonly presets: { readonly [name: string]: Preset<ValuesOf<S>> };
  readonly report: Report<ValuesOf<S>>;
  /** Seeds that the command runs where none is given; 3 by default. */
  readonly seeds?: number;
  /** What each of the compared runs must show, where that is known. */
  readonly expected?: { readonly [value: string]: Expectation };
}

/** Settings that are one option of the command. */
export interface Joined {
  readonly settings: readonly string[];
  readonly by: string;
  readonly argument: string;
  readonly help: string;
  /** Refuses what is too large whatever the data; its sentence follows "Expected". */
  check?(values: readonly number[]): void;
}

/** How a group of summaries is told. */
export interface Report<V> {
  /** What was run, as the first cell of the table: "All-zero init, clip 10". */
  describe(settings: V): string;
  /** How the closing sentence begins: "From all-zero weights". */
  opening(settings: V): string;
  /** What to try next: a few words, and the preset. */
  next?(settings: V): readonly [words: string, preset: string];
  /** A figure of the step that is shown as it goes. */
  readonly gauge?: { readonly name: string; at(settings: V, step: number): number | undefined };
}

/** An experiment: its definition, and what follows from it. */
export interface Experiment<S extends Settings & { seed: Setting<number> } = any, D = any> extends Definition<S, D> {
  /** What it is called in errors, and in its checkpoints: "deepMlp". */
  readonly owner: string;
  /** All settings, checked, with defaults where there are none; with `data` also whether they go with those. */
  read(settings?: Partial<ValuesOf<S>>, data?: D): ValuesOf<S>;
  /**
   * A run from its start, or from a checkpoint that the run's `checkpoint()` made.
   *
   * Throws TypeError for unknown settings and wrong kinds, RangeError for settings out of range, DataError for data that
   * are not as needed, CheckpointError naming the difference where the checkpoint is damaged or of another run.
   */
  start(data: D, settings?: Partial<ValuesOf<S>>, checkpoint?: Uint8Array): Run<ValuesOf<S>>;
}

const WASM = 2 ** 32; // bytes that WebAssembly addresses

/**
 * An experiment of its definition: a program runs it by `start`, the command by its name once it is in the registry.
 *
 * Throws TypeError for a name that is not in kebab-case, and where the table of settings lacks what `compare` or `joined` names.
 * Example:
 * ```ts
 * const mine = defineExperiment({
 *   name: "my-digits",
 *   title: "a small network on digits",
 *   about: "Train a small network on digits.",
 *   settings: {
 *     seed: setting.seed(),
 *     width: setting.integer({ default: 8, from: 1, group: "The network", help: "hidden units" }),
 *   },
 *   compare: { setting: "width", labels: {} },
 *   data: images,
 *   task: (set, { width, seed }) =>
 *     classifierTask({
 *       data: set, model: nn.mlp([784, width, 10]), optimizer: optim.sgd(0.1), batch: 10, total: 4, seed,
 *     }),
 *   metrics: { accuracy: { better: "higher", unit: "share", chance: 0.1 } },
 *   presets: {},
 *   report: { describe: ({ width }) => `${width} units`, opening: () => "On digits" },
 * });
 * const run = mine.start(data.digits({ train: 40, test: 10 }), { width: 4 });
 * while (!run.finished) run.step();
 * run.summary().accuracy;
 * ```
 */
export function defineExperiment<S extends Settings & { seed: Setting<number> }, D>(
  definition: Definition<S, D>,
): Experiment<S, D> {
  const { name, settings: table, compare, joined = {}, check, bytes } = definition;
  if (typeof name !== "string" || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new TypeError(`defineExperiment: "name" expected a name in kebab-case, got ${show(name)}`);
  checkFunction(name, "task", definition.task);
  const needed = ["title", "about", "compare", "data", "metrics", "presets", "report"] as const;
  for (const field of needed)
    if (definition[field] === undefined)
      throw new TypeError(`${name}: "${field}" is missing${field === "presets" ? "; give {} for none" : ""}`);
  if (!isPlain(table) || table.seed?.kind !== "integer")
    throw new TypeError(`${name}: its settings need a row seed: seed()`);
  for (const setting of [compare.setting, ...Object.values(joined).flatMap(({ settings }) => settings)])
    if (!(setting in table)) throw new TypeError(`${name}: there is no setting ${show(setting)} in its table`);
  const owner = name.replace(/-(.)/g, (_, c: string) => c.toUpperCase());
  const experiment: Experiment<S, D> = {
    ...definition,
    owner,
    read(given, data) {
      const settings = readSettings(owner, table, given);
      if (data === undefined) return settings;
      definition.data.check(owner, data);
      check?.(settings, data);
      const needed = bytes?.(settings, data) ?? 0;
      if (needed > WASM)
        throw new RangeError(
          `${owner}: its parameters, updates and activations need at least ${(needed / 2 ** 30).toPrecision(3)} GiB, WebAssembly has 4; give a smaller network or batch`,
        );
      return settings;
    },
    start(data, given, checkpoint) {
      definition.data.check(owner, data); // also where there are none at all
      return new Run(experiment, data, experiment.read(given, data), checkpoint);
    },
  };
  return Object.freeze(experiment);
}

/** The values of the setting that runs are compared by, in the order in which they run. */
export const comparedValues = ({ settings, compare }: Experiment): readonly (string | boolean)[] =>
  settings[compare.setting].choices ?? [settings[compare.setting].default];

/** The label of a run: "with noise". */
export const labelOf = ({ compare }: Experiment, settings: { readonly [name: string]: unknown }): string => {
  const value = String(settings[compare.setting]);
  return compare.labels[value] ?? value;
};
