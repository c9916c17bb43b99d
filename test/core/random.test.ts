// Keys and draws: domains that never meet, and what the functions of `random` say to wrong arguments.
import { describe, expect, it } from "vitest";
import { foldIn, type Key, key, normal, permutation, split, stepKey, uniform } from "../../src/core/random.js";

const shown = ({ low, high }: Key): string => `${low} ${high}`;
const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe("keys", () => {
  it("of foldIn, split and a trainer's steps never meet, nor do those of a second foldIn", () => {
    const root = key(1);
    const keys = [
      root,
      ...split(root, 10),
      ...ten.map((i) => foldIn(root, i)),
      ...ten.map((t) => stepKey(root, t)),
      ...ten.flatMap((i) => ten.map((j) => foldIn(foldIn(root, i), j))),
      ...ten.flatMap((i) => split(foldIn(root, i), 10)),
      ...split(root, 10).flatMap((k) => ten.map((j) => foldIn(k, j))),
    ];
    expect(new Set(keys.map(shown)).size).toBe(keys.length);
  });

  it("of one seed are the same in every run", () => {
    expect(split(key(5), 3)).toEqual(split(key(5), 3));
    expect(split(key(5), 2)).toEqual(split(key(5), 3).slice(0, 2));
  });
});

describe("a permutation", () => {
  it("is not a function of the uniform or normal numbers of its key", () => {
    const n = 4000;
    const order = Array.from(permutation(key(3), n), (v) => v / n - 0.5);
    const correlation = (values: number[]): number => {
      const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
      return dot(order, values) / Math.sqrt(dot(order, order) * dot(values, values));
    };
    // five standard errors of a correlation of independent values
    const limit = 5 / Math.sqrt(n);
    expect(Math.abs(correlation(Array.from(uniform(key(3), [n]).data, (v) => v - 0.5)))).toBeLessThan(limit);
    expect(Math.abs(correlation(Array.from(normal(key(3), [n]).data)))).toBeLessThan(limit);
  });
});

describe("what random says to wrong arguments", () => {
  const k = key(1);
  const of = (f: (...args: any[]) => unknown, ...args: unknown[]) => [() => f(...args)] as const;
  it.each([
    [of(key, "1"), TypeError, 'random.key: "seed" expected an integer >= 0, got "1"'],
    [of(key, k), TypeError, 'random.key: "seed" expected an integer >= 0, got an object { low, high }'],
    [of(split, 1), TypeError, "random.split: expected a key, got 1. Make one with random.key(1)"],
    [of(split, { low: 1 }, 2), TypeError, "random.split: expected a key, got an object { low }"],
    [of(split, k, 2.5), RangeError, 'random.split: "count" expected an integer >= 1, got 2.5'],
    [of(foldIn, { low: "a", high: 1 }, 0), TypeError, "random.foldIn: expected a key, got an object { low, high }"],
    [of(foldIn, k, "0"), TypeError, 'random.foldIn: "index" expected an integer >= 0, got "0"'],
    [of(normal, 1, [2]), TypeError, "random.normal: expected a key, got 1. Make one with random.key(1)"],
    [of(normal, [2, 3]), TypeError, "random.normal: expected a key, got [2, 3]. Make one with random.key(seed)"],
    [of(normal, k, 2, 3), TypeError, "random.normal: a shape is an array of sizes, got 2. Write [2, 3]"],
    [of(uniform, k, 4), TypeError, "random.uniform: a shape is an array of sizes, got 4. Write [4]"],
    [of(normal, k, [2], 0.1), TypeError, "random.normal: expected options { std, mean }, got 0.1. Write { std: 0.1 }"],
    [of(normal, k, [2], { stddev: 1 }), TypeError, 'there is no option "stddev". Did you mean "std"?'],
    [of(normal, k, [2], { std: -1 }), RangeError, 'random.normal: "std" expected a number >= 0, got -1'],
    [of(normal, k, [2], { std: 1e39 }), RangeError, "random.normal: a mean of 0 and a std of 1e+39 leave the range"],
    [of(normal, k, [2], { mean: 1e39 }), RangeError, '"mean" expected a number that is finite in float32, got 1e+39'],
    [of(uniform, k, [4], -1, 1), TypeError, "random.uniform: expected options { low, high }, got -1"],
    [of(uniform, k, [4], { minval: 0, maxval: 2 }), TypeError, 'there is no option "minval". Did you mean "low"?'],
    [of(uniform, k, [4], { min: 0 }), TypeError, 'random.uniform: there is no option "min"'],
    [of(uniform, k, [4], { high: 1e39 }), RangeError, '"high" expected a number that is finite in float32, got 1e+39'],
    [of(uniform, k, [4], { high: -1 }), RangeError, '"high" expected a number >= low, which is 0, got -1'],
    [of(permutation, 5), TypeError, "random.permutation: expected a key, got 5. Make one with random.key(5)"],
    [of(permutation, k, [5]), TypeError, 'random.permutation: "count" expected an integer >= 0, got [5]'],
  ] as const)("%#", ([f], kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});
