// The paper's first experiment: a very deep ReLU network on digits, with annealed gradient noise or without.
// Source: Neelakantan et al. 2015, arXiv 1511.06807, section 4.1 and Table 1.
import { images } from "../data.js";
import { defineExperiment } from "../experiment.js";
import { compareNoise, noiseGauge, noiseSettings } from "../noise.js";
import { choice, integer, number, seed } from "../settings.js";
import { INITS, parametersOf } from "./model.js";
import { deepMlpBytes, deepMlpTask, OPTIMIZERS, updatesOf } from "./task.js";

const MOST = 2 ** 31 - 1; // updates: their count fits the noise's counter
const LAYERS = 9999; // the most that is sensible
const WIDTH = 99_999;

const STARTS = {
  zero: ["All-zero", "all-zero weights"],
  simple: ["Simple", "weights of N(0, 0.1^2)"],
  "sussillo-abbott": ["Sussillo & Abbott", "the weights of Sussillo & Abbott"],
  he: ["He", "the weights of He et al."],
} as const;

const network = "The network";
const training = "Training";
const [first, ...others] = Object.keys(INITS) as (keyof typeof INITS)[];

/** The all-zero start. eta is 0.03, which escapes in a quarter of the steps that the paper's 0.01 needs (within 30,000). */
export const deepMlp = defineExperiment({
  name: "deep-mlp",
  title: "a very deep network on digits, with gradient noise and without",
  about: `Train a very deep ReLU network on digits, with gradient noise and without.

Gradient noise is N(0, eta / (1 + t)^gamma), added to every gradient after clipping. By default: 20 hidden layers from all-zero weights, on digits that need no download, three seeds.`,
  source: "Neelakantan et al. 2015, arXiv 1511.06807, section 4.1",
  settings: {
    init: choice([first, ...others], {
      default: "zero",
      group: network,
      help: "initial weights; simple is N(0, 0.1^2)",
    }),
    bias: number({ default: 0, group: network, help: "initial value of every bias", example: 0.1 }),
    ...noiseSettings(0.03),
    clip: number({
      default: 10 as number | null,
      above: 0,
      optional: true,
      group: training,
      argument: "norm",
      help: "greatest global norm of a gradient, or none",
    }),
    learningRate: number({ default: 0.1, above: 0, group: training, help: "of the optimizer" }),
    batch: integer({ default: 100, from: 1, group: training, argument: "examples", help: "in each update" }),
    layers: integer({ default: 20, from: 1, to: LAYERS, group: network, help: "hidden layers" }),
    width: integer({
      default: 50,
      from: 1,
      to: WIDTH,
      group: network,
      argument: "units",
      help: "in each hidden layer",
    }),
    steps: integer({ default: 6000, from: 1, to: MOST, group: training, help: "updates in each run" }),
    epochs: integer({
      default: null as number | null,
      from: 1,
      to: MOST,
      group: training,
      example: 10,
      insteadOf: "steps",
      help: "times through the data, instead of --steps",
    }),
    seed: seed(),
    optimizer: choice(OPTIMIZERS, { default: "sgd", group: training, help: "momentum is SGD with momentum 0.9" }),
    dropout: number({
      default: 0,
      atLeast: 0,
      below: 1,
      group: network,
      argument: "probability",
      example: 0.5,
      help: "of dropping a hidden unit",
    }),
  },
  joined: {
    hidden: {
      settings: ["layers", "width"],
      by: "x",
      argument: "LxN",
      help: "L hidden ReLU layers of N units",
      check: ([layers, width]) => {
        if (layers > LAYERS || width > WIDTH) throw new RangeError(`at most ${LAYERS}x${WIDTH}`);
        const gib = (8 * parametersOf(0, layers, width)) / 2 ** 30; // what is known before the data: parameters and updates
        if (gib > 4)
          throw new RangeError(
            `less than the ${Math.round(gib)} GiB that its parameters and updates need (WebAssembly has 4)`,
          );
      },
    },
  },
  compare: compareNoise,
  data: images,
  check(s, { train }) {
    if (s.batch > train.size)
      throw new RangeError(
        `deepMlp: "batch" expected at most the ${train.size} training examples there are, got ${s.batch}`,
      );
    const updates = updatesOf(s, train.size);
    if (updates > MOST)
      throw new RangeError(`deepMlp: ${s.epochs} epochs are ${updates} steps, more than ${MOST}; give fewer`);
  },
  bytes: deepMlpBytes,
  task: deepMlpTask,
  metrics: { accuracy: { better: "higher", unit: "share", chance: 0.1, learned: 0.8 } },
  presets: {
    "dead-start": {
      about: "the defaults: noise makes the all-zero start learn, without it nothing moves",
      settings: { init: "zero" },
    },
    "good-start": { about: "a good start needs no noise", settings: { init: "he", seed: 1, steps: 2000 } },
    mnist: {
      about: "on the four files of MNIST in mnist/, for another program",
      settings: { steps: 8000 },
      words: "--data mnist/ --json",
    },
    "simple-start": {
      about: "experiment 3 of the paper's Table 1, with log and checkpoints in simple/",
      settings: { init: "simple", bias: 0.1, eta: 0.01, steps: 20_000 },
      words: "--data mnist/ --out simple/",
    },
  },
  report: {
    describe: (s) =>
      [
        `${STARTS[s.init][0]} init`,
        ...(s.bias ? [`biases ${s.bias}`] : []),
        s.clip === null ? "no clipping" : `clip ${s.clip}`,
        ...(s.dropout ? [`dropout ${s.dropout}`] : []),
        ...(s.optimizer === "sgd" ? [] : [s.optimizer]),
      ].join(", "),
    opening: (s) => `From ${STARTS[s.init][1]} through ${s.layers} hidden layer${s.layers === 1 ? "" : "s"}`,
    next: (s) =>
      s.init === "zero"
        ? ["a good start, which needs no noise:", "good-start"]
        : ["the start that cannot do without noise:", "dead-start"],
    gauge: noiseGauge,
  },
});
