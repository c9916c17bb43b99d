// Masks, groups and freezing: what they touch, and that a draw's index stays the element's offset in the block.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { hostTensor } from "../../src/core/tensor.js";
import {
  accumulate,
  adagrad,
  adam,
  addNoise,
  anticorrelatedNoise,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  clipByNorm,
  clipByValue,
  freeze,
  type GradientTransform,
  init,
  masked,
  partition,
  rmsprop,
  sgd,
  update,
  weightDecay,
} from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { bits, norm, run, series, vector } from "./fixtures.js";

const tree = (seed = 1) => ({
  a: vector(series(37, seed)),
  b: vector(series(1100, seed + 1)),
  c: vector(series(5, 9)),
});
const noise = () => addNoise({ eta: 1, seed: 4 });
const zeroTree = () => ({
  a: vector(new Float32Array(37)),
  b: vector(new Float32Array(1100)),
  c: vector([0, 0, 0, 0, 0]),
});
const flat = (u: Record<string, Float32Array>) => [...u.a, ...u.b, ...u.c];

describe("masks", () => {
  it("by a path leave the noise of the named parameters as it is without a mask", () => {
    const [all] = run(noise(), tree(), [zeroTree()]);
    const [some] = run(masked(noise(), "b"), tree(), [zeroTree()]);
    expect(bits(some.b)).toEqual(bits(all.b));
    expect([...some.a, ...some.c].every((v) => v === 0)).toBe(true);
  });

  it("by 0/1 arrays never compact the index of a draw, whatever the pattern", () => {
    const [all] = run(noise(), tree(), [zeroTree()]);
    for (const period of [2, 3, 7, 33]) {
      const keep = (n: number) => Float32Array.from({ length: n }, (_, i) => (i % period === 1 ? 1 : 0));
      const mask = { a: vector(keep(37)), b: vector(keep(1100)), c: vector(keep(5)) };
      const [some] = run(addNoise({ eta: 1, seed: 4, mask }), tree(), [zeroTree()]);
      const wanted = { a: keep(37), b: keep(1100), c: keep(5) };
      for (const name of ["a", "b", "c"] as const)
        expect(bits(some[name])).toEqual(bits(all[name].map((v, i) => (wanted[name][i] ? v : 0))));
    }
  });

  it("by an int32 0/1 array do the same as by float32", () => {
    const as = (kind: typeof Int32Array | typeof Float32Array) => ({
      a: hostTensor(kind.of(...Array.from({ length: 37 }, (_, i) => i & 1)), [37]),
      b: hostTensor(new kind(1100), [1100]),
      c: hostTensor(new kind(5).fill(1), [5]),
    });
    const [x] = run(masked(noise(), as(Int32Array)), tree(), [zeroTree()]);
    const [y] = run(masked(noise(), as(Float32Array)), tree(), [zeroTree()]);
    expect(flat(x)).toEqual(flat(y));
  });

  it("by arrays belong to the parameter of their path, in whatever order they are written", () => {
    const params = { a: vector([1, 1]), b: vector([1, 1]) };
    const mask = { b: vector([0, 0]), a: vector([1, 1]) };
    const [u] = run(masked(sgd(1), mask), params, [{ a: vector([2, 2]), b: vector([2, 2]) }]);
    expect([...u.a, ...u.b]).toEqual([-2, -2, 2, 2]);
  });

  it("may be one tensor where the parameters are one", () => {
    const transform = freeze(vector([1, 0]));
    const state = init(transform, vector([1, 1]));
    expect(update(transform, vector([3, 3]), state).updates.data).toEqual(Float32Array.of(0, 3));
  });

  it("let a transform see its own part alone: a norm is the part's norm", () => {
    const gradients = tree(5);
    const [u] = run(masked(clipByGlobalNorm(0.5), ["a", "c"]), tree(), [gradients]);
    expect(norm([...u.a, ...u.c])).toBeCloseTo(0.5, 6);
    expect(u.b).toEqual(gradients.b.data);
  });

  it("nest: what both name is touched", () => {
    const [all] = run(noise(), tree(), [zeroTree()]);
    const half = {
      a: vector(new Float32Array(37)),
      b: vector(new Float32Array(1100).fill(1, 600)),
      c: vector([1, 1, 1, 1, 1]),
    };
    const [u] = run(masked(masked(noise(), half), "b"), tree(), [zeroTree()]);
    expect(bits(u.b)).toEqual(bits(all.b.map((v, i) => (i < 600 ? 0 : v))));
    expect([...u.a, ...u.c].every((v) => v === 0)).toBe(true);
  });

  it("that hold another value than 0 or 1 are refused", () => {
    const mask = { a: vector([1, 0.5]) };
    expect(() => run(masked(sgd(1), mask), { a: vector([1, 1]) }, [])).toThrow(
      "masked: the mask at a holds 0.5 at position 1, expected 0 or 1",
    );
  });

  it("of another shape, with a parameter too few or too many, are refused", () => {
    const params = { a: vector([1, 1]), b: vector([1]) };
    const attempt = (mask: Record<string, ReturnType<typeof vector>>) => () => run(masked(sgd(1), mask), params, []);
    expect(attempt({ a: vector([1]), b: vector([1]) })).toThrow(
      "masked: the mask at a has shape [1], the parameter [2]",
    );
    expect(attempt({ a: vector([1, 1]) })).toThrow("masked: the mask has no b; it needs a tensor for every parameter");
    expect(attempt({ a: vector([1, 1]), b: vector([1]), d: vector([1]) })).toThrow(
      "masked: the mask has d, which is no parameter",
    );
  });

  it("by a pattern that matches nothing are refused", () => {
    expect(() => run(freeze("embeding"), tree(), [])).toThrow(
      'freeze: the pattern "embeding" matches no parameter. There are: a, b, c',
    );
  });

  it("appear in the description, so that a checkpoint refuses another mask", () => {
    expect(addNoise({ eta: 1, seed: 1, mask: "a" }).description).not.toBe(
      addNoise({ eta: 1, seed: 1, mask: "b" }).description,
    );
    expect(masked(sgd(1), ["a", "b"]).description).not.toBe(masked(sgd(1), ["a", "c"]).description);
  });

  it("by arrays appear as a digest of the elements they name, whatever the order of the keys and the dtype", () => {
    const seen = (mask: object) => masked(sgd(1), mask as Record<string, unknown>).description;
    const digests = [
      { a: vector([1, 0]), b: vector([1]) },
      { a: vector([0, 1]), b: vector([1]) },
      { a: vector([1, 0]), b: vector([0]) },
      { a: vector([1, 0]), c: vector([1]) },
      { a: vector([1, 0, 0]), b: vector([1]) },
      { a: vector([1, 1]), b: vector([1]) },
      { a: vector([1]), b: vector([0, 1]) },
    ].map(seen);
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests[0]).toBe("masked(sgd(1), [mask d4010098])");
    expect(seen({ b: hostTensor(Int32Array.of(1), [1]), a: vector([1, 0]) })).toBe(digests[0]);
    for (const make of [freeze, (mask: Record<string, unknown>) => addNoise({ eta: 1, seed: 1, mask })])
      expect(make({ a: vector([1, 0]) }).description).not.toBe(make({ a: vector([0, 1]) }).description);
  });

  it("by arrays make a checkpoint refuse a trainer with others", () => {
    const make = (...mask: number[]) =>
      createTrainer({
        params: { a: vector([1, 2]) },
        loss: (p, _: undefined) => p.a.sum(),
        optimizer: chain(sgd(1), freeze({ a: vector(mask) })),
      });
    expect(() => make(0, 1).restore(make(1, 0).checkpoint())).toThrow(
      /^checkpoint: optimizer is chain\(sgd\(1\), freeze\(\[mask [0-9a-f]{8}\]\)\), the trainer's is chain/,
    );
    expect(() => make(1, 0).restore(make(1, 0).checkpoint())).not.toThrow();
  });
});

