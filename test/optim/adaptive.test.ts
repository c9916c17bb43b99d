// AdamW, RMSprop, Adagrad, momentum, decay and the clips against double-precision oracles written from their papers, 12
// updates, for every SIMD tail.
import { describe, expect, it } from "vitest";
import { ParameterBlock } from "../../src/core/parameter-block.js";
import * as optim from "../../src/optim/index.js";
import { Runtime } from "../../src/wasm/runtime.js";
import { bits, norm, run, runVector, series, vector } from "./fixtures.js";

const { adagrad, adam, adamw, chain, clipByNorm, clipByValue, masked, momentum, rmsprop, sgd, weightDecay } = optim;
const lengths = [...Array.from({ length: 35 }, (_, i) => i + 1), 1023, 4099];
const STEPS = 12;
const gradientsOf = (n: number): Float32Array[] => Array.from({ length: STEPS }, (_, t) => series(n, 100 * n + t));

/** The update of one element in double precision, from its gradient, its parameter and the count of updates from 1. */
type Rule = (g: number, w: number, t: number) => number;

/** Runs `optimizer` beside one rule an element, and compares update by update, by |expected| + scale. */
function compare(optimizer: optim.GradientTransform, rule: () => Rule, scale: number): void {
  for (const n of lengths) {
    const start = series(n, 7);
    const gradients = gradientsOf(n);
    const rules = Array.from(start, rule);
    const w = Array.from(start);
    run(
      optimizer,
      { w: vector(start) },
      gradients.map((g) => ({ w: vector(g) })),
    ).forEach((found, t) => {
      found.w.forEach((u, i) => {
        const expected = rules[i](gradients[t][i], w[i], t + 1);
        w[i] += expected;
        const error = Math.abs(u - expected) / (Math.abs(expected) + scale);
        if (!(error < 4e-6)) throw new Error(`length ${n}, update ${t}: element ${i} is ${u}, expected ${expected}`);
      });
    });
  }
}

describe("agrees with its oracle", () => {
  const adamwRule = (rate: number, decay: number) => (): Rule => {
    let [m, v] = [0, 0];
    return (g, w, t) => {
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      return -rate * (m / (1 - 0.9 ** t) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8) + decay * w);
    };
  };
  it("adamw", () => compare(adamw(0.01, { weightDecay: 0.5 }), adamwRule(0.01, 0.5), 1e-2));
  it("adamw, of default decay 0.01", () => compare(adamw(0.1), adamwRule(0.1, 0.01), 1e-1));

  const rmspropRule = (rate: number, options: optim.RmspropOptions) => (): Rule => {
    const { decay = 0.99, epsilon = 1e-8, momentum: mu = 0, centered = false } = options;
    let [v, mean, b] = [0, 0, 0];
    return (g) => {
      v = decay * v + (1 - decay) * g * g;
      mean = decay * mean + (1 - decay) * g;
      b = mu * b + g / (Math.sqrt(centered ? v - mean * mean : v) + epsilon);
      return -rate * b;
    };
  };
  const cases: [string, optim.RmspropOptions][] = [
    ["plain", {}],
    ["with a short memory and a large epsilon", { decay: 0.5, epsilon: 0.1 }],
    ["with momentum", { momentum: 0.9 }],
    ["centred", { decay: 0.9, centered: true }],
    ["centred, with momentum", { decay: 0.9, centered: true, momentum: 0.5, epsilon: 1e-4 }],
  ];
  it.each(cases)("rmsprop %s", (_, options) => compare(rmsprop(0.01, options), rmspropRule(0.01, options), 5e-2));

  it.each([{}, { epsilon: 0.1 }, { initial: 0.1 }])("adagrad %o", ({ epsilon = 1e-10, initial = 0 }) => {
    compare(
      adagrad(0.1, { epsilon, initial }),
      () => {
        let v = initial;
        return (g) => {
          v += g * g;
          return (-0.1 * g) / (Math.sqrt(v) + epsilon);
        };
      },
      1e-1,
    );
  });

  it("weightDecay before sgd with momentum, as torch.optim.SGD", () => {
    compare(
      chain(weightDecay(0.25), sgd(0.1, { momentum: 0.9 })),
      () => {
        let m = 0;
        return (g, w) => {
          m = 0.9 * m + g + 0.25 * w;
          return -0.1 * m;
        };
      },
      1e-1,
    );
  });
});

