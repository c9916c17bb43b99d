// Oracles of the elementwise ops.
import fc from "fast-check";
import * as ops from "../../../src/ops/elementwise/index.js";
import { binary, type Case, type Oracle, type Oracles, together, unary, type Values } from "../case.js";
import { at, broadcast, build } from "../doubles.js";

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

/** (1 + erf(x / sqrt(2))) / 2: x phi(x) (1 + x^2 / 3 + x^4 / 15 + ...) + 1/2. Source: Abramowitz & Stegun 26.2.11. */
function normalCdf(x: number): number {
  let term = x;
  let total = x;
  for (let k = 3; Math.abs(term) > 1e-20; k += 2) {
    term *= (x * x) / k;
    total += term;
  }
  return 0.5 + (total * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
const gate = (x: number): number => clamp(1.2 / (1 + Math.exp(-x)) - 0.1, 0, 1);
const clamp = (x: number, min: number, max: number): number => Math.min(Math.max(x, min), max);

/** On floats, and on whole numbers of both dtypes. */
function comparison(op: typeof ops.equal, f: (a: number, b: number) => boolean): Oracle {
  const of = (a: Values, b: Values): Oracle => binary(op, (x, y) => (f(x, y) ? 1 : 0), b, { a, differentiable: false });
  const whole: Values = { labels: 4 };
  return either(of("distinct", "distinct"), of(whole, whole), of(whole, "distinct"), of("any", whole));
}

const where = (shapes: readonly (readonly number[])[]): Case => ({
  shapes,
  values: [{ labels: 2 }, "any", "any"],
  apply: ([condition, a, b]) => ops.where(condition, a, b),
  oracle: ([condition, a, b]) =>
    build(broadcast(condition.shape, broadcast(a.shape, b.shape)), (i) => at(at(condition, i) ? a : b, i)),
});

export const elementwiseOracles: Oracles = {
  expOp: unary(ops.exp, Math.exp, 2e-7, "any"),
  logOp: unary(ops.log, Math.log, 2e-7, "positive"),
  negOp: unary(ops.neg, (x) => -x, 0, "any"),
  absOp: unary(ops.abs, Math.abs, 0, "away"),
  squareOp: unary(ops.square, (x) => x * x, 0, "any"),
  sqrtOp: unary(ops.sqrt, Math.sqrt, 0, "positive"),
  rsqrtOp: unary(ops.rsqrt, (x) => 1 / Math.sqrt(x), 1e-7, "positive"),
  reciprocalOp: unary(ops.reciprocal, (x) => 1 / x, 0, "away"),
  sinOp: unary(ops.sin, Math.sin, 2e-7, "any"),
  cosOp: unary(ops.cos, Math.cos, 2e-7, "any"),
  clipOp: either(clip(-0.45, 9), clip(-9, 0.45), clip(-0.4, 0.3)),
  tanhOp: unary(ops.tanh, Math.tanh, 4e-7, "any"),
  sigmoidOp: unary(ops.sigmoid, (x) => 1 / (1 + Math.exp(-x)), 2e-7, "any"),
  reluOp: unary(ops.relu, (x) => Math.max(x, 0), 0, "away"),
  softplusOp: unary(ops.softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 2e-7, "any"),
  siluOp: unary(ops.silu, (x) => x / (1 + Math.exp(-x)), 4e-7, "any"),
  geluOp: unary(ops.gelu, (x) => x * normalCdf(x), 2e-7, "any"),
  eluOp: either(
    unary(ops.elu, (x) => (x > 0 ? x : Math.expm1(x)), 2e-7, "any"),
    unary(
      (x) => ops.elu(x, 0.3),
      (x) => (x > 0 ? x : Math.fround(0.3) * Math.expm1(x)),
      2e-7,
      "away",
    ),
  ),
  leakyReluOp: either(
    unary(ops.leakyRelu, (x) => (x > 0 ? x : Math.fround(0.01) * x), 0, "away"),
    unary(
      (x) => ops.leakyRelu(x, -0.5),
      (x) => (x > 0 ? x : -0.5 * x),
      0,
      "away",
    ),
  ),
  // cut from 2.3979 on, which no value comes near; then scaled, so that "away" stands on both sides of it
  saturatingSigmoidOp: either(
    unary(ops.saturatingSigmoid, gate, 3e-7, "any"),
    unary(
      (x) => ops.saturatingSigmoid(ops.mul(x, 8)),
      (x) => gate(8 * x),
      3e-7,
      "away",
    ),
  ),
  saturatingTanhOp: either(
    unary(ops.saturatingTanh, (x) => 1.1 * Math.tanh(x), 4e-7, "inner"),
    unary(
      (x) => ops.saturatingTanh(ops.mul(x, 4)),
      (x) => clamp(1.1 * Math.tanh(4 * x), -1, 1),
      4e-7,
      "away",
    ),
  ),
  addOp: binary(ops.add, (a, b) => a + b, "any"),
  subOp: binary(ops.sub, (a, b) => a - b, "any"),
  mulOp: binary(ops.mul, (a, b) => a * b, "any"),
  divOp: binary(ops.div, (a, b) => a / b, "away"),
  // distinct values are multiples of 1/16: none comes near to another moved by 1/32
  maximumOp: binary(
    (a, b) => ops.maximum(a, ops.add(b, 1 / 32)),
    (a, b) => Math.max(a, b + 1 / 32),
    "distinct",
    { a: "distinct" },
  ),
  minimumOp: binary(
    (a, b) => ops.minimum(a, ops.add(b, 1 / 32)),
    (a, b) => Math.min(a, b + 1 / 32),
    "distinct",
    { a: "distinct" },
  ),
  powOp: binary(ops.pow, (a, b) => a ** b, "any", { a: "positive", tolerance: 1e-7 }),
  equalOp: comparison(ops.equal, (a, b) => a === b),
  notEqualOp: comparison(ops.notEqual, (a, b) => a !== b),
  lessOp: comparison(ops.less, (a, b) => a < b),
  lessEqualOp: comparison(ops.lessEqual, (a, b) => a <= b),
  greaterOp: comparison(ops.greater, (a, b) => a > b),
  greaterEqualOp: comparison(ops.greaterEqual, (a, b) => a >= b),
  whereOp: {
    line: (n) => where([[n], [n], [n]]),
    random: together(3).map(where),
    tolerance: 0,
    differentiable: true,
  },
};