describe("masks of many short runs", () => {
  const n = 9001;
  const params = { a: vector(series(n, 1)), b: vector(series(300, 2)) };
  const steps = [3, 4, 5].map((k) => ({ a: vector(series(n, k)), b: vector(series(300, k + 10)) }));
  const patterns: [string, (i: number) => boolean][] = [
    ["every other", (i) => i % 2 === 1],
    ["all but one in seven", (i) => i % 7 !== 3],
    ["rows of fifty", (i) => Math.floor(i / 50) % 2 === 0],
    ["one in two hundred", (i) => i % 200 === 0],
    ["a long run among short ones", (i) => (i > 2000 && i < 6000) || i % 3 === 0],
    ["two long runs", (i) => i < 4000 || i > 4050],
  ];
  const passes: [string, () => GradientTransform][] = [
    ["noise", noise],
    ["sgd", () => sgd(0.1)],
    ["momentum", () => sgd(0.1, { momentum: 0.9, nesterov: true })],
    ["adam", () => chain(noise(), adam(0.1))],
    ["rmsprop", () => rmsprop(0.1, { centered: true, momentum: 0.5 })],
    ["decay, accumulated", () => accumulate(1, chain(weightDecay(0.1), clipByValue(0.5), adagrad(0.1)))],
    ["anticorrelated", () => chain(sgd(1), anticorrelatedNoise({ std: 1, seed: 2 }))],
    ["freezing", () => freeze("**")],
  ];

  it.each(patterns)("touch what they name as without a mask, and nothing else: %s", (_, keep) => {
    const mask = {
      a: vector(Float32Array.from({ length: n }, (_, i) => (keep(i) ? 1 : 0))),
      b: vector(Float32Array.from({ length: 300 }, (_, i) => (keep(i + n) ? 1 : 0))),
    };
    for (const [name, make] of passes) {
      const whole = run(make(), params, steps);
      run(masked(make(), mask), params, steps).forEach((some, t) => {
        for (const leaf of ["a", "b"] as const)
          some[leaf].forEach((v, i) => {
            const expected = (mask[leaf].data[i] ? whole[t] : { a: steps[t].a.data, b: steps[t].b.data })[leaf][i];
            if (!Object.is(v, expected)) throw new Error(`${name}: ${leaf}[${i}] is ${v}, expected ${expected}`);
          });
      });
    }
  });

  it.each(patterns)("have the norm of what they name, of all and by parameter: %s", (_, keep) => {
    const [g] = steps;
    const named = (leaf: "a" | "b") => [...g[leaf].data].map((v, i) => (keep(leaf === "a" ? i : i + n) ? v : 0));
    const mask = {
      a: vector(named("a").map((v) => (v === 0 ? 0 : 1))),
      b: vector(named("b").map((v) => (v === 0 ? 0 : 1))),
    };
    const [joint] = run(masked(clipByGlobalNorm(0.5), mask), params, [g]);
    const [each] = run(masked(clipByNorm(0.5), mask), params, [g]);
    const total = norm([...named("a"), ...named("b")]);
    for (const leaf of ["a", "b"] as const) {
      const own = norm(named(leaf));
      named(leaf).forEach((v, i) => {
        if (v === 0) return;
        expect(Math.abs(joint[leaf][i] / ((v * 0.5) / total) - 1)).toBeLessThan(1e-6);
        expect(Math.abs(each[leaf][i] / ((v * 0.5) / own) - 1)).toBeLessThan(1e-6);
      });
    }
  });

  it("leave a transform of one's own its exact ranges", () => {
    let seen = 0;
    const count: GradientTransform = {
      description: "count",
      init: () => ({}),
      update: (block) => block.each((_, length) => (seen += length)) as undefined,
    };
    run(masked(count, { a: vector([1, 0, 1, 0, 1]) }), { a: vector([0, 0, 0, 0, 0]) }, [
      { a: vector([1, 1, 1, 1, 1]) },
    ]);
    expect(seen).toBe(3);
  });

  it("nest at a cost that grows in a line", () => {
    const alternate = (size: number) => ({ a: vector(Float32Array.from({ length: size }, (_, i) => i % 2)) });
    const cost = (size: number): number => {
      const from = performance.now();
      init(masked(masked(sgd(1), alternate(size)), alternate(size)), { a: vector(new Float32Array(size)) });
      return performance.now() - from;
    };
    cost(1000);
    expect(Math.min(cost(100_000), cost(100_000))).toBeLessThan(5000); // quadratic: minutes
  });
});

