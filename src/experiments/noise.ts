// What every experiment with and without gradient noise has: the same rows, the same names of its runs, the same gauge.
import { noiseStd } from "../optim/index.js";
import { flag, number } from "./settings.js";

const group = "The noise";

/**
 * The rows `noise`, `eta` and `gamma` of a table of settings; how much noise helps differs from one experiment to another.
 * Throws nothing. Example: `const settings = { ...noiseSettings(0.01), seed: setting.seed() }`
 */
export const noiseSettings = (eta: number) => ({
  noise: flag({ default: true, group, help: "train with it, without it, or both side by side" }),
  eta: number({ default: eta, atLeast: 0, group, argument: "variance", help: "of the noise at the first update" }),
  gamma: number({
    default: 0.55,
    atLeast: 0,
    float32: false,
    group,
    argument: "power",
    help: "how fast it falls: eta / (1 + t)^gamma",
  }),
});

/** Runs with and without noise, side by side. */
export const compareNoise = {
  setting: "noise",
  labels: { true: "with noise", false: "no noise" },
  phrases: { false: "without noise" },
} as const;

/** Its standard deviation, as the run goes. */
export const noiseGauge = {
  name: "noise std",
  at: (s: { noise: boolean; eta: number; gamma: number }, step: number): number | undefined =>
    s.noise ? noiseStd(s.eta, s.gamma, step) : undefined,
};
