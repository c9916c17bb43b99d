// customGrad, recompute and stopGradient against the same function written plainly.
import { describe, expect, it } from "vitest";
import {
  createTrainer,
  customGrad,
  digest,
  exp,
  grad,
  linear,
  mul,
  nn,
  optim,
  random,
  recompute,
  relu,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
} from "../../src/index.js";

const x = tensor([
  [0.5, -1, 2],
  [1.5, 0.25, -0.75],
]);

describe("stopGradient", () => {
  it("lets values through and no gradient", () => {
    const { value, gradients } = valueAndGrad((p: Tensor) => sum(mul(stopGradient(p), p)))(x);
    expect(value).toBe(8.125);
    expect(gradients.toArray()).toEqual(x.toArray());
  });
});

describe("customGrad", () => {
  it("uses the gradient that backward returns", () => {
    const tripled = customGrad((a) => ({ value: a.mul(2), backward: (g) => [g.mul(3)] }));
    const { value, gradients } = valueAndGrad((p: Tensor) => sum(tripled(p)))(x);
    expect(value).toBe(5);
    expect(gradients.toArray()).toEqual([
      [3, 3, 3],
      [3, 3, 3],
    ]);
  });

  it("with the true gradient equals the op it replaces, bit for bit", () => {
    const own = customGrad((a) => {
      const y = exp(a);
      return { value: y, backward: (g) => [g.mul(y)] };
    });
    expect(digest(grad((p: Tensor) => sum(mul(own(p), p)))(x))).toBe(
      digest(grad((p: Tensor) => sum(mul(exp(p), p)))(x)),
    );
  });

  it("names the input whose gradient has another shape", () => {
    const wrong = customGrad((a) => ({ value: a, backward: () => [tensor([1])] }));
    expect(() => grad((p: Tensor) => sum(wrong(p)))(x)).toThrow(
      "customGrad: backward returned shape [1] for input 0, whose shape is [2, 3]",
    );
  });

  it("outside of a scope gives the value", () => {
    expect(customGrad((a) => ({ value: a.mul(2), backward: (g) => [g] }))(tensor([1, 2])).toArray()).toEqual([2, 4]);
  });
});

describe("recompute", () => {
  const cell = (h: Tensor, w: Tensor, b: Tensor): Tensor => tanh(linear(relu(linear(h, w, b)), w, b));
  const params = { w: random.normal(random.key(3), [3, 3]), b: random.normal(random.key(4), [3]) };

  it("gives the very bits of the plain function", () => {
    // two cells of their own: weights tied across them would be added in another order
    const two = { first: params, second: { w: random.normal(random.key(6), [3, 3]), b: params.b } };
    const through = (apply: typeof cell) =>
      valueAndGrad((p: typeof two) => sum(apply(apply(x, p.first.w, p.first.b), p.second.w, p.second.b)))(two);
    const plain = through(cell);
    const again = through((...inputs) => recompute(cell as (...all: Tensor[]) => Tensor, ...inputs));
    expect(again.value).toBe(plain.value);
    expect(digest(again.gradients)).toBe(digest(plain.gradients));
  });

  it("trains as the plain function does, in less memory; tied weights differ only in the order of their sums", () => {
    const wide = { w: random.normal(random.key(3), [32, 32], { std: 0.2 }), b: random.normal(random.key(4), [32]) };
    const input = random.normal(random.key(5), [512, 32]);
    const make = (apply: (h: Tensor, w: Tensor, b: Tensor) => Tensor) =>
      createTrainer({
        params: wide,
        loss: (p: typeof wide) => {
          let h: Tensor = input;
          for (let i = 0; i < 12; i++) h = apply(h, p.w, p.b);
          return nn.meanSquaredError(h, 0.1);
        },
        optimizer: optim.sgd(0.01),
      });
    const plain = make((h, w, b) => cell(cell(h, w, b), w, b));
    const lean = make((h, w, b) => recompute((a, v, c) => cell(cell(a, v, c), v, c), h, w, b));
    for (let i = 0; i < 4; i++) expect(lean.step(undefined).loss).toBeCloseTo(plain.step(undefined).loss, 5);
    expect(lean.memory.peak).toBeLessThan(plain.memory.peak / 2);
  });

  it("names a parameter that is not passed as an argument", () => {
    expect(() => grad((p: typeof params) => sum(recompute((h) => linear(h, p.w, p.b), x)))(params)).toThrow(
      /recompute: the function uses the copy of a host tensor \[3, 3\] from outside.*Pass it as an argument/,
    );
  });
});
