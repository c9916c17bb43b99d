// Oracles of layer and batch normalisation.
import fc from "fast-check";
import type { Tensor } from "../../../src/core/tensor.js";
import { concat, reshape } from "../../../src/ops/layout/layout.js";
import { batchNorm, batchStatistics, layerNorm } from "../../../src/ops/reduce/normalise.js";
import { type Case, type Oracle, type Oracles, small, total, type Values } from "../case.js";
import { at, build, type Doubles, indices } from "../doubles.js";

const meanOf = (values: readonly number[]): number => total(values) / values.length;
const varianceOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return meanOf(values.map((v) => (v - mean) * (v - mean)));
};

/** Every value of x at which the axes that `same` names have the given indices. */
const group = (x: Doubles, index: readonly number[], same: (axis: number) => boolean): number[] =>
  indices(x.shape)
    .filter((other) => other.every((i, d) => !same(d) || i === index[d]))
    .map((other) => at(x, other));

type Groups = (x: Doubles, index: number[], each: Doubles[]) => { mean: number; variance: number };

const epsilon = 0.01;

const normCase = (
  shape: readonly number[],
  extra: Values[],
  apply: (inputs: Tensor[]) => Tensor,
  groups: Groups,
): Case => {
  const last = shape.length - 1;
  const each = [shape[last]];
  return {
    shapes: [shape, each, each, ...extra.map(() => each)],
    values: ["any", "any", "any", ...extra],
    apply,
    oracle: ([x, scale, offset, ...rest]) =>
      build(shape, (index) => {
        const { mean, variance } = groups(x, index, rest);
        const i = index.slice(last);
        return ((at(x, index) - mean) / Math.sqrt(variance + epsilon)) * at(scale, i) + at(offset, i);
      }),
  };
};

const layerCase = (shape: readonly number[]): Case =>
  normCase(
    shape,
    [],
    ([x, scale, offset]) => layerNorm(x, scale, offset, { epsilon }),
    (x, index) => {
      const values = group(x, index, (d) => d < shape.length - 1);
      return { mean: meanOf(values), variance: varianceOf(values) };
    },
  );

const batchCase = (shape: readonly number[]): Case =>
  normCase(
    shape,
    [],
    ([x, scale, offset]) => batchNorm(x, scale, offset, { epsilon }),
    (x, index) => {
      const values = group(x, index, (d) => d === shape.length - 1);
      return { mean: meanOf(values), variance: varianceOf(values) };
    },
  );

const givenCase = (shape: readonly number[]): Case =>
  normCase(
    shape,
    ["any", "positive"],
    ([x, scale, offset, mean, variance]) => batchNorm(x, scale, offset, { epsilon, mean, variance }),
    (_, index, [mean, variance]) => {
      const i = index.slice(-1);
      return { mean: at(mean, i), variance: at(variance, i) };
    },
  );

const statisticsCase = (shape: readonly number[]): Case => {
  const n = shape[shape.length - 1];
  return {
    shapes: [shape],
    values: ["any"],
    apply: ([x]) => {
      const { mean, variance } = batchStatistics(x);
      return concat([reshape(mean, [1, n]), reshape(variance, [1, n])]);
    },
    oracle: ([x]) =>
      build([2, n], ([which, i]) => {
        const values = group(x, [...shape.slice(1), i], (d) => d === shape.length - 1);
        return which === 0 ? meanOf(values) : varianceOf(values);
      }),
  };
};

const normOracle = (of: (shape: number[]) => Case, line: (n: number) => number[], differentiable = true): Oracle => ({
  line: (n) => of(line(n)),
  random: fc
    .tuple(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }), small)
    .map(([lead, n]) => of([...lead, n])),
  tolerance: 1e-5,
  differentiable,
});

export const normaliseOracles: Oracles = {
  layerNormOp: normOracle(layerCase, (n) => [3, n]),
  batchNormOp: normOracle(batchCase, (n) => [3, n]),
  normaliseOp: normOracle(givenCase, (n) => [3, n]),
  batchStatisticsOp: normOracle(statisticsCase, (n) => [3, n], false),
};
