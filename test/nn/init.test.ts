// Initialisers: their moments against the formulas of the papers, and the random draws that they are made of.
import { describe, expect, it } from "vitest";
import { foldIn, key, normal, permutation, split, uniform } from "../../src/core/random.js";
import type { Tensor } from "../../src/core/tensor.js";
import * as init from "../../src/nn/init.js";

function moments(t: Tensor): { n: number; mean: number; variance: number; largest: number } {
  const data = t.data as Float32Array;
  const n = data.length;
  const mean = data.reduce((s, v) => s + v, 0) / n;
  return {
    n,
    mean,
    variance: data.reduce((s, v) => s + (v - mean) ** 2, 0) / n,
    largest: data.reduce((m, v) => Math.max(m, Math.abs(v)), 0),
  };
}

/** Mean 0 and the variance, each within 4.5 standard errors; `kurtosis` is 3 for a normal and 1.8 for a uniform. */
function expectMoments(t: Tensor, variance: number, kurtosis: number): void {
  const m = moments(t);
  expect(Math.abs(m.mean) / Math.sqrt(variance / m.n)).toBeLessThan(4.5);
  expect(Math.abs(m.variance / variance - 1) / Math.sqrt((kurtosis - 1) / m.n)).toBeLessThan(4.5);
}

describe("initialisers", () => {
  const shapes: [number, number][] = [
    [784, 50],
    [50, 400],
    [300, 10],
  ];

  it.each(shapes)("He's has variance 2 / nIn: [%i, %i]", (nIn, nOut) => {
    expectMoments(init.he(key(1), [nIn, nOut]), 2 / nIn, 3);
  });

  it.each(shapes)("Glorot's is uniform with variance 2 / (nIn + nOut): [%i, %i]", (nIn, nOut) => {
    const t = init.glorot(key(1), [nIn, nOut]);
    expectMoments(t, 2 / (nIn + nOut), 1.8);
    const limit = Math.sqrt(6 / (nIn + nOut));
    expect(moments(t).largest).toBeLessThanOrEqual(limit);
    expect(moments(t).largest).toBeGreaterThan(0.98 * limit);
  });

  // g = sqrt(2) exp(1.2 / (max(N, 6) - 2.4)), by hand: exp(1.2 / 47.6) = 1.02553, exp(1.2 / 7.6) = 1.17103
  it.each([
    [784, 50, 1.4503],
    [50, 400, 1.4185],
    [3000, 10, 1.6561],
    [5000, 4, 1.9737],
  ])("Sussillo and Abbott's has variance g^2 / nIn: [%i, %i] has g = %f", (nIn, nOut, gain) => {
    expectMoments(init.sussilloAbbott(key(1), [nIn, nOut]), gain ** 2 / nIn, 3);
  });

  it("normal has its standard deviation, 0.1 unless another is given", () => {
    expectMoments(init.normal()(key(1), [200, 200]), 0.01, 3);
    expectMoments(init.normal(2)(key(1), [200, 200]), 4, 3);
  });

  it("uniform fills its interval", () => {
    expectMoments(init.uniform(0.5)(key(1), [200, 200]), 1 / 12, 1.8);
  });

  it("zeros and constant are just that", () => {
    expect(new Set(init.zeros(key(1), [3, 4]).data)).toEqual(new Set([0]));
    expect(new Set(init.constant(0.25)(key(1), [3, 4]).data)).toEqual(new Set([0.25]));
  });

  it("refuse numbers that are none", () => {
    expect(() => init.normal(-1)).toThrow('normal: "std" expected a number >= 0, got -1');
    expect(() => init.constant(Number.NaN)).toThrow('constant: "value" expected a number that is finite, got NaN');
  });
});

describe("random", () => {
  it("normal takes a mean and a standard deviation", () => {
    const [unit, moved] = [normal(key(1), [100]), normal(key(1), [100], { mean: 3, std: 0.5 })];
    moved.data.forEach((v, i) => {
      expect(v).toBe(Math.fround(3 + Math.fround(0.5 * unit.data[i])));
    });
  });

  it("uniform stays below high even where float32 would round up to it", () => {
    const low = 1;
    const high = 1 + 2 ** -22; // two floats above low: a quarter of all draws round to high
    const { data } = uniform(key(1), [1000], { low, high });
    expect(data.every((v) => v >= low && v < high)).toBe(true);
    expect(new Set(data).size).toBe(2);
  });

  it("permutation holds every number once", () => {
    for (const n of [0, 1, 2, 7, 1025])
      expect(Array.from(permutation(key(3), n)).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  });

  it("keys made by split and foldIn differ from each other and from their parent", () => {
    const keys = [key(1), ...split(key(1), 50), ...[50, 51, 2 ** 32, 2 ** 40].map((i) => foldIn(key(1), i))];
    expect(new Set(keys.map(({ low, high }) => `${low} ${high}`)).size).toBe(55);
  });

  it("keys of all 53 bits of a seed differ", () => {
    const draw = (seed: number): string => String(normal(key(seed), [4]).data);
    expect(new Set([0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 52, 2 ** 53 - 1].map(draw)).size).toBe(7);
  });

  it.each([
    [() => key(-1), 'random.key: "seed" expected an integer >= 0, got -1'],
    [() => key(2 ** 53), 'random.key: "seed" expected an integer >= 0, got 9007199254740992'],
    [() => normal(1 as never, [2]), "random.normal: expected a key, got 1. Make one with random.key(1)"],
    [() => normal(key(1), [-2]), "random.normal: every size is an integer >= 0, got -2 in [-2]"],
    [
      () => uniform(key(1), [2], { low: 2, high: 1 }),
      'random.uniform: "high" expected a number >= low, which is 2, got 1',
    ],
    [() => split(key(1), 0), 'random.split: "count" expected an integer >= 1, got 0'],
  ])("refuses what is no key, seed or shape: %#", (f, message) => {
    expect(f).toThrow(message);
  });
});
