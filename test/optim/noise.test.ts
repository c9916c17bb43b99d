// Anticorrelated noise, noise scaled by the training error, Langevin dynamics: their laws, draw by draw.
import { describe, expect, it } from "vitest";
import * as optim from "../../src/optim/index.js";
import { applyUpdates, init, update } from "../../src/optim/loop.js";
import { bits, norm, run, runVector, series, variance, vector } from "./fixtures.js";

const { accumulate, addNoise, anticorrelatedNoise, chain, errorScaledNoise, masked, sgd, sgld } = optim;
const many = 40_000; // the sample variance of so many is within 4 % but for a chance of 1e-8
const zeros = (steps: number, n = many): Float32Array[] => Array.from({ length: steps }, () => new Float32Array(n));
const near = (x: Float32Array, expected: number, what = ""): void => {
  expect(variance(x) / expected, what).toBeGreaterThan(0.96);
  expect(variance(x) / expected, what).toBeLessThan(1.04);
};
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((s, v, i) => s + v * b[i], 0);

describe("anticorrelatedNoise", () => {
  const steps = runVector(anticorrelatedNoise({ std: 0.5, seed: 1 }), zeros(6));

  it("has twice the variance of its draws", () => {
    for (const u of steps) near(u, 2 * 0.25);
  });

  it("takes back half of what the update before added, and nothing of those before it", () => {
    const correlation = (a: Float32Array, b: Float32Array) => dot(a, b) / (norm(a) * norm(b));
    for (let t = 1; t < 6; t++) expect(Math.abs(correlation(steps[t], steps[t - 1]) + 0.5)).toBeLessThan(0.03);
    for (let t = 2; t < 6; t++) expect(Math.abs(correlation(steps[t], steps[t - 2]))).toBeLessThan(0.03);
  });

  it("sums to the last draw less the first, however many updates", () => {
    const sum = new Float64Array(many);
    for (const u of steps) for (let i = 0; i < many; i++) sum[i] += u[i];
    near(Float32Array.from(sum), 2 * 0.25);
    const long = runVector(anticorrelatedNoise({ std: 1, seed: 3 }), zeros(300, 40));
    for (let i = 0; i < 40; i++) expect(Math.abs(long.reduce((s, u) => s + u[i], 0))).toBeLessThan(9);
  });

  it("with a falling variance still telescopes: xi_t keeps the std it was drawn with", () => {
    const u = runVector(anticorrelatedNoise({ eta: 1, gamma: 2, seed: 1 }), zeros(9));
    const sum = Float32Array.from({ length: many }, (_, i) => u.reduce((s, v) => s + v[i], 0));
    near(sum, 1 + 1 / 100);
  });

  it("leaves another transform of its seed its own draws", () => {
    const [own] = runVector(addNoise({ std: 0.5, seed: 1 }), zeros(1));
    expect(Math.abs(dot(own, steps[0])) / (norm(own) * norm(steps[0]))).toBeLessThan(0.03);
  });

  it("inside accumulate takes back what it added; its t counts updates", () => {
    const inside = runVector(accumulate(2, anticorrelatedNoise({ std: 0.5, seed: 1 })), zeros(12));
    for (let t = 0; t < 6; t++) expect(bits(inside[2 * t + 1])).toEqual(bits(steps[t]));
  });

  it("under a mask draws what it draws without", () => {
    const mask = { w: vector(Float32Array.from({ length: 2000 }, (_, i) => (i % 3 === 1 ? 1 : 0))) };
    for (const some of [
      runVector(anticorrelatedNoise({ std: 0.5, seed: 1, mask }), zeros(2, 2000)),
      runVector(masked(anticorrelatedNoise({ std: 0.5, seed: 1 }), mask), zeros(2, 2000)),
    ])
      for (const [t, u] of some.entries())
        expect(u).toEqual(steps[t].slice(0, 2000).map((v, i) => (i % 3 === 1 ? v : 0)));
  });

  it("of std 0 leaves every bit", () => {
    const g = [series(50), series(50, 2)];
    expect(runVector(anticorrelatedNoise({ std: 0, seed: 1 }), g).map(bits)).toEqual(g.map(bits));
  });
});