describe("partition", () => {
  it("gives every parameter to the first pattern that matches it", () => {
    const params = { weight: vector([1]), bias: vector([1]), other: vector([1]) };
    const [u] = run(partition({ bias: sgd(0.5), "**": sgd(2) }), params, [
      { weight: vector([1]), bias: vector([1]), other: vector([3]) },
    ]);
    expect([u.weight[0], u.bias[0], u.other[0]]).toEqual([-2, -0.5, -6]);
  });

  it("keeps the noise of an element where it is without groups", () => {
    const [all] = run(noise(), tree(), [zeroTree()]);
    const [u] = run(partition({ b: noise(), "**": noise() }), tree(), [zeroTree()]);
    expect(flat(u)).toEqual(flat(all));
  });

  it("keeps separate momenta", () => {
    const momentum = (rate: number) => sgd(rate, { momentum: 0.5 });
    const grads = [tree(3), tree(4), tree(5)];
    const parts = run(partition({ b: momentum(0.1), "**": momentum(0.2) }), tree(), grads);
    const [slow, fast] = [run(momentum(0.1), tree(), grads), run(momentum(0.2), tree(), grads)];
    parts.forEach((u, i) => {
      expect(u.b).toEqual(slow[i].b);
      expect(u.a).toEqual(fast[i].a);
    });
  });

  it("lets one group accumulate while the others update", () => {
    const params = { a: vector([0]), b: vector([0]) };
    const step = { a: vector([1]), b: vector([1]) };
    const u = run(partition({ a: accumulate(2, sgd(1)), "**": sgd(1) }), params, [step, step, step, step]);
    expect(u.map(({ a }) => a[0] + 0)).toEqual([0, -1, 0, -1]);
    expect(u.map(({ b }) => b[0])).toEqual([-1, -1, -1, -1]);
  });

  it("names a parameter that no pattern matches", () => {
    expect(() => run(partition({ a: sgd(1), b: sgd(1) }), tree(), [])).toThrow(
      'partition: no pattern of "a", "b" matches the parameter c. Add "**" as the last',
    );
  });
});

