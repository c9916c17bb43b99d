// How hard the drawn digits are: a linear model must stay <= 90 %, the paper's network from He init must reach >= 97 %.
// Both are trained to the best of what is known, with a learning rate that falls in a line to 0.
import type { ImageData } from "../../data/index.js";
import * as nn from "../../nn/index.js";
import { adam, chain, clipByGlobalNorm, linearDecay, sgd } from "../../optim/index.js";
import { classifierTask } from "../classifier.js";
import { images } from "../data.js";
import { defineExperiment } from "../experiment.js";
import { choice, seed } from "../settings.js";

const recipes = {
  linear: {
    steps: 6400,
    model: (pixels: number) => nn.mlp([pixels, 10], { init: nn.init.zeros }),
    optimizer: (steps: number) => adam(linearDecay(2e-3, { from: steps / 4, steps })),
  },
  he: {
    steps: 4800,
    model: (pixels: number) => nn.mlp([pixels, ...Array<number>(20).fill(50), 10], { init: nn.init.he }),
    optimizer: (steps: number) => chain(clipByGlobalNorm(10), sgd(linearDecay(0.05, { from: steps / 2, steps }))),
  },
};

/** A linear model and the paper's network, each with what it must reach. */
export const digitsCheck = defineExperiment({
  name: "digits-check",
  title: "how hard the drawn digits are",
  about: "Train a linear model and the paper's network on the drawn digits: <= 90 % and >= 97 % are expected.",
  settings: {
    model: choice(["linear", "he"], {
      default: "linear",
      group: "The network",
      help: "a linear model, or 20 x 50 from He init",
    }),
    seed: seed(),
  },
  compare: {
    setting: "model",
    labels: { linear: "linear model", he: "20 x 50 network" },
    phrases: { linear: "of the linear model", he: "of the 20 x 50 network" },
  },
  data: images,
  task(data: ImageData, { model, seed }) {
    const { steps, model: build, optimizer } = recipes[model];
    return classifierTask({
      data,
      model: build(data.train.columns.x.shape[1]),
      optimizer: optimizer(steps),
      batch: 100,
      total: steps,
      seed,
    });
  },
  metrics: { accuracy: { better: "higher", unit: "share", chance: 0.1, learned: 0.8 } },
  presets: { both: { about: "both models, and what is expected of each", settings: {} } },
  report: { describe: () => "Drawn digits", opening: () => "On these digits" },
  expected: { linear: { figure: "bestAccuracy", atMost: 0.9 }, he: { figure: "accuracy", atLeast: 0.97 } },
  seeds: 1,
});
