// NaN, infinities, signed zeros, denormals and huge values, in every lane and in the tail.
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import * as ops from "../../src/ops/elementwise/index.js";
import { add, div, exp, log, mul, neg, relu, sigmoid, sub, tanh } from "../../src/ops/elementwise/index.js";
import { accuracy, softmax, softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import { matmul } from "../../src/ops/product/matmul.js";
import { sum } from "../../src/ops/reduce/reduce.js";
import { opsOf } from "./list.js";

const { fround } = Math;
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const special = [nan, inf, -inf, 0, -0, 1e-45, -1e-45, 1e-39, -1e-39, 1.17549435e-38, 3.4e38, -3.4e38, 1, -1, 0.1, -7];

/** f of every value of `special` turned by `shift`, so that each meets every lane; and its last ones in a tail. */
function everywhere(f: (x: Tensor) => Tensor): { x: number; got: number }[] {
  const out: { x: number; got: number }[] = [];
  for (let shift = 0; shift < special.length; shift++)
    for (const cut of [0, 3, 6, 9]) {
      const turned = [...special.slice(shift), ...special.slice(0, shift)].slice(cut);
      Array.from(f(tensor(turned)).data).forEach((got, i) => {
        out.push({ x: fround(turned[i]), got });
      });
    }
  return out;
}

/** What the float32 kernels promise: the double result, rounded; where it says so, 0 instead of denormals. */
const exact: [string, (x: Tensor) => Tensor, (x: number) => number][] = [
  ["neg", neg, (x) => -x],
  // x < 0 ? 0 : x: NaN and -0 pass
  ["relu", relu, (x) => (x < 0 ? 0 : x)],
  ["abs", ops.abs, Math.abs],
  ["square", ops.square, (x) => fround(x * x)],
  ["sqrt", ops.sqrt, (x) => fround(Math.sqrt(x))],
  ["rsqrt", ops.rsqrt, (x) => fround(1 / fround(Math.sqrt(x)))],
  ["reciprocal", ops.reciprocal, (x) => fround(1 / x)],
  ["leakyRelu", (x) => ops.leakyRelu(x, 0.5), (x) => (x > 0 ? x : fround(0.5 * x))],
  ["clip", (x) => ops.clip(x, -1, 0.5), (x) => (x < -1 ? -1 : x > 0.5 ? 0.5 : x)],
  ["clip with no upper limit", (x) => ops.clip(x, 0, inf), (x) => (x < 0 ? 0 : x)],
];

/** Phi at the values of `special`. */
const normalCdf = (x: number): number => {
  if (Math.abs(x) < 1e-30) return 0.5;
  return { 1: 0.8413447460685429, [-1]: 0.15865525393145707, 0.1: 0.539827837277029, [-7]: 1.279812543885835e-12 }[
    String(Math.round(x * 1e6) / 1e6)
  ]!;
};

const near: [string, (x: Tensor) => Tensor, (x: number) => number][] = [
  ["exp", exp, Math.exp],
  ["log", log, Math.log],
  ["tanh", tanh, Math.tanh],
  ["sin", ops.sin, Math.sin],
  ["cos", ops.cos, Math.cos],
  ["sigmoid", sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  ["softplus", ops.softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  // 0 at -Infinity, the limit, where the formula says NaN
  ["silu", ops.silu, (x) => (x < -100 ? -0 : x / (1 + Math.exp(-x)))],
  ["elu", ops.elu, (x) => (x >= 0 ? x : Math.expm1(x))],
  ["saturatingSigmoid", ops.saturatingSigmoid, (x) => Math.min(Math.max(1.2 / (1 + Math.exp(-x)) - 0.1, 0), 1)],
  ["saturatingTanh", ops.saturatingTanh, (x) => Math.min(Math.max(1.1 * Math.tanh(x), -1), 1)],
  // 0 at -Infinity, the limit, where the formula says NaN
  ["gelu", ops.gelu, (x) => (x < -100 ? -0 : x > 100 ? x : x * normalCdf(x))],
];

describe("special values of one input", () => {
  it("are looked at for every elementwise op of one float", () => {
    const named = [...exact, ...near].map(([name]) => name);
    const missing = [...opsOf(ops).values()]
      .filter(({ operands }) => operands.length === 1 && operands[0].dtype === "float32")
      .map(({ name }) => name)
      .filter((name) => !named.some((known) => known.split(" ")[0] === name));
    expect(missing, "no row in exact or near").toEqual([]);
  });

  it.each(exact)("%s is exact", (_, f, want) => {
    for (const { x, got } of everywhere(f)) expect(got, `of ${x}`).toBe(want(x));
  });

  it.each(near)("%s is as in double precision, with NaN, infinities and zeros exact", (_, f, truth) => {
    for (const { x, got } of everywhere(f)) {
      const want = fround(truth(x));
      if (Number.isFinite(want) && want !== 0)
        expect(Math.abs(got - want), `of ${x}`).toBeLessThan(Math.abs(want) * 1e-6 + 2e-45);
      else expect(got, `of ${x}`).toBe(want);
    }
  });
});

const pairs: [string, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number][] = [
  ["add", add, (a, b) => a + b],
  ["sub", sub, (a, b) => a - b],
  ["mul", mul, (a, b) => a * b],
  ["div", div, (a, b) => a / b],
  ["maximum", ops.maximum, Math.max],
  ["minimum", ops.minimum, Math.min],
  ["pow", ops.pow, (a, b) => (a === 1 || (a === -1 && Math.abs(b) === inf) ? 1 : a ** b)],
  ["equal", ops.equal, (a, b) => Number(a === b)],
  ["notEqual", ops.notEqual, (a, b) => Number(a !== b)],
  ["less", ops.less, (a, b) => Number(a < b)],
  ["lessEqual", ops.lessEqual, (a, b) => Number(a <= b)],
  ["greater", ops.greater, (a, b) => Number(a > b)],
  ["greaterEqual", ops.greaterEqual, (a, b) => Number(a >= b)],
];

describe("gradients at special values", () => {
  const slope = (f: (x: Tensor) => Tensor): number[] => Array.from(grad((x: Tensor) => sum(f(x)))(edges).data);
  const edges = tensor([inf, -inf, 0, -0, 3.4e38, -3.4e38, 100, -100]);

  it.each([
    ["abs", ops.abs, [1, -1, 0, -0, 1, -1, 1, -1]],
    ["softplus", ops.softplus, [1, 0, 0.5, 0.5, 1, 0, 1, 0]],
    ["gelu", ops.gelu, [1, 0, 0.5, 0.5, 1, 0, 1, 0]],
    ["elu", ops.elu, [1, 0, 1, 1, 1, 0, 1, 0]],
    ["leakyRelu", (x: Tensor) => ops.leakyRelu(x, 0.5), [1, 0.5, 0.5, 0.5, 1, 0.5, 1, 0.5]],
    ["clip", (x: Tensor) => ops.clip(x, 0, 100), [0, 0, 1, 1, 0, 0, 1, 0]],
    ["saturatingSigmoid", ops.saturatingSigmoid, [0, 0, fround(0.3), fround(0.3), 0, 0, 0, 0]],
    ["saturatingTanh", ops.saturatingTanh, [0, 0, fround(1.1), fround(1.1), 0, 0, 0, 0]],
  ] as const)("%s has the slope of its limits", (_, f, want) => {
    slope(f).forEach((got, i) => {
      expect(got, `at ${edges.data[i]}`).toBeCloseTo(want[i], 6);
    });
  });

  const by = (f: (a: Tensor, b: Tensor) => Tensor, a: number[], b: number[]): number[][] =>
    grad(([x, y]: Tensor[]) => sum(f(x, y)))([tensor(a), tensor(b)]).map((t) => Array.from(t.data));

  it("maximum and minimum halve it where both are equal, and give NaN to both where one is NaN", () => {
    expect(by(ops.maximum, [1, 2, 3, 0, nan, 1], [2, 2, 2, -0, 1, nan])).toEqual([
      [0, 0.5, 1, 0.5, nan, nan],
      [1, 0.5, 0, 0.5, nan, nan],
    ]);
    expect(by(ops.minimum, [1, 2, 3, 0, nan, 1], [2, 2, 2, -0, 1, nan])).toEqual([
      [1, 0.5, 0, 0.5, nan, nan],
      [0, 0.5, 1, 0.5, nan, nan],
    ]);
  });

  it("pow has none by an exponent where the base is 0, and none by a base where the exponent is 0", () => {
    expect(by(ops.pow, [0, 0, 0, 5, -2, -2, 0], [2, 0, 1, 0, 3, 2, 0.5])).toEqual([
      [0, 0, 1, 0, 12, -4, inf],
      [0, 0, 0, fround(Math.log(5)), nan, nan, 0],
    ]);
  });

  it("pow of a negative base is NaN by a number that is not whole, its gradients too", () => {
    // 1 + 2^-23, 2 + 2^-22, 5 + 2^-21, 2^20 - 1/16: fractions in the last bit of a float
    const b = [1.0000001192092896, 2.000000238418579, 5.000000476837158, 1048575.9375, -3.000000238418579];
    const a = [-2, -3, -2, -1.5, -2];
    expect(Array.from(ops.pow(tensor(a), tensor(b)).data)).toEqual(a.map(() => nan));
    expect(by(ops.pow, a, b)).toEqual([a.map(() => nan), a.map(() => nan)]);
    expect(by(ops.pow, [-2, -2], [3, 2])[0]).toEqual([12, -4]);
    expect(Array.from(ops.pow(tensor([-0, -inf]), 1.0000001192092896).data)).toEqual([0, inf]);
  });

  it("what where does not take has none, even where its own slope is infinite", () => {
    const safe = (x: Tensor): Tensor => ops.where(ops.greater(x, 0), ops.sqrt(x), 0);
    expect(
      Array.from(grad((x: Tensor) => sum(ops.maximum(ops.where(ops.greater(x, 0), x, 1), 0)))(edges).data),
    ).toEqual([1, 0, 0, 0, 1, 0, 1, 0]);
    expect(Array.from(safe(tensor([4, -1, 0])).data)).toEqual([2, 0, 0]);
  });

  it("NaN stays NaN in what is smooth", () => {
    for (const f of [ops.softplus, ops.gelu, ops.elu])
      expect(Array.from(grad((x: Tensor) => sum(f(x)))(tensor([nan])).data)).toEqual([nan]);
  });
});

describe.each(pairs)("special values of %s", (_, op, f) => {
  const want = special.flatMap((a) => special.map((b) => fround(f(fround(a), fround(b)))));
  const n = special.length;

  it("are IEEE's when a column meets a row", () => {
    expect(Array.from(op(tensor(special, [n, 1]), tensor(special)).data)).toEqual(want);
  });

  it("are IEEE's when shapes are equal", () => {
    const a = tensor(special.flatMap((v) => special.map(() => v)));
    const b = tensor(special.flatMap(() => special));
    expect(Array.from(op(a, b).data)).toEqual(want);
  });

  it("are IEEE's when one side is a scalar", () => {
    const left = special.flatMap((a) => Array.from(op(tensor(a), tensor(special)).data));
    const right = special.map((b) => Array.from(op(tensor(special), tensor(b)).data));
    expect(left).toEqual(want);
    expect(special.flatMap((_, i) => right.map((column) => column[i]))).toEqual(want);
  });
});

describe("conditions and whole numbers", () => {
  const ints = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });

  it("a float condition counts as true unless it is 0 or -0", () => {
    expect(Array.from(ops.where(tensor([1, 0, -0, nan, -inf, 1e-45, -1e-45]), 1, 2).data)).toEqual([
      1, 2, 2, 1, 1, 1, 1,
    ]);
  });

  it("an int32 condition counts as true unless it is 0", () => {
    expect(Array.from(ops.where(ints(1, 0, -1, -(2 ** 31), 2 ** 31 - 1), 1, 2).data)).toEqual([1, 2, 1, 1, 1]);
  });

  it("a float condition has a gradient of 0", () => {
    const f = ([c, a]: Tensor[]): Tensor => sum(ops.where(c, a, 3));
    expect(grad(f)([tensor([1, 0]), tensor([5, 6])]).map((t) => Array.from(t.data))).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it("int32 tensors compare beyond the 24 bits of a float, with numbers too", () => {
    const x = ints(2 ** 24, 2 ** 24 + 1, -(2 ** 31));
    expect(Array.from(ops.equal(x, 2 ** 24 + 1).data)).toEqual([0, 1, 0]);
    expect(Array.from(ops.less(2 ** 24, x).data)).toEqual([0, 1, 0]);
    expect(Array.from(ops.greaterEqual(x, ints(2 ** 24 + 1)).data)).toEqual([0, 1, 0]);
  });

  it("an int32 tensor beside a float compares as float", () => {
    expect(Array.from(ops.less(ints(1, 2, 3), 2.5).data)).toEqual([1, 1, 0]);
    expect(Array.from(ops.greater(tensor([1.5, 2.5]), ints(2)).data)).toEqual([0, 1]);
  });
});

describe("softmax of special values", () => {
  it("stays finite for logits of any size", () => {
    expect(Array.from(softmax(tensor([3e38, -3e38, 3e38, 0, 1])).data)).toEqual([0.5, 0, 0.5, 0, 0]);
  });

  it("gives nothing to -Infinity, and NaN to a whole row with NaN or Infinity", () => {
    expect(Array.from(softmax(tensor([-inf, 1, 1])).data)).toEqual([0, 0.5, 0.5]);
    for (const bad of [nan, inf])
      for (let position = 0; position < 9; position++) {
        const rows = tensor(
          Array.from({ length: 18 }, (_, i) => (i === position ? bad : 1)),
          [2, 9],
        );
        const out = Array.from(softmax(rows).data);
        expect(out.slice(0, 9).some(Number.isNaN)).toBe(true);
        expect(out.slice(9)).toEqual(Array(9).fill(fround(1 / 9)));
      }
  });

  it("costs the distance to the largest logit where exp would overflow", () => {
    expect(softmaxCrossEntropy(tensor([[1000, 0]]), tensor([1], { dtype: "int32" })).item()).toBe(1000);
    expect(softmaxCrossEntropy(tensor([[1000, 0]]), tensor([0], { dtype: "int32" })).item()).toBe(0);
  });

  it("counts the first of equal logits as the answer", () => {
    expect(accuracy(tensor([[1, 3, 3]]), tensor([1], { dtype: "int32" })).item()).toBe(1);
    expect(accuracy(tensor([[1, 3, 3]]), tensor([2], { dtype: "int32" })).item()).toBe(0);
  });
});

describe("denormals in a product", () => {
  it("are not flushed", () => {
    expect(matmul(tensor([[1e-40]]), tensor([[2]])).item()).toBe(fround(fround(1e-40) * 2));
  });
});