describe("the pure loop's trees", () => {
  const params = { a: vector([1, 2]), b: vector([3]) };

  it("are matched by path, in whatever order they are written", () => {
    const state = init(sgd(1), params);
    const { updates } = update(sgd(1), { b: vector([5]), a: vector([6, 7]) } as typeof params, state);
    const next = applyUpdates(params, updates);
    expect([...next.a.data, ...next.b.data]).toEqual([-5, -5, -2]);
  });

  it("are refused when a gradient is missing or has another shape", () => {
    const attempt = (gradients: object) => () => update(sgd(1), gradients as typeof params, init(sgd(1), params));
    expect(attempt({ a: vector([1, 2]) })).toThrow("optim.update: the tree of gradients has no b");
    expect(attempt({ a: vector([1, 2]), b: vector([1, 2]) })).toThrow(
      "optim.update: the tree of gradients at b has shape [2], the parameter [1]",
    );
  });

  it("are refused when an update is missing", () => {
    expect(() => applyUpdates(params, { a: vector([1, 2]) } as typeof params)).toThrow(
      "applyUpdates: the updates hold no values for b, which has 1",
    );
  });

  it("stay as they were: neither parameters nor gradients are written to", () => {
    const gradients = { a: vector([1, 1]), b: vector([1]) };
    const optimizer = chain(clipByGlobalNorm(0.1), noise(), sgd(1));
    applyUpdates(params, update(optimizer, gradients, init(optimizer, params)).updates);
    expect([...gradients.a.data, ...gradients.b.data]).toEqual([1, 1, 1]);
    expect([...params.a.data, ...params.b.data]).toEqual([1, 2, 3]);
  });
});