describe("composition", () => {
  const gradients = gradientsOf(67);

  it("momentum and plain sgd are sgd with momentum, bit for bit", () => {
    for (const options of [{}, { nesterov: true }, { dampening: 0.25 }]) {
      const whole = runVector(sgd(0.1, { momentum: 0.9, ...options }), gradients);
      expect(runVector(chain(momentum(0.9, options), sgd(0.1)), gradients).map(bits)).toEqual(whole.map(bits));
    }
  });

  it("adamw without decay is adam, bit for bit", () => {
    const whole = runVector(adam(0.01), gradients);
    expect(runVector(adamw(0.01, { weightDecay: 0 }), gradients).map(bits)).toEqual(whole.map(bits));
  });

  it("the decay of adamw follows a schedule of the rate", () => {
    const [, second] = run(
      adamw((t) => (t === 1 ? 0.5 : 0), { weightDecay: 0.1 }),
      { w: vector([3]) },
      [{ w: vector([0]) }, { w: vector([0]) }],
    );
    expect(second.w[0]).toBeCloseTo(-0.15, 6);
  });

  it("a mask takes parameters and rows out of the decay", () => {
    const params = { weight: vector([1, 2, 4, 8]), bias: vector([1, 1]) };
    const zero = { weight: vector([0, 0, 0, 0]), bias: vector([0, 0]) };
    const rows = { weight: vector([0, 1, 1, 0]), bias: vector([0, 1]) };
    const decayed = (optimizer: optim.GradientTransform) => {
      const [{ weight, bias }] = run(optimizer, params, [zero]);
      return [...weight, ...bias];
    };
    expect(decayed(weightDecay(0.5, { mask: "weight" }))).toEqual([0.5, 1, 2, 4, 0, 0]);
    expect(decayed(weightDecay(0.5, { mask: rows }))).toEqual([0, 1, 2, 0, 0, 0.5]);
    expect(decayed(adamw(0.5, { weightDecay: 0.5, mask: rows })).map((v) => v + 0)).toEqual([0, -0.5, -1, 0, 0, -0.25]);
    expect(decayed(masked(adamw(0.5, { weightDecay: 0.5, mask: rows }), "weight")).map((v) => v + 0)).toEqual([
      ...[0, -0.5, -1, 0],
      ...[0, 0],
    ]);
  });

  it("in a loop of one's own the decay reads the parameters that are passed in", () => {
    const optimizer = weightDecay(1);
    const g = { w: vector([0, 0]) };
    const first = optim.update(optimizer, g, optim.init(optimizer, { w: vector([1, 2]) }));
    expect(first.updates.w.data).toEqual(Float32Array.of(1, 2));
    const second = optim.update(optimizer, g, first.state);
    expect(second.updates.w.data).toEqual(Float32Array.of(2, 4));
    const third = optim.update(optimizer, g, second.state, { params: { w: vector([5, 7]) } });
    expect(third.updates.w.data).toEqual(Float32Array.of(5, 7));
    expect(() => optim.update(optimizer, g, third.state, { params: { w: vector([1]) } })).toThrow(
      "optim.update: the tree of parameters at w has shape [1], the parameter [2]",
    );
  });

  it("centred rmsprop of a constant gradient stays finite, though its variance rounds below 0", () => {
    const steps = Array.from({ length: 300 }, () => [0.3, -0.7, 1e-3, 11]);
    for (const u of runVector(rmsprop(0.01, { decay: 0.5, centered: true, epsilon: 1e-3 }), steps))
      expect(u.every((v) => Number.isFinite(v))).toBe(true);
  });
});

