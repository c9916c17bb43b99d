// Oracles of the elementwise ops.
import { add, div, exp, log, mul, neg, relu, sigmoid, sub, tanh } from "../../../src/ops/elementwise.js";
import { binary, type Oracles, unary } from "./case.js";

export const elementwiseOracles: Oracles = {
  expOp: unary(exp, Math.exp, 2e-7, "any"),
  logOp: unary(log, Math.log, 2e-7, "positive"),
  tanhOp: unary(tanh, Math.tanh, 4e-7, "any"),
  sigmoidOp: unary(sigmoid, (x) => 1 / (1 + Math.exp(-x)), 2e-7, "any"),
  reluOp: unary(relu, (x) => Math.max(x, 0), 0, "away"),
  negOp: unary(neg, (x) => -x, 0, "any"),
  addOp: binary(add, (a, b) => a + b, "any"),
  subOp: binary(sub, (a, b) => a - b, "any"),
  mulOp: binary(mul, (a, b) => a * b, "any"),
  divOp: binary(div, (a, b) => a / b, "away"),
};
