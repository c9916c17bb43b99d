// Counting: t behind `accumulate`, errors of micro-batches, the state of a loop of one's own, unfinished groups; and several
// noises of one seed.
import { describe, expect, it } from "vitest";
import * as optim from "../../src/optim/index.js";
import { pendingMicroBatches } from "../../src/optim/state.js";
import { bits, norm, run, runVector, variance, vector } from "./fixtures.js";

const {
  accumulate,
  addNoise,
  anticorrelatedNoise,
  chain,
  clipByGlobalNorm,
  ema,
  errorScaledNoise,
  masked,
  partition,
  sgd,
  sgld,
} = optim;
const zeros = (steps: number, n: number): Float32Array[] => Array.from({ length: steps }, () => new Float32Array(n));
const ones = (steps: number): number[][] => Array.from({ length: steps }, () => [1]);

describe("t behind accumulate", () => {
  it("counts updates: a schedule, a decay of noise, however deep the chains", () => {
    const scaled = (): optim.GradientTransform => ({
      description: "times 1 + t",
      init: () => ({}),
      update(block, _, { t }) {
        const { updates } = block;
        for (let i = 0; i < updates.length; i++) updates[i] *= 1 + t;
      },
    });
    for (const optimizer of [
      chain(accumulate(2, sgd(1)), scaled()),
      chain(chain(clipByGlobalNorm(9), accumulate(2, sgd(1))), scaled()),
      chain(chain(accumulate(2, sgd(1))), chain(clipByGlobalNorm(9), scaled())),
    ])
      expect(runVector(optimizer, ones(6)).map((u) => u[0] + 0)).toEqual([0, -1, 0, -2, 0, -3]);
  });

  it("of two, one inside the other's chain, counts what came through both", () => {
    const rate = (t: number) => 1 + t;
    const u = runVector(chain(accumulate(2, clipByGlobalNorm(9)), accumulate(2, sgd(rate))), ones(8));
    expect(u.map((v) => v[0] + 0)).toEqual([0, 0, 0, -1, 0, 0, 0, -2]);
  });

  it("behind a transform of one's own that skips counts what came through", () => {
    let n = 0;
    const third: optim.GradientTransform = {
      description: "every third",
      init: () => ({}),
      update: () => (++n % 3 === 0 ? undefined : false),
    };
    const u = runVector(
      chain(
        third,
        sgd((t) => 1 + t),
      ),
      ones(6),
    );
    expect(u.map((v) => v[0] + 0)).toEqual([0, 0, -1, 0, 0, -2]);
  });

  it("lets anticorrelated noise take back what it added", () => {
    const u = runVector(chain(accumulate(3, sgd(1)), anticorrelatedNoise({ std: 1, seed: 1 })), zeros(30, 4000));
    const sum = Float32Array.from({ length: 4000 }, (_, i) => u.reduce((s, v) => s + v[i], 0));
    expect(variance(sum)).toBeGreaterThan(1.7);
    expect(variance(sum)).toBeLessThan(2.3);
  });
});

describe("errorScaledNoise under accumulate", () => {
  const noise = (every = 1) =>
    errorScaledNoise({
      scale: 1,
      seed: 1,
      gamma: 0,
      tolerance: 0,
      every,
      error: ({ error }) => (error < 0 ? null : error),
    });
  /** Variances of the updates that are made from these errors. */
  const variances = (optimizer: optim.GradientTransform, errors: readonly number[]): number[] => {
    const params = { w: vector(new Float32Array(40_000)) };
    let state = optim.init(optimizer, params);
    return errors
      .map((error) => {
        const next = optim.update(optimizer, params, state, { metrics: { error } });
        state = next.state;
        return variance(next.updates.w.data as Float32Array);
      })
      .filter((v) => v > 0);
  };
  const near = (found: readonly number[], expected: readonly number[]) => {
    expect(found.length).toBe(expected.length);
    found.forEach((v, i) => {
      expect(Math.abs(v / expected[i] - 1)).toBeLessThan(0.04);
    });
  };

  it("hears every micro-batch: the error of an update is their mean", () => {
    near(variances(accumulate(4, chain(noise(), sgd(1))), [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1]), [1, 0.75, 0.25]);
  });

  it("hears them behind it, in groups and under masks too", () => {
    const errors = [1, 1, 1, 0, 0, 0, 0, 0];
    near(variances(chain(accumulate(4, sgd(1)), noise()), errors), [1, 0.75]);
    near(variances(partition({ "**": accumulate(4, chain(masked(noise(), "w"), sgd(1))) }), errors), [1, 0.75]);
    near(variances(accumulate(2, chain(accumulate(2, clipByGlobalNorm(1)), noise(), sgd(1))), errors), [1, 0.75]);
  });

  it("leaves out the null ones, and counts `every` in updates", () => {
    near(variances(accumulate(2, chain(noise(2), sgd(1))), [1, -1, 0.5, 0.5, 0, 0]), [1, 1, 0.75]);
  });
});

