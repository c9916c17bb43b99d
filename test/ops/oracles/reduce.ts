// Oracles of the reductions.
import { max, mean, sum } from "../../../src/ops/reduce.js";
import { type Oracles, reduction, total } from "./case.js";

export const reduceOracles: Oracles = {
  sumOp: reduction(sum, total, 2e-6, "any"),
  meanOp: reduction(mean, (v) => total(v) / v.length, 2e-6, "any"),
  maxOp: reduction(max, (v) => Math.max(...v), 0, "distinct"),
};
