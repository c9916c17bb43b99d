// Oracles of the reductions over any axes.
import { logSumExp, norm, prod } from "../../../src/ops/reduce/norm.js";
import { max, mean, min, sum } from "../../../src/ops/reduce/reduce.js";
import { type Oracles, reduction, total } from "../case.js";

const logSumExpOf = (v: readonly number[]): number => {
  const top = Math.max(...v);
  return top + Math.log(total(v.map((x) => Math.exp(x - top))));
};

export const reduceOracles: Oracles = {
  sumOp: reduction(sum, total, 2e-6, "any"),
  meanOp: reduction(mean, (v) => total(v) / v.length, 2e-6, "any"),
  maxOp: reduction(max, (v) => Math.max(...v), 0, "distinct"),
  minOp: reduction(min, (v) => Math.min(...v), 0, "distinct"),
  prodOp: reduction(prod, (v) => v.reduce((p, x) => p * x, 1), 2e-5, "away"),
  normOp: reduction(norm, (v) => Math.sqrt(total(v.map((x) => x * x))), 2e-7, "away"),
  logSumExpOp: reduction(logSumExp, logSumExpOf, 1e-6, "any"),
};
