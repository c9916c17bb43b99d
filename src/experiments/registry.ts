// What there is to run: a line an experiment.
export { deepMlp } from "./deep-mlp/experiment.js";
export { digitsCheck } from "./digits-check/experiment.js";
export { spirals } from "./spirals/experiment.js";
