// The options of `gradnoise run deep-mlp`, from words to checked values, and the flat record by which runs are compared.
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type DeepMlpSettings,
  deepMlpDefaults,
  INITS,
  LARGEST,
  NUMBERS,
  OPTIMIZERS,
  parametersOf,
} from "../paper/index.js";

export interface DeepMlpOptions {
  data: string;
  init: DeepMlpSettings["init"];
  bias: number;
  noise: "on" | "off" | "both";
  eta: number;
  gamma: number;
  clip: number | "none";
  learningRate: number;
  batch: number;
  hidden: { layers: number; width: number };
  steps: number;
  epochs?: number;
  seeds: number;
  seed?: number;
  optimizer: DeepMlpSettings["optimizer"];
  dropout: number;
  workers?: number;
  out?: string;
  resume?: boolean;
  json?: boolean;
  quiet?: boolean;
}

const MOST_SEEDS = 1000; // in one command, whose runs are kept until all have ended

/** A parser of finite numbers for which `holds`; `rule` completes "Expected a number ...". */
function numberParser(rule: string, holds: (n: number) => boolean, example: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || !holds(value))
      throw new InvalidArgumentError(`Expected ${rule}, for example ${example}.`);
    return value;
  };
}

export const integerParser = (least: number, example: string, most?: number): ((text: string) => number) =>
  numberParser(
    most === undefined ? `an integer >= ${least}` : `an integer from ${least} to ${most}`,
    (n) => Number.isSafeInteger(n) && n >= least && n <= (most ?? n),
    example,
  );

/** A setting of the experiment, which says what it must be. */
const setting = (name: keyof typeof NUMBERS, example: string): ((text: string) => number) =>
  numberParser(`a number ${NUMBERS[name].rule}`, NUMBERS[name].holds, example);

function parseClip(text: string): number | "none" {
  return text === "none"
    ? text
    : numberParser(`a number ${NUMBERS.clip.rule}, or none`, NUMBERS.clip.holds, "10")(text);
}

function parseHidden(text: string): { layers: number; width: number } {
  const found = /^([1-9]\d*)x([1-9]\d*)$/.exec(text);
  if (!found) throw new InvalidArgumentError("Expected layers x units, for example 20x50.");
  const [layers, width] = [Number(found[1]), Number(found[2])];
  if (layers > LARGEST.layers || width > LARGEST.width)
    throw new InvalidArgumentError(`Expected at most ${LARGEST.layers}x${LARGEST.width}, for example 20x50.`);
  const bytes = 8 * parametersOf(0, layers, width); // what is known before the data: parameters and their updates
  if (bytes > 2 ** 32)
    throw new InvalidArgumentError(
      `Its parameters and their updates need ${Math.round(bytes / 2 ** 30)} GiB, WebAssembly has 4: fewer layers or units, for example 20x50.`,
    );
  return { layers, width };
}

function parseData(text: string): string {
  if (text === "") throw new InvalidArgumentError("Expected digits, or a folder with the four files of MNIST.");
  return text === "digits" ? text : resolve(text);
}

function parseOut(text: string): string {
  if (text === "") throw new InvalidArgumentError("Expected a folder, for example runs/a.");
  return text;
}

/** Names that other programs give to options of ours, where no likeness of letters tells. */
export const OTHER_OPTIONS: { readonly [name: string]: string } = {
  lr: "learning-rate",
  rate: "learning-rate",
  "batch-size": "batch",
  minibatch: "batch",
  layers: "hidden",
  width: "hidden",
  units: "hidden",
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
  activation: "hidden",
};

