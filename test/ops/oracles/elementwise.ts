// Oracles of the elementwise ops.
import fc from "fast-check";
import * as ops from "../../../src/ops/elementwise.js";
import { binary, type Oracle, type Oracles, unary } from "./case.js";

/** The random cases of several oracles. */
const either = (first: Oracle, ...others: Oracle[]): Oracle => ({
  ...first,
  random: fc.oneof(first.random, ...others.map((o) => o.random)),
});
const clip = (min: number, max: number): Oracle =>
  unary(
    (x) => ops.clip(x, min, max),
    (x) => Math.min(Math.max(x, Math.fround(min)), Math.fround(max)),
    0,
    "away",
  );

export const elementwiseOracles: Oracles = {
  expOp: unary(ops.exp, Math.exp, 2e-7, "any"),
  logOp: unary(ops.log, Math.log, 2e-7, "positive"),
  negOp: unary(ops.neg, (x) => -x, 0, "any"),
  absOp: unary(ops.abs, Math.abs, 0, "away"),
  squareOp: unary(ops.square, (x) => x * x, 0, "any"),
  sqrtOp: unary(ops.sqrt, Math.sqrt, 0, "positive"),
  rsqrtOp: unary(ops.rsqrt, (x) => 1 / Math.sqrt(x), 1e-7, "positive"),
  reciprocalOp: unary(ops.reciprocal, (x) => 1 / x, 0, "away"),
  clipOp: either(clip(-0.45, 9), clip(-9, 0.45), clip(-0.4, 0.3)),
  tanhOp: unary(ops.tanh, Math.tanh, 4e-7, "any"),
  sigmoidOp: unary(ops.sigmoid, (x) => 1 / (1 + Math.exp(-x)), 2e-7, "any"),
  reluOp: unary(ops.relu, (x) => Math.max(x, 0), 0, "away"),
  addOp: binary(ops.add, (a, b) => a + b, "any"),
  subOp: binary(ops.sub, (a, b) => a - b, "any"),
  mulOp: binary(ops.mul, (a, b) => a * b, "any"),
  divOp: binary(ops.div, (a, b) => a / b, "away"),
};