describe("clipByNorm", () => {
  it("scales every parameter on its own, for every length, and leaves short ones their bits", () => {
    for (const n of lengths) {
      const long = series(n, n).map((v) => 30 * v);
      const short = series(n, n + 1).map((v) => v / (4 * n));
      const [u] = run(clipByNorm(0.25), { a: vector(long), b: vector(short) }, [{ a: vector(long), b: vector(short) }]);
      const length = norm(long);
      u.a.forEach((v, i) => {
        expect(Math.abs(v - (long[i] * 0.25) / length)).toBeLessThan(1e-6);
      });
      expect(bits(u.b)).toEqual(bits(short));
    }
  });

  it("takes the norm of the part that a mask names", () => {
    const mask = { w: vector([1, 0, 1, 0]), b: vector([0]) };
    const [u] = run(masked(clipByNorm(1), mask), { w: vector([0, 0, 0, 0]), b: vector([0]) }, [
      { w: vector([3, 100, 4, 100]), b: vector([9]) },
    ]);
    [0.6, 100, 0.8, 100].forEach((v, i) => {
      expect(u.w[i]).toBeCloseTo(v, 6);
    });
    expect(u.b[0]).toBe(9);
  });

  it("sees what stands before it", () => {
    const [u] = run(chain(clipByNorm(1), sgd(8), clipByNorm(2)), { a: vector([0, 0]) }, [{ a: vector([30, 40]) }]);
    expect(norm(u.a)).toBeCloseTo(2, 6);
  });
});

describe("clipByValue", () => {
  it("brings every element into the limits, for every length, and leaves the others their bits", () => {
    for (const n of lengths) {
      const g = series(n, n);
      const [u] = runVector(clipByValue(0.5), [g]);
      expect(bits(u)).toEqual(bits(g.map((v) => Math.min(Math.max(v, -0.5), 0.5))));
    }
  });

  it("lets NaN through, so that it is seen, and takes infinities to the limits", () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, Number.NaN];
    const block = ParameterBlock.allocate(new Runtime(), { w: vector(values) });
    block.updates.set(values); // a loop of one's own refuses such gradients
    clipByValue(2).update(block, {}, { t: 0 });
    expect(Array.from(block.updates)).toEqual([Number.NaN, 2, -2, 0, Number.NaN]);
  });
});

describe("errors", () => {
  const cases: [() => unknown, string][] = [
    [() => momentum(1), 'momentum: "decay" expected a number in 0 <= decay < 1, got 1'],
    [
      () => momentum(0.9, { nesterov: true, dampening: 0.5 }),
      'momentum: "nesterov" needs a decay > 0 and no dampening, got decay 0.9 and dampening 0.5',
    ],
    [() => adamw(0.1, { weightDecay: -1 }), 'adamw: "weightDecay" expected a number >= 0, got -1'],
    [() => adamw(0.1, { beta1: 1 }), 'adamw: "beta1" expected a number in 0 <= beta1 < 1, got 1'],
    [() => adamw(-1), 'adamw: "learningRate" expected a number >= 0, or a function of t, got -1'],
    [() => rmsprop(0.1, { decay: 1 }), 'rmsprop: "decay" expected a number in 0 <= decay < 1, got 1'],
    [() => rmsprop(0.1, { momentum: -1 }), 'rmsprop: "momentum" expected a number in 0 <= momentum < 1, got -1'],
    [() => adagrad(0.1, { initial: -1 }), 'adagrad: "initial" expected a number >= 0, got -1'],
    [() => weightDecay(-1), 'weightDecay: "rate" expected a number >= 0, or a function of t, got -1'],
    [() => clipByNorm(0), 'clipByNorm: "maxNorm" expected a number > 0, got 0'],
    [() => clipByValue(-1), 'clipByValue: "limit" expected a number > 0, got -1'],
    [
      () => run(weightDecay(1, { mask: "x" }), { w: vector([1]) }, []),
      'weightDecay: the pattern "x" matches no parameter. There are: w',
    ],
  ];
  it.each(cases.map(([f, message]) => [message, f] as const))("%s", (message, f) => {
    expect(f).toThrow(message);
  });
});