export function addDeepMlpOptions(command: Command): Command {
  const d = deepMlpDefaults;
  const option = (flags: string, text: string, parser?: (text: string) => unknown): Option =>
    parser ? new Option(flags, text).argParser(parser) : new Option(flags, text);
  const add = (...options: Option[]): void => {
    for (const o of options) command.addOption(o);
  };
  command.optionsGroup("The network:");
  add(
    option("--hidden <LxN>", "L hidden ReLU layers of N units", parseHidden).default(
      { layers: d.layers, width: d.width },
      `${d.layers}x${d.width}`,
    ),
    option("--init <name>", "initial weights; simple is N(0, 0.1^2)").choices(Object.keys(INITS)).default(d.init),
    option("--bias <number>", "initial value of every bias", setting("bias", "0.1")).default(d.bias),
    option("--dropout <probability>", "of dropping a hidden unit", setting("dropout", "0.5")).default(d.dropout),
  );
  command.optionsGroup("The noise:");
  add(
    option("--noise <which>", "train with it, without it, or both side by side")
      .choices(["on", "off", "both"])
      .default("both"),
    option("--eta <variance>", "of the noise at the first update", setting("eta", "0.03")).default(d.eta),
    option("--gamma <power>", "how fast it falls: eta / (1 + t)^gamma", setting("gamma", "0.55")).default(d.gamma),
  );
  command.optionsGroup("Training:");
  add(
    option("--data <source>", "digits, drawn by the library, or a folder with MNIST", parseData).default("digits"),
    option("--optimizer <name>", "momentum is SGD with momentum 0.9").choices(OPTIMIZERS).default(d.optimizer),
    option("--learning-rate <number>", "of the optimizer", setting("learningRate", "0.1")).default(d.learningRate),
    option("--clip <norm>", "greatest global norm of a gradient, or none", parseClip).default(d.clip ?? "none"),
    option("--batch <examples>", "in each update", integerParser(1, "100")).default(d.batch),
    option("--steps <count>", "updates in each run", integerParser(1, "6000", LARGEST.steps))
      .default(d.steps)
      .conflicts("epochs"),
    option("--epochs <count>", "times through the data, instead of --steps", integerParser(1, "10", LARGEST.steps)),
    option("--seeds <count>", "runs with the seeds 1 to count", integerParser(1, "3", MOST_SEEDS))
      .default(3)
      .conflicts("seed"),
    option("--seed <integer>", "one run with this seed, instead of --seeds", integerParser(0, "7")),
  );
  command.optionsGroup("The command:");
  add(
    option(
      "--workers <count>",
      "threads, at most one a core; results do not depend on it (default: one a core)",
      integerParser(1, "2"),
    ),
    option("--out <folder>", "keep log and checkpoints there", parseOut),
    option("--resume", "continue where the same command was interrupted"),
    option("--json", "JSON lines on stdout, the last one a summary"),
    option("--quiet", "print the results only"),
  );
  return command;
}

/** What decides the results, as text by option name: equal records mean equal digests. */
export type Plan = { readonly [option: string]: string };

export function seedsOf(o: DeepMlpOptions): number[] {
  return o.seed !== undefined ? [o.seed] : Array.from({ length: o.seeds }, (_, i) => i + 1);
}

export function planOf(o: DeepMlpOptions): Plan {
  return {
    data: o.data,
    hidden: `${o.hidden.layers}x${o.hidden.width}`,
    init: o.init,
    bias: String(o.bias),
    dropout: String(o.dropout),
    noise: o.noise,
    eta: String(o.eta),
    gamma: String(o.gamma),
    optimizer: o.optimizer,
    "learning-rate": String(o.learningRate),
    clip: String(o.clip),
    batch: String(o.batch),
    ...(o.epochs === undefined ? { steps: String(o.steps) } : { epochs: String(o.epochs) }),
    seeds: seedsOf(o).join(","),
  };
}

/** One element a run: seed by seed, with noise first, so that twins train side by side. */
export function runsOf(o: DeepMlpOptions): DeepMlpSettings[] {
  const noise = o.noise === "both" ? [true, false] : [o.noise === "on"];
  const { init, bias, eta, gamma, learningRate, batch, steps, optimizer, dropout } = o;
  const clip = o.clip === "none" ? null : o.clip;
  const common = { init, bias, eta, gamma, clip, learningRate, batch, steps, optimizer, dropout, ...o.hidden };
  return seedsOf(o).flatMap((seed) => noise.map((n) => ({ ...common, epochs: o.epochs ?? null, noise: n, seed })));
}
