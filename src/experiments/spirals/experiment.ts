// The impatient's experiment: two spirals told apart by a small network from an all-zero start, with gradient noise or without.
import * as nn from "../../nn/index.js";
import { adam, addNoise, chain } from "../../optim/index.js";
import { classifierTask } from "../classifier.js";
import type { LabelledData } from "../data.js";
import { defineExperiment } from "../experiment.js";
import { compareNoise, noiseGauge, noiseSettings } from "../noise.js";
import { choice, integer, number, seed } from "../settings.js";
import { spirals as data } from "./data.js";

const INITS = { zero: nn.init.zeros, he: nn.init.he } as const;

/** Two seconds, on a laptop, for two seeds with noise and without. */
export const spirals = defineExperiment({
  name: "spirals",
  title: "two spirals told apart from an all-zero start: two seconds",
  about: `Tell two spirals apart with a small ReLU network, with gradient noise and without.

By default its weights start at zero, where every hidden unit is the same and nothing can be learned without noise.`,
  settings: {
    layers: integer({ default: 3, from: 1, to: 99, group: "The network", help: "hidden ReLU layers" }),
    width: integer({ default: 24, from: 1, to: 999, group: "The network", argument: "units", help: "in each of them" }),
    init: choice(["zero", "he"], { default: "zero", group: "The network", help: "initial weights" }),
    ...noiseSettings(0.01),
    learningRate: number({ default: 0.01, above: 0, group: "Training", help: "of Adam" }),
    batch: integer({ default: 50, from: 1, to: 1000, group: "Training", argument: "examples", help: "in each update" }),
    steps: integer({ default: 3000, from: 1, to: 1_000_000, group: "Training", help: "updates in each run" }),
    seed: seed(),
  },
  compare: compareNoise,
  data,
  task: (set: LabelledData, s) =>
    classifierTask({
      data: set,
      model: nn.mlp([2, ...Array<number>(s.layers).fill(s.width), 2], { init: INITS[s.init] }),
      optimizer: chain(
        ...(s.noise ? [addNoise({ eta: s.eta, gamma: s.gamma, seed: s.seed })] : []),
        adam(s.learningRate),
      ),
      batch: s.batch,
      total: s.steps,
      seed: s.seed,
    }),
  metrics: { accuracy: { better: "higher", unit: "share", chance: 0.5, learned: 0.9 } },
  presets: {
    "dead-start": { about: "the defaults: without noise an all-zero start stays dead", settings: {} },
    "good-start": { about: "a good start needs no noise", settings: { init: "he" } },
  },
  report: {
    describe: (s) => `${s.layers} x ${s.width} units, ${s.init === "zero" ? "all-zero" : "He"} init`,
    opening: (s) => `On two spirals, from ${s.init === "zero" ? "all-zero" : "He's"} weights`,
    next: (s) =>
      s.init === "zero"
        ? ["a good start, which needs no noise:", "good-start"]
        : ["the start that cannot do without noise:", "dead-start"],
    gauge: noiseGauge,
  },
  seeds: 2,
});
