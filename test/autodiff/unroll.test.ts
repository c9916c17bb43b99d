// unroll against a plain loop: the same bits, with and without recomputing, and memory that does not grow with the length.
import { describe, expect, it } from "vitest";
import {
  add,
  conv2d,
  createTrainer,
  digest,
  grad,
  lerp,
  linear,
  mean,
  mul,
  nn,
  optim,
  random,
  sum,
  type Tensor,
  tanh,
  tensor,
  unroll,
  valueAndGrad,
} from "../../src/index.js";

const cell = nn.linear(4, 4);
const params = { ...cell.init(random.key(1)), x: random.normal(random.key(2), [3, 4]) };
type Params = typeof params;
const step = (s: Tensor, t: number, p: Params): Tensor => tanh(add(linear(s, p.weight, p.bias), t / 10));

describe("unroll", () => {
  const plain = (p: Params): Tensor => {
    let s = p.x;
    for (let t = 0; t < 7; t++) s = step(s, t, p);
    return sum(mul(s, s));
  };
  const squares = (s: Tensor): Tensor => sum(mul(s, s));

  it("has the value and the gradients of a loop, bit for bit", () => {
    const unrolled = (p: Params): Tensor => squares(unroll((s, t) => step(s, t, p), p.x, 7));
    expect(valueAndGrad(unrolled)(params).value).toBe(valueAndGrad(plain)(params).value);
    expect(digest(grad(unrolled)(params))).toBe(digest(grad(plain)(params)));
  });

  it("has the same bits where it recomputes", () => {
    const recomputed = (p: Params): Tensor => squares(unroll(step, p.x, 7, { params: p, recompute: true }));
    expect(digest(grad(recomputed)(params))).toBe(digest(grad(plain)(params)));
  });

  it("takes trees as states, recomputed or not", () => {
    type State = { h: Tensor; c: Tensor };
    const swap = ({ h, c }: State, t: number, p: Params): State => ({ h: tanh(add(mul(h, 0.5), c)), c: step(h, t, p) });
    const loss =
      (recompute: boolean) =>
      (p: Params): Tensor => {
        const { h, c } = unroll(swap, { h: p.x, c: mul(p.x, 2) }, 5, { params: p, recompute });
        return add(sum(mul(h, c)), sum(h));
      };
    const [a, b] = [valueAndGrad(loss(false))(params), valueAndGrad(loss(true))(params)];
    expect(b.value).toBe(a.value);
    for (const name of ["weight", "bias", "x"] as const)
      for (let i = 0; i < a.gradients[name].size; i++)
        expect(b.gradients[name].data[i]).toBeCloseTo(a.gradients[name].data[i], 5);
  });

  it("lets states change places in prediction as in a loop", () => {
    type State = { a: Tensor; b: Tensor };
    const trainer = createTrainer({
      params,
      loss: (p) => sum(p.x),
      optimizer: optim.sgd(0.1),
      predict: (p, count: number) => {
        const { a, b } = unroll(({ a, b }: State) => ({ a: b, b: a }), { a: p.x, b: mul(p.x, 2) }, count);
        return add(a, mul(b, 10));
      },
    });
    for (const count of [0, 1, 2, 3])
      trainer.predict(count).data.forEach((v, i) => {
        expect(v).toBeCloseTo(params.x.data[i] * (count % 2 ? 12 : 21), 4);
      });
  });

  it("predicts the bits of a loop in memory that does not depend on the length", () => {
    const predictor = (unrolled: boolean) =>
      createTrainer({
        params,
        loss: plain,
        optimizer: optim.sgd(0.1),
        predict: (p, count: number) => {
          if (unrolled) return unroll((s, t) => step(s, t, p), p.x, count);
          let s = p.x;
          for (let t = 0; t < count; t++) s = step(s, t, p);
          return s;
        },
      });
    const bounded = predictor(true);
    const loop = predictor(false);
    const short = bounded.predict(2);
    const { peak } = bounded.memory;
    expect(digest(short)).toBe(digest(loop.predict(2)));
    expect(digest(bounded.predict(200))).toBe(digest(loop.predict(200)));
    expect(digest(bounded.predict(200))).toBe(digest(loop.predict(200)));
    expect(bounded.memory.peak).toBe(peak);
    expect(loop.memory.peak).toBeGreaterThan(peak + 200 * 3 * 4 * 4);
  });

  it("names the leaf that changes its shape", () => {
    expect(() => unroll((s: { h: Tensor }) => ({ h: sum(s.h) }), { h: tensor([1, 2]) }, 2)).toThrow(
      "unroll: the cell turned state.h [2] into state.h [] at step 0; a state keeps its shape",
    );
  });

  it("says what recomputing needs", () => {
    expect(() => unroll((s: Tensor) => s, tensor([1]), 2, { recompute: true })).toThrow(
      "unroll: recompute needs the parameters: unroll(cell, state, count, { params, recompute: true })",
    );
  });
});

describe("the Neural GPU's step of 41 positions, batch 32, width 4, 24 maps", () => {
  const kernel = nn.conv2d(24, 24, 3);
  const gru = (i: number) =>
    Object.fromEntries(["reset", "update", "candidate"].map((name, j) => [name, kernel.init(random.key(10 * i + j))]));
  const weights = [gru(0), gru(1)];
  const gate = (p: { weight: Tensor; bias: Tensor }, s: Tensor, activation: "sigmoid" | "tanh"): Tensor =>
    conv2d(s, p.weight, p.bias, { padding: "same", activation });
  const both = (s: Tensor, _: number, p: typeof weights): Tensor => {
    for (const { reset, update, candidate } of p)
      s = lerp(gate(candidate, mul(gate(reset, s, "sigmoid"), s), "tanh"), s, gate(update, s, "sigmoid"));
    return s;
  };
  const s0 = random.normal(random.key(3), [32, 41, 4, 24], { std: 0.5 });
  const step = (recompute: boolean): { loss: number; digest: string; mebibytes: number } => {
    const trainer = createTrainer({
      params: weights,
      loss: (p, s: Tensor) => {
        const end = unroll(both, s, 41, { params: p, recompute });
        return mean(mul(end, end));
      },
      optimizer: optim.sgd(0.1),
    });
    const { loss } = trainer.step(s0);
    return { loss, digest: digest(trainer.params), mebibytes: trainer.memory.peak / 2 ** 20 };
  };

  it("fits into 250 MiB, and into 80 where it recomputes, with the same loss", () => {
    const whole = step(false);
    const again = step(true);
    console.log(
      `the Neural GPU's step: ${whole.mebibytes.toFixed(0)} MiB, recomputed ${again.mebibytes.toFixed(0)} MiB`,
    );
    expect(whole.mebibytes).toBeLessThan(250);
    expect(again.mebibytes).toBeLessThan(80);
    expect(again.loss).toBe(whole.loss);
  });
});