describe("the state of a loop of one's own", () => {
  const params = { w: vector([1, 2]) };
  const zero = { w: vector([0, 0]) };
  const optimizer = chain(
    addNoise({ eta: 1, seed: 1 }),
    optim.momentum(0.5),
    sgd((t) => 2 ** -t),
  );
  const take = () => {
    let state = optim.init(optimizer, params);
    return [0, 1, 2].map(() => {
      const next = optim.update(optimizer, zero, state);
      state = next.state;
      return bits(next.updates.w.data as Float32Array);
    });
  };

  it("moves on whether the returned one is taken or not", () => {
    const kept = optim.init(optimizer, params);
    expect([0, 1, 2].map(() => bits(optim.update(optimizer, zero, kept).updates.w.data as Float32Array))).toEqual(
      take(),
    );
    expect(kept.t).toBe(3);
  });

  it("that was copied is refused, and so is another's", () => {
    const state = optim.init(optimizer, params);
    expect(() => optim.update(optimizer, zero, { ...state })).toThrow(
      "optim.update: expected the state that optim.init made, got an object { block, state }. Write optim.update(optimizer, gradients, state, { params, metrics })",
    );
    expect(() => optim.update(sgd(1), zero, state)).toThrow("optim.update: the state belongs to chain(addNoise(");
  });

  it("arguments in another order are told the right one", () => {
    const state = optim.init(optimizer, params);
    const wrong = optim.update as unknown as (...args: unknown[]) => unknown;
    expect(() => wrong(zero, state, params)).toThrow(
      "optim.update: the first argument expected a gradient transform, got an object { w }. Write optim.update(optimizer, gradients, state",
    );
    expect(() => wrong(optimizer, state, zero)).toThrow("expected the state that optim.init made, got an object { w }");
    expect(() => wrong(optimizer, zero, state, params)).toThrow('optim.update: there is no option "w"');
    expect(() => (optim.init as typeof wrong)(params, optimizer)).toThrow(
      "The optimizer comes first: optim.init(optimizer",
    );
    expect(() => (optim.average as typeof wrong)(state, params)).toThrow("Write average(params, state)");
  });

  it("refuses trees of other dtypes", () => {
    const state = optim.init(sgd(1), params);
    const whole = { w: { ...vector([1, 2]) } };
    expect(() => optim.update(sgd(1), whole as never, state)).toThrow();
  });
});

describe("an unfinished group", () => {
  it("is counted, wherever accumulate stands", () => {
    const pending = (optimizer: optim.GradientTransform, steps: number): number => {
      const params = { w: vector([1]) };
      const state = optim.init(optimizer, params);
      for (let i = 0; i < steps; i++) optim.update(optimizer, params, state);
      expect(pendingMicroBatches(state.state)).toBe(state.pending);
      return state.pending;
    };
    expect([0, 1, 3, 4, 6].map((n) => pending(accumulate(4, sgd(0.1)), n))).toEqual([0, 1, 3, 0, 2]);
    expect(pending(chain(accumulate(4, sgd(0.1)), ema(0.9)), 3)).toBe(3);
    expect(pending(partition({ "**": accumulate(4, sgd(0.1)) }), 3)).toBe(3);
    expect([5, 6, 7].map((n) => pending(accumulate(2, accumulate(3, sgd(0.1))), n))).toEqual([5, 0, 1]);
    expect(pending(sgd(0.1), 3)).toBe(0);
  });
});

describe("several noises of one seed", () => {
  const n = 40_000;
  const one = () => addNoise({ std: 1, seed: 1 });
  const correlation = (a: Float32Array, b: Float32Array): number =>
    Math.abs(a.reduce((s, v, i) => s + v * b[i], 0)) / (norm(a) * norm(b));
  const first = (optimizer: optim.GradientTransform, size = n) => runVector(optimizer, zeros(1, size))[0];

  it("add their variances, whatever they are", () => {
    expect(variance(first(chain(one(), one()))) / 2).toBeCloseTo(1, 1);
    expect(variance(first(chain(one(), chain(one(), one())))) / 3).toBeCloseTo(1, 1);
    expect(variance(first(chain(one(), errorScaledNoise({ scale: 1, seed: 1, error: () => 1 })))) / 2).toBeCloseTo(
      1,
      1,
    );
    const twice = () => anticorrelatedNoise({ std: 1, seed: 1 });
    expect(variance(first(chain(twice(), twice()))) / 4).toBeCloseTo(1, 1);
    const shared = one();
    expect(variance(first(chain(shared, shared))) / 2).toBeCloseTo(1, 1);
  });

  it("leave the first its draws: a program with one noise has the bits it had", () => {
    const both = first(chain(one(), one()));
    const alone = first(one());
    const second = both.map((v, i) => v - alone[i]) as Float32Array;
    expect(correlation(alone, second)).toBeLessThan(0.03);
    expect(bits(first(chain(one(), addNoise({ std: 1, seed: 2 }))).slice(0, 9))).toEqual(
      bits(alone.slice(0, 9).map((v, i) => v + first(addNoise({ std: 1, seed: 2 }), 9)[i])),
    );
  });

  it("are told apart on each element: groups share a stream, what overlaps does not", () => {
    const params = { a: vector(new Float32Array(2000)), b: vector(new Float32Array(2000)) };
    const [whole] = run(one(), params, [params]);
    const [groups] = run(partition({ a: one(), "**": one() }), params, [params]);
    expect(bits(groups.b)).toEqual(bits(whole.b));
    const [overlap] = run(chain(masked(one(), "a"), one()), params, [params]);
    expect(variance(overlap.a)).toBeGreaterThan(1.7);
    expect(correlation(overlap.b, whole.b)).toBeLessThan(0.1);
  });

  it("Langevin dynamics in two groups of one seed draw as in one", () => {
    const params = { a: vector([0, 0]), b: vector([0, 0, 0]) };
    const make = () => sgld(1, { seed: 1 });
    expect(run(partition({ a: make(), "**": make() }), params, [params])).toEqual(run(make(), params, [params]));
  });
});
