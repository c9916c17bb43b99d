// The ten mistakes of published implementations of gradient noise (DESIGN.md section 4), each made impossible by a test;
// and those near the other transforms.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { hostTensor, tensor } from "../../src/core/tensor.js";
import { matmul } from "../../src/ops/product/matmul.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { bits, norm, run, runVector, series, variance, vector } from "./fixtures.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, freeze, sgd } = optim;
const many = 40_000; // the sample variance of so many is within 4 % but for a chance of 1e-8
const zero = new Float32Array(many);
const zeros = (steps: number): Float32Array[] => Array.from({ length: steps }, () => zero);

describe("published mistakes", () => {
  it("1: eta is the variance of the noise, not its standard deviation", () => {
    const [first] = runVector(addNoise({ eta: 0.01, seed: 1 }), zeros(1));
    expect(variance(first) / 0.01).toBeGreaterThan(0.96);
    expect(variance(first) / 0.01).toBeLessThan(1.04);
  });

  it("2: the noise is added before the learning rate, so its share of the update is learningRate sigma", () => {
    const [update] = runVector(chain(addNoise({ eta: 1, seed: 1 }), sgd(0.125)), zeros(1));
    const [noise] = runVector(addNoise({ eta: 1, seed: 1 }), zeros(1));
    expect(bits(update)).toEqual(bits(noise.map((v) => -0.125 * v)));
  });

  it("2: the noise enters Adam's moments: with no gradient at all, Adam still moves by its learning rate", () => {
    const [update] = runVector(chain(addNoise({ eta: 1e-4, seed: 1 }), adam(0.01)), zeros(1));
    const [noise] = runVector(addNoise({ eta: 1e-4, seed: 1 }), zeros(1));
    expect(update.every((v, i) => Math.abs(v + 0.01 * Math.sign(noise[i])) < 1e-3 || Math.abs(noise[i]) < 1e-6)).toBe(
      true,
    );
  });

  it("3: the variance is eta / (1 + t)^gamma and not (eta / t)^gamma or eta / t^gamma", () => {
    const steps = runVector(addNoise({ eta: 0.25, gamma: 0.55, seed: 1 }), zeros(12));
    steps.forEach((update, t) => {
      const ratio = variance(update) / (0.25 / (1 + t) ** 0.55);
      expect(ratio, `t = ${t}`).toBeGreaterThan(0.96);
      expect(ratio, `t = ${t}`).toBeLessThan(1.04);
    });
  });

  it("4: with accumulation the noise is added once an update, and t counts updates", () => {
    const noise = addNoise({ eta: 1, seed: 3 });
    const gathered = runVector(accumulate(4, noise), zeros(8));
    const plain = runVector(noise, zeros(2));
    for (const micro of [0, 1, 2, 4, 5, 6]) expect(gathered[micro].every((v) => v === 0)).toBe(true);
    expect(bits(gathered[3])).toEqual(bits(plain[0]));
    expect(bits(gathered[7])).toEqual(bits(plain[1]));
  });

  it("5: two parameters of one shape get different noise", () => {
    const [{ a, b }] = run(addNoise({ eta: 1, seed: 1 }), { a: vector(zero), b: vector(zero) }, [
      { a: vector(zero), b: vector(zero) },
    ]);
    let product = 0;
    a.forEach((v, i) => {
      product += v * b[i];
    });
    expect(Math.abs(product / Math.sqrt(many))).toBeLessThan(5);
    expect(a.filter((v, i) => v === b[i]).length).toBeLessThan(3);
  });

  it("6: there is no default seed", () => {
    expect(() => addNoise({ eta: 1 } as optim.NoiseOptions)).toThrow(
      new TypeError('addNoise: "seed" is missing; give an integer, so that the run can be repeated'),
    );
  });

  it("6: there is no default eta either", () => {
    expect(() => addNoise({ seed: 1 })).toThrow(
      new TypeError('addNoise: "eta" is missing; the paper uses 0.01, 0.3 or 1'),
    );
  });

  it("6: equal seeds give equal noise, different seeds different noise", () => {
    const draw = (seed: number): number[] => bits(runVector(addNoise({ eta: 1, seed }), [zero.slice(0, 100)])[0]);
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    expect(draw(5)).not.toEqual(draw(5 + 2 ** 32));
  });

  it("7: t is restored on resume, so that the noise does not jump back to sqrt(eta)", () => {
    const make = () =>
      createTrainer({
        params: { w: vector(zero) },
        loss: (p, _: undefined) => p.w.mul(0).sum(),
        optimizer: chain(addNoise({ eta: 1, gamma: 2, seed: 1 }), sgd(1)),
      });
    const [whole, stopped, resumed] = [make(), make(), make()];
    for (let i = 0; i < 9; i++) whole.step(undefined);
    for (let i = 0; i < 8; i++) stopped.step(undefined);
    resumed.restore(stopped.checkpoint());
    const before = resumed.params.w.data.slice();
    resumed.step(undefined);
    const moved = resumed.params.w.data.map((v, i) => v - before[i]) as Float32Array;
    expect(variance(moved) * 9 ** 2).toBeGreaterThan(0.96);
    expect(variance(moved) * 9 ** 2).toBeLessThan(1.04);
    expect(bits(resumed.params.w.data as Float32Array)).toEqual(bits(whole.params.w.data as Float32Array));
  });

  it("8: the noise reaches the parameters, and is not added to a copy", () => {
    const trainer = createTrainer({
      params: { w: vector(zero) },
      loss: (p, _: undefined) => p.w.mul(0).sum(),
      optimizer: chain(addNoise({ eta: 0.25, seed: 1 }), sgd(1)),
    });
    trainer.step(undefined);
    const ratio = variance(trainer.params.w.data as Float32Array) / 0.25;
    expect(ratio).toBeGreaterThan(0.96);
    expect(ratio).toBeLessThan(1.04);
  });

  it("9: the noise is added after clipping, where the clip cannot wash it away", () => {
    const gradient = series(many).map((v) => 1000 * v);
    const [update] = runVector(chain(clipByGlobalNorm(1), addNoise({ eta: 1, seed: 1 })), [gradient]);
    expect(norm(update)).toBeGreaterThan(0.9 * Math.sqrt(many));
    const [clipped] = runVector(clipByGlobalNorm(1), [gradient]);
    const [noise] = runVector(addNoise({ eta: 1, seed: 1 }), zeros(1));
    expect(bits(update)).toEqual(bits(clipped.map((v, i) => v + noise[i])));
  });

  const embedding = () => ({ embedding: hostTensor(series(20), [5, 4]), weight: hostTensor(series(4, 2), [4, 1]) });
  const rowMask = {
    embedding: hostTensor(
      Float32Array.from({ length: 20 }, (_, i) => (i < 4 ? 0 : 1)),
      [5, 4],
    ),
    weight: hostTensor(new Float32Array(4).fill(1), [4, 1]),
  };
  const loss = (p: ReturnType<typeof embedding>, x: ReturnType<typeof tensor>) =>
    matmul(matmul(x, p.embedding), p.weight).sum();
  const oneHot = tensor([[0, 1, 0, 2, 0]]); // row 0 is padding and never used

  it("10: a masked padding row of an embedding gets no noise, and the other rows do", () => {
    const params = embedding();
    const trainer = createTrainer({
      params,
      loss,
      optimizer: chain(addNoise({ eta: 1, seed: 1, mask: rowMask }), sgd(0.1)),
    });
    for (let i = 0; i < 3; i++) trainer.step(oneHot);
    const after = trainer.params.embedding.data as Float32Array;
    const before = params.embedding.data as Float32Array;
    expect(bits(after.slice(0, 4))).toEqual(bits(before.slice(0, 4)));
    expect(after.slice(4).every((v, i) => v !== before[4 + i])).toBe(true);
  });

  it("10: a frozen parameter keeps its bits through noise, momentum and Adam", () => {
    for (const optimizer of [sgd(0.1), sgd(0.1, { momentum: 0.9 }), adam(0.1)]) {
      const params = embedding();
      const trainer = createTrainer({
        params,
        loss,
        optimizer: chain(addNoise({ eta: 1, seed: 1 }), optimizer, freeze("embedding")),
      });
      for (let i = 0; i < 3; i++) trainer.step(oneHot);
      expect(bits(trainer.params.embedding.data as Float32Array)).toEqual(bits(params.embedding.data as Float32Array));
      expect(trainer.params.weight.data).not.toEqual(params.weight.data);
    }
  });
});

