// Settings of the deep MLP experiment, their defaults and their checks.
import { checkInteger, checkNumber } from "../base/errors.js";
import { flag, integer, number, oneOf, type Rule, type Rules, readOptions } from "../base/options.js";
import type { ImageData } from "../data/index.js";
import * as nn from "../nn/index.js";

/** The paper's initial weights: Bad Init, Simple Init, and the two Good Inits. */
export const INITS = {
  zero: nn.init.zeros,
  simple: nn.init.normal(0.1),
  "sussillo-abbott": nn.init.sussilloAbbott,
  he: nn.init.he,
} as const;

/** `momentum` is SGD with momentum 0.9. */
export const OPTIMIZERS = ["sgd", "momentum", "adam"] as const;

export interface DeepMlpSettings {
  readonly init: keyof typeof INITS;
  /** Value of every bias at the start. */
  readonly bias: number;
  readonly noise: boolean;
  /** Variance of the first update's noise. */
  readonly eta: number;
  readonly gamma: number;
  /** Greatest global norm of a gradient; null leaves gradients as they are. */
  readonly clip: number | null;
  readonly learningRate: number;
  readonly batch: number;
  /** Hidden layers, and units in each. */
  readonly layers: number;
  readonly width: number;
  readonly steps: number;
  /** How often to go through the data, instead of `steps`, where not null. */
  readonly epochs: number | null;
  /** Of initial weights, order of the data, dropout and noise alike. */
  readonly seed: number;
  readonly optimizer: (typeof OPTIMIZERS)[number];
  /** Probability of dropping a hidden unit. */
  readonly dropout: number;
}

/** The all-zero start. eta is 0.03, which escapes in a quarter of the steps that the paper's 0.01 needs (within 30,000). */
export const deepMlpDefaults: DeepMlpSettings = {
  init: "zero",
  bias: 0,
  noise: true,
  eta: 0.03,
  gamma: 0.55,
  clip: 10,
  learningRate: 0.1,
  batch: 100,
  layers: 20,
  width: 50,
  steps: 6000,
  epochs: null,
  seed: 1,
  optimizer: "sgd",
  dropout: 0,
};

const { fround } = Math;

/**
 * What a number must be, in words and as a test; the command asks the same. Training is done in float32, so a rate that is
 * 0 or infinite there is none.
 */
export const NUMBERS = {
  bias: { rule: "that float32 holds", holds: (v: number) => Number.isFinite(fround(v)) },
  eta: { rule: ">= 0 that float32 holds", holds: (v: number) => v >= 0 && Number.isFinite(fround(v)) },
  gamma: { rule: ">= 0", holds: (v: number) => v >= 0 },
  clip: { rule: "> 0 that float32 holds", holds: (v: number) => fround(v) > 0 && Number.isFinite(fround(v)) },
  learningRate: { rule: "> 0 that float32 holds", holds: (v: number) => fround(v) > 0 && Number.isFinite(fround(v)) },
  dropout: { rule: "in 0 <= p < 1 of float32", holds: (v: number) => v >= 0 && fround(v) < 1 },
} as const;

/** The most that is sensible: a count of updates fits the noise's counter. */
export const LARGEST = { layers: 9999, width: 99_999, steps: 2 ** 31 - 1 } as const;

const rule = (name: keyof typeof NUMBERS): Rule => number(NUMBERS[name].rule, NUMBERS[name].holds);

const count =
  (most: number): Rule =>
  (owner, name, value) => {
    checkInteger(owner, name, value, 1);
    checkNumber(owner, name, value, `from 1 to ${most}`, (v) => v <= most);
    return value;
  };

const orNull =
  (inner: Rule): Rule =>
  (owner, name, value) =>
    value === null ? value : inner(owner, name, value);

const rules: Rules<DeepMlpSettings> = {
  init: oneOf(...Object.keys(INITS)),
  bias: rule("bias"),
  noise: flag,
  eta: rule("eta"),
  gamma: rule("gamma"),
  clip: orNull(number("> 0, or null", NUMBERS.clip.holds)),
  learningRate: rule("learningRate"),
  batch: integer(1),
  layers: count(LARGEST.layers),
  width: count(LARGEST.width),
  steps: count(LARGEST.steps),
  epochs: orNull(count(LARGEST.steps)),
  seed: integer(),
  optimizer: oneOf(...OPTIMIZERS),
  dropout: rule("dropout"),
};

const OWNER = "deepMlp";
const WASM = 2 ** 32; // bytes that WebAssembly addresses

/** Parameters of a network of `layers` x `width` over `pixels`, for ten classes. */
export const parametersOf = (pixels: number, layers: number, width: number): number =>
  (pixels + 1) * width + (layers - 1) * (width + 1) * width + 10 * (width + 1);

/** WebAssembly memory that a run needs at the least: parameters, updates, slots, and the activations of a batch. */
export function deepMlpBytes(s: DeepMlpSettings, { train, test }: ImageData): number {
  const pixels = train.columns.x.shape[1];
  const slots = { sgd: 0, momentum: 1, adam: 2 }[s.optimizer];
  const rows = Math.max(s.batch, Math.min(1000, test.size)); // the test set is looked at by the thousand
  return 4 * ((2 + slots) * parametersOf(pixels, s.layers, s.width) + rows * (pixels + s.layers * s.width + 10));
}

/** Updates of a whole run. */
export const updatesOf = (s: DeepMlpSettings, examples: number): number =>
  s.epochs === null ? s.steps : s.epochs * Math.floor(examples / s.batch);

/**
 * The settings of a run, checked, with defaults where there are none.
 * Throws TypeError for an unknown name or a wrong kind, RangeError naming the first setting that is out of range, also for
 * these data or for the memory of WebAssembly.
 */
export function readDeepMlpSettings(given: Partial<DeepMlpSettings> | undefined, data: ImageData): DeepMlpSettings {
  const s = Object.freeze({
    ...deepMlpDefaults,
    ...readOptions(OWNER, given, rules as Rules<Partial<DeepMlpSettings>>),
  });
  const examples = data.train.size;
  if (s.batch > examples)
    throw new RangeError(
      `${OWNER}: "batch" expected at most the ${examples} training examples there are, got ${s.batch}`,
    );
  const updates = updatesOf(s, examples);
  if (updates > LARGEST.steps)
    throw new RangeError(`${OWNER}: ${s.epochs} epochs are ${updates} steps, more than ${LARGEST.steps}; give fewer`);
  const bytes = deepMlpBytes(s, data);
  if (bytes > WASM)
    throw new RangeError(
      `${OWNER}: ${s.layers} layers of ${s.width} units with batches of ${s.batch} need at least ${(bytes / 2 ** 30).toPrecision(3)} GiB, WebAssembly has 4; give a smaller network or batch`,
    );
  return s;
}
