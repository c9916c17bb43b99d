// Clipping and the named optimizers against double-precision oracles written from their papers, for every SIMD tail.
import { describe, expect, it } from "vitest";
import { type AdamOptions, adam, chain, clipByGlobalNorm, type SgdOptions, sgd } from "../../src/optim/index.js";
import { bits, norm, run, runVector, series, vector } from "./fixtures.js";

const lengths = [...Array.from({ length: 67 }, (_, i) => i + 1), 1023, 1025, 4099];
const STEPS = 5;
const gradientsOf = (n: number): Float32Array[] => Array.from({ length: STEPS }, (_, t) => series(n, 100 * n + t));

/** Largest error by |expected| + scale. */
function expectClose(found: Float32Array, expected: readonly number[], scale: number, what: string): void {
  expect(found.length).toBe(expected.length);
  found.forEach((v, i) => {
    const error = Math.abs(v - expected[i]) / (Math.abs(expected[i]) + scale);
    if (!(error < 4e-6)) throw new Error(`${what}: element ${i} is ${v}, expected ${expected[i]}`);
  });
}

function sgdOracle(rate: number, options: SgdOptions, gradients: readonly Float32Array[]): number[][] {
  const { momentum = 0, nesterov = false, dampening = 0 } = options;
  let m: number[] | undefined;
  return gradients.map((g) => {
    if (momentum === 0) return Array.from(g, (v) => -rate * v);
    m = m ? m.map((v, i) => momentum * v + (1 - dampening) * g[i]) : Array.from(g);
    return m.map((v, i) => -rate * (nesterov ? g[i] + momentum * v : v));
  });
}

function adamOracle(rate: number, options: AdamOptions, gradients: readonly Float32Array[]): number[][] {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const m = new Array<number>(gradients[0].length).fill(0);
  const v = m.slice();
  return gradients.map((g, t) =>
    Array.from(g, (x, i) => {
      m[i] = beta1 * m[i] + (1 - beta1) * x;
      v[i] = beta2 * v[i] + (1 - beta2) * x * x;
      const first = m[i] / (1 - beta1 ** (t + 1));
      const second = v[i] / (1 - beta2 ** (t + 1));
      return (-rate * first) / (Math.sqrt(second) + epsilon);
    }),
  );
}

describe("sgd", () => {
  const cases: [string, SgdOptions][] = [
    ["plain", {}],
    ["momentum", { momentum: 0.9 }],
    ["dampened momentum", { momentum: 0.9, dampening: 0.25 }],
    ["Nesterov", { momentum: 0.9, nesterov: true }],
  ];
  it.each(cases)("agrees with its oracle for every length: %s", (name, options) => {
    for (const n of lengths) {
      const gradients = gradientsOf(n);
      const expected = sgdOracle(0.1, options, gradients);
      runVector(sgd(0.1, options), gradients).forEach((u, t) => {
        expectClose(u, expected[t], 1e-2, `${name} length ${n} step ${t}`);
      });
    }
  });
});

describe("adam", () => {
  const cases: [string, AdamOptions][] = [
    ["as published", {}],
    ["without memory of the direction", { beta1: 0 }],
    ["with short memories and a large epsilon", { beta1: 0.5, beta2: 0.9, epsilon: 1e-2 }],
  ];
  it.each(cases)("agrees with its oracle for every length: %s", (name, options) => {
    for (const n of lengths) {
      const gradients = gradientsOf(n);
      const expected = adamOracle(0.01, options, gradients);
      runVector(adam(0.01, options), gradients).forEach((u, t) => {
        expectClose(u, expected[t], 1e-2, `${name} length ${n} step ${t}`);
      });
    }
  });

  it("makes a first step of the learning rate against the gradient's sign, however small the gradient", () => {
    const [u] = runVector(adam(0.01), [[1e-3, -1e-3, 5, -5, 0]]);
    [-0.01, 0.01, -0.01, 0.01, 0].forEach((v, i) => {
      expect(u[i]).toBeCloseTo(v, 6);
    });
  });

  it("corrects for the start at zero still after 5,000 updates of one gradient", () => {
    const u = runVector(
      adam(0.01),
      Array.from({ length: 5000 }, () => [0.5]),
    );
    for (const t of [0, 10, 100, 1000, 4999]) expect(u[t][0]).toBeCloseTo(-0.01, 6);
  });
});

describe("clipByGlobalNorm", () => {
  it("scales a longer vector to the length, for every length", () => {
    for (const n of lengths) {
      const g = series(n, n).map((v) => 30 * v);
      const length = norm(g);
      const [u] = runVector(clipByGlobalNorm(0.25), [g]);
      expectClose(
        u,
        Array.from(g, (v) => (v * 0.25) / length),
        1e-3,
        `length ${n}`,
      );
    }
  });

  it("leaves a shorter vector its bits", () => {
    for (const n of lengths) {
      const g = series(n, n);
      expect(bits(runVector(clipByGlobalNorm(norm(g) * 1.0001), [g])[0])).toEqual(bits(g));
    }
  });

  it("takes one norm over all parameters", () => {
    const params = { a: vector([0]), b: vector([0, 0]), c: vector([0]) };
    const [u] = run(clipByGlobalNorm(1), params, [{ a: vector([2]), b: vector([0, 4]), c: vector([4]) }]);
    expect([...u.a, ...u.b, ...u.c]).toEqual([2, 0, 4, 4].map((v) => Math.fround(v * Math.fround(1 / 6))));
  });

  it("finds norms whose squares leave the range of float32", () => {
    for (const scale of [1e-30, 1e-22, 1e19, 1e30]) {
      const [u] = runVector(clipByGlobalNorm(scale), [[3 * scale, 0, 4 * scale]]);
      [0.6, 0, 0.8].forEach((v, i) => {
        expect(u[i] / scale).toBeCloseTo(v, 5);
      });
    }
  });

  it("sees what the transforms before it made, not the gradient", () => {
    const [u] = runVector(chain(sgd(100), clipByGlobalNorm(1)), [[0.3, 0.4]]);
    expect(norm(u)).toBeCloseTo(1, 6);
  });
});