describe("errorScaledNoise", () => {
  /** The updates of zero gradients when the steps have these errors. */
  function withErrors(errors: readonly (number | null)[], options: Partial<optim.ErrorScaledNoiseOptions> = {}) {
    const optimizer = errorScaledNoise({ scale: 0.5, seed: 1, error: ({ error }) => error, ...options });
    const params = { w: vector(new Float32Array(many)) };
    let state = init(optimizer, params);
    return errors.map((error) => {
      const next = update(optimizer, params, state, { metrics: { error: error as number } });
      state = next.state;
      return next.updates.w.data as Float32Array;
    });
  }

  it("has the variance scale^2 (error - 0.02) / (1 + t)^0.55, the error being that of the step before, 1 at first", () => {
    const errors = [0.9, 0.5, 0.12, 0.3];
    withErrors(errors).forEach((u, t) => {
      const excess = t === 0 ? 1 : errors[t - 1] - 0.02;
      near(u, (0.25 * excess) / (1 + t) ** 0.55, `t = ${t}`);
    });
  });

  it("is no noise at all at an error of 2 % or less, and comes back with the error", () => {
    const [, none, nor, again] = withErrors([0.02, 0.01, 0.5, 0]);
    for (const u of [none, nor]) expect(u.every((v) => v === 0)).toBe(true);
    near(again, (0.25 * 0.48) / 4 ** 0.55);
  });

  it("takes the mean of `every` errors, leaving out the null ones", () => {
    const u = withErrors([0.2, null, 0.6, 0, null, 0], { every: 2, gamma: 0 });
    for (const t of [0, 1, 2]) near(u[t], 0.25, `t = ${t}`);
    for (const t of [3, 4, 5]) near(u[t], 0.25 * 0.38, `t = ${t}`);
  });

  it("at the factor 1 is addNoise of eta = scale^2, draw by draw", () => {
    const [own] = withErrors([1]);
    const [plain] = runVector(addNoise({ eta: 0.25, seed: 1 }), zeros(1));
    expect(bits(own)).toEqual(bits(plain));
  });

  it("asks for the error before it changes anything", () => {
    const optimizer = chain(
      errorScaledNoise({ scale: 1, seed: 1, error: ({ sequenceError }) => sequenceError }),
      sgd(1),
    );
    const params = { w: vector([0]) };
    expect(() => update(optimizer, params, init(optimizer, params))).toThrow(
      'errorScaledNoise: "error" at t = 0 expected a number >= 0 or null, got undefined. Return it among the metrics of the loss',
    );
  });

  it("refuses settings that are none", () => {
    const make = (options: object) => () => errorScaledNoise(options as optim.ErrorScaledNoiseOptions);
    const error = () => 1;
    expect(make({ scale: 1, error })).toThrow('errorScaledNoise: "seed" is missing');
    expect(make({ scale: 1, seed: 1 })).toThrow(
      'errorScaledNoise: "error" expected a function of the metrics, got undefined',
    );
    expect(make({ scale: -1, seed: 1, error })).toThrow('errorScaledNoise: "scale" expected a number >= 0, got -1');
    expect(make({ seed: 1, error })).toThrow('errorScaledNoise: "scale" expected a number >= 0, got undefined');
    expect(make({ scale: 1, seed: 1, error, every: 0 })).toThrow(
      'errorScaledNoise: "every" expected an integer >= 1, got 0',
    );
  });
});

describe("sgld", () => {
  it("moves half a step against the gradient, and adds noise whose variance is the step", () => {
    const [u] = runVector(sgld(0.04, { seed: 1 }), [new Float32Array(many).fill(3)]);
    near(u.map((v) => v + 0.02 * 3) as Float32Array, 0.04);
  });

  it("has noise of variance temperature times step, and none at 0", () => {
    near(runVector(sgld(0.04, { seed: 1, temperature: 0.01 }), zeros(1))[0], 0.0004);
    const [cold] = runVector(sgld(0.5, { seed: 1, temperature: 0 }), [[4, -8]]);
    expect(Array.from(cold)).toEqual([-1, 2]);
  });

  it("follows a schedule of steps by both: drift and variance", () => {
    const steps = runVector(sgld(optim.powerDecay(0.04, { offset: 3, power: 1 }), { seed: 1 }), zeros(4));
    for (const [t, u] of steps.entries()) near(u, 0.04 / (1 + t / 3), `t = ${t}`);
  });

  it("samples exp(-loss): of |w - 1|^2 / (2 * 0.25), in the long run, mean 1 and variance 0.25", () => {
    // one chain an element; the discretised chain's own variance is 0.25 / (1 - step / (4 * 0.25))
    const optimizer = sgld(0.02, { seed: 5 });
    let params = { w: vector(new Float32Array(many)) };
    let state = init(optimizer, params);
    for (let t = 0; t < 300; t++) {
      const next = update(optimizer, { w: vector((params.w.data as Float32Array).map((v) => (v - 1) / 0.25)) }, state);
      state = next.state;
      params = applyUpdates(params, next.updates);
    }
    const w = params.w.data as Float32Array;
    const mean = w.reduce((s, v) => s + v, 0) / many;
    expect(Math.abs(mean - 1)).toBeLessThan(0.02);
    near(w.map((v) => v - mean) as Float32Array, 0.25 / (1 - 0.02));
  });

  it("leaves addNoise of the same seed its own draws", () => {
    const [a] = runVector(sgld(1, { seed: 1 }), zeros(1));
    const [b] = runVector(addNoise({ std: 1, seed: 1 }), zeros(1));
    expect(Math.abs(dot(a, b)) / many).toBeLessThan(0.03);
  });

  it("refuses a missing seed, a negative step and a negative temperature", () => {
    expect(() => sgld(1, {} as optim.SgldOptions)).toThrow('sgld: "seed" is missing');
    expect(() => sgld(-1, { seed: 1 })).toThrow('sgld: "stepSize" expected a number >= 0, or a function of t, got -1');
    expect(() => sgld(1, { seed: 1, temperature: -1 })).toThrow('sgld: "temperature" expected a number >= 0, got -1');
    expect(() =>
      run(
        sgld((t) => -t, { seed: 1 }),
        { w: vector([0]) },
        [{ w: vector([0]) }, { w: vector([0]) }],
      ),
    ).toThrow('sgld: "stepSize" at t = 1 expected a number >= 0, got -1');
  });
});
