// Initial weights. Every initialiser is (key, shape) -> host tensor; weights are [nIn, nOut].
import { checkNumber } from "../base/errors.js";
import type { Shape } from "../base/shape.js";
import { exp, type Key, normal as normalDraw, uniform as uniformDraw } from "../core/random.js";
import { full, type Tensor, zeros as zeroTensor } from "../core/tensor.js";

export type Initializer = (key: Key, shape: Shape) => Tensor;

/** All zero: the paper's bad start, from which only noise leads away. */
export const zeros: Initializer = (_, shape) => zeroTensor(shape);

/** One value everywhere. */
export function constant(value: number): Initializer {
  checkNumber("constant", "value", value, "that is finite", () => true);
  return (_, shape) => full(shape, value);
}

/** N(0, std^2); the paper's Simple Init has std 0.1. */
export function normal(std = 0.1): Initializer {
  checkNumber("normal", "std", std, ">= 0", (v) => v >= 0);
  return (key, shape) => normalDraw(key, shape, { std });
}

/** Uniform in [-limit, limit). */
export function uniform(limit: number): Initializer {
  checkNumber("uniform", "limit", limit, ">= 0", (v) => v >= 0);
  return (key, shape) => uniformDraw(key, shape, { low: -limit, high: limit });
}

/** N(0, 2 / nIn): keeps the scale of activations through ReLU layers. Source: He et al. 2015, equation 10. */
export const he: Initializer = (key, shape) => normalDraw(key, shape, { std: Math.sqrt(2 / shape[0]) });

/** Uniform with variance 2 / (nIn + nOut). Source: Glorot & Bengio 2010, equation 16. */
export const glorot: Initializer = (key, shape) => {
  const limit = Math.sqrt(6 / (shape[0] + shape[1]));
  return uniformDraw(key, shape, { low: -limit, high: limit });
};

/**
 * N(0, g^2 / nIn) with the gain g = sqrt(2) exp(1.2 / (max(nOut, 6) - 2.4)) of ReLU networks: random walk initialisation.
 * Source: Sussillo & Abbott 2014, arXiv 1412.6558, equation 17.
 */
export const sussilloAbbott: Initializer = (key, shape) => {
  const width = Math.max(shape[1], 6);
  const gain = Math.sqrt(2) * exp(1.2 / (width - 2.4));
  return normalDraw(key, shape, { std: gain / Math.sqrt(shape[0]) });
};
