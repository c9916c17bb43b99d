// Settings of the deep MLP experiment, their defaults and their checks.
import { checkInteger, checkNumber, show } from "../base/errors.js";
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

/** Throws RangeError or TypeError naming the first setting that is out of range. */
export function checkDeepMlpSettings(s: DeepMlpSettings, examples: number): void {
  const owner = "deepMlp";
  const one = (name: "init" | "optimizer", known: readonly string[]): void => {
    if (!known.includes(s[name]))
      throw new RangeError(`${owner}: "${name}" expected one of ${known.join(", ")}, got ${show(s[name])}`);
  };
  one("init", Object.keys(INITS));
  one("optimizer", OPTIMIZERS);
  checkNumber(owner, "bias", s.bias, "", () => true);
  checkNumber(owner, "eta", s.eta, ">= 0", (v) => v >= 0);
  checkNumber(owner, "gamma", s.gamma, ">= 0", (v) => v >= 0);
  if (s.clip !== null) checkNumber(owner, "clip", s.clip, "> 0, or null", (v) => v > 0);
  checkNumber(owner, "learningRate", s.learningRate, "> 0", (v) => v > 0);
  checkNumber(owner, "dropout", s.dropout, "in 0 <= dropout < 1", (v) => v >= 0 && v < 1);
  checkInteger(owner, "batch", s.batch, 1);
  if (s.batch > examples)
    throw new RangeError(
      `${owner}: "batch" expected at most the ${examples} training examples there are, got ${s.batch}`,
    );
  checkInteger(owner, "layers", s.layers, 1);
  checkInteger(owner, "width", s.width, 1);
  checkInteger(owner, "steps", s.steps, 1);
  if (s.epochs !== null) checkInteger(owner, "epochs", s.epochs, 1);
  checkInteger(owner, "seed", s.seed);
}