describe("mistakes that the other transforms invite", () => {
  const anti = optim.anticorrelatedNoise;

  it("anticorrelated noise that draws anew for what it takes back: its variance would grow with t", () => {
    const steps = runVector(anti({ std: 1, seed: 1 }), zeros(20));
    const sum = zero.map((_, i) => steps.reduce((s, u) => s + u[i], 0)) as Float32Array;
    expect(variance(sum)).toBeLessThan(2 * 1.04);
  });

  it("anticorrelated noise after a resume that does not take back the last draw before it", () => {
    const make = () =>
      createTrainer({
        params: { w: vector(zero) },
        loss: (p, _: undefined) => p.w.mul(0).sum(),
        optimizer: chain(sgd(1), anti({ std: 1, seed: 1 })),
      });
    const [stopped, resumed] = [make(), make()];
    for (let i = 0; i < 5; i++) stopped.step(undefined);
    resumed.restore(stopped.checkpoint());
    for (let i = 0; i < 5; i++) resumed.step(undefined);
    expect(variance(resumed.params.w.data as Float32Array)).toBeLessThan(2 * 1.04);
  });

  it("weight decay added to Adam's gradient and called AdamW: a large parameter would lose no more than a small one", () => {
    const params = { w: vector([1, 100]) };
    const gradients = { w: vector([0, 0]) };
    const [decoupled] = run(optim.adamw(0.1, { weightDecay: 0.1 }), params, [gradients]);
    expect(decoupled.w[1] / decoupled.w[0]).toBeCloseTo(100, 4);
    const [coupled] = run(chain(optim.weightDecay(0.1), adam(0.1)), params, [gradients]);
    expect(coupled.w[1] / coupled.w[0]).toBeCloseTo(1, 4);
  });

  it("decoupled decay not scaled by the learning rate", () => {
    const [u] = run(optim.adamw(0.001, { weightDecay: 0.5 }), { w: vector([8]) }, [{ w: vector([0]) }]);
    expect(u.w[0]).toBeCloseTo(-0.004, 8);
  });

  it("weight decay that reads the parameters as they were at the start", () => {
    const trainer = createTrainer({
      params: { w: vector([1]) },
      loss: (p, _: undefined) => p.w.mul(0).sum(),
      optimizer: chain(optim.weightDecay(1), sgd(0.5)),
    });
    for (let i = 0; i < 3; i++) trainer.step(undefined);
    expect(trainer.params.w.data[0]).toBe(0.125);
  });

  it("an average that lags a step behind, over the parameters before the update", () => {
    const trainer = createTrainer({
      params: { w: vector([0]) },
      loss: (p, _: undefined) => p.w.mul(-1).sum(),
      optimizer: chain(sgd(1), optim.ema(0)),
    });
    for (let i = 1; i < 4; i++) {
      trainer.step(undefined);
      expect(trainer.average.w.data[0]).toBe(i);
    }
  });

  it("an average that its start at zero pulls to zero", () => {
    const trainer = createTrainer({
      params: { w: vector([5]) },
      loss: (p, _: undefined) => p.w.mul(0).sum(),
      optimizer: chain(sgd(1), optim.ema(0.999)),
    });
    trainer.step(undefined);
    expect(trainer.average.w.data[0]).toBeCloseTo(5, 5);
  });

  it("Langevin noise scaled as the paper's: its variance is the step size, not its square", () => {
    const [u] = runVector(optim.sgld(0.01, { seed: 1 }), zeros(1));
    expect(variance(u) / 0.01).toBeGreaterThan(0.96);
    expect(variance(u) / 0.01).toBeLessThan(1.04);
  });

  it("error-scaled noise that only rebinds a loop variable, or jumps back to full noise on resume", () => {
    const make = () =>
      createTrainer({
        params: { w: vector(zero) },
        loss: (p, _: undefined) => ({ loss: p.w.mul(0).sum(), metrics: { sequenceError: 0.27 } }),
        optimizer: chain(
          optim.errorScaledNoise({ scale: 1, seed: 1, gamma: 0, error: ({ sequenceError }) => sequenceError }),
          sgd(1),
        ),
      });
    const [stopped, resumed] = [make(), make()];
    stopped.step(undefined);
    expect(variance(stopped.params.w.data as Float32Array)).toBeGreaterThan(0.96);
    resumed.restore(stopped.checkpoint());
    const before = resumed.params.w.data.slice();
    resumed.step(undefined);
    const moved = resumed.params.w.data.map((v, i) => v - before[i]) as Float32Array;
    expect(variance(moved) / 0.25).toBeGreaterThan(0.96);
    expect(variance(moved) / 0.25).toBeLessThan(1.04);
  });

  it("a clip by norm that takes one norm for all parameters, or a global one that takes one for each", () => {
    const params = { a: vector([0, 0]), b: vector([0, 0]) };
    const gradients = { a: vector([3, 4]), b: vector([0.03, 0.04]) };
    const [each] = run(optim.clipByNorm(1), params, [gradients]);
    const [joint] = run(clipByGlobalNorm(1), params, [gradients]);
    expect([norm(each.a), norm(each.b)].map((v) => Number(v.toFixed(6)))).toEqual([1, 0.05]);
    expect(norm(joint.b)).toBeLessThan(0.011);
  });
});
