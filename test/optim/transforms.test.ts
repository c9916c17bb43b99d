// Schedules, accumulation, noise options, transforms of the user's own, and what the errors say.
import { describe, expect, it } from "vitest";
import { ParameterBlock, type Slot } from "../../src/core/parameter-block.js";
import * as optim from "../../src/optim/index.js";
import { Runtime } from "../../src/wasm/runtime.js";
import { bits, norm, run, runVector, series, vector } from "./fixtures.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, sgd } = optim;
const ones = (steps: number): number[][] => Array.from({ length: steps }, () => [1]);

describe("schedules", () => {
  const curve = (schedule: (t: number) => number, times: readonly number[]): number[] => times.map(schedule);

  it("constant stays", () => expect(curve(optim.constant(0.3), [0, 1, 1e6])).toEqual([0.3, 0.3, 0.3]));

  it("stepDecay multiplies after every so many updates", () => {
    expect(curve(optim.stepDecay(8, { every: 3, factor: 0.5 }), [0, 2, 3, 5, 6, 9])).toEqual([8, 8, 4, 4, 2, 1]);
  });

  it("exponentialDecay has fallen by the rate after each period", () => {
    const found = curve(optim.exponentialDecay(2, { every: 10, rate: 0.25 }), [0, 5, 10, 20]);
    [2, 1, 0.5, 0.125].forEach((v, i) => {
      expect(found[i]).toBeCloseTo(v, 12);
    });
  });

  it("cosine falls from value to floor and stays there", () => {
    const found = curve(optim.cosine(1, { steps: 8, floor: 0.2 }), [0, 2, 4, 6, 8, 100]);
    [1, 0.6 + 0.4 * Math.SQRT1_2, 0.6, 0.6 - 0.4 * Math.SQRT1_2, 0.2, 0.2].forEach((v, i) => {
      expect(found[i]).toBeCloseTo(v, 12);
    });
  });

  it("linearDecay is constant, then falls in a line, then stays", () => {
    expect(curve(optim.linearDecay(1, { from: 4, steps: 8, floor: 0.5 }), [0, 4, 5, 6, 8, 9])).toEqual([
      1, 1, 0.875, 0.75, 0.5, 0.5,
    ]);
  });

  it("warmUp rises to the first value of what follows, which then counts from its own start", () => {
    const after = optim.stepDecay(8, { every: 2, factor: 0.5 });
    expect(curve(optim.warmUp(4, after), [0, 1, 2, 3, 4, 5, 6, 8])).toEqual([2, 4, 6, 8, 8, 8, 4, 2]);
  });

  it("stepDecay multiplies at each of the counts it is given", () => {
    const found = curve(optim.stepDecay(8, { at: [2, 5], factor: 0.5 }), [0, 1, 2, 4, 5, 100]);
    expect(found).toEqual([8, 8, 4, 4, 2, 2]);
  });

  it("powerDecay is a (b + t)^-gamma", () => {
    const found = curve(optim.powerDecay(0.5, { offset: 4, power: 0.55 }), [0, 1, 12, 1000]);
    [0, 1, 12, 1000].forEach((t, i) => {
      expect(found[i]).toBeCloseTo(0.5 * 4 ** 0.55 * (4 + t) ** -0.55, 12);
    });
  });

  it("join counts every schedule from where it begins", () => {
    const line = optim.linearDecay(1, { steps: 4 });
    expect(curve(optim.join([0.25, line, line], [2, 4]), [0, 1, 2, 3, 4, 5, 8])).toEqual([
      0.25, 0.25, 1, 0.75, 1, 0.75, 0,
    ]);
  });

  it("agree with the definitions of torch.optim.lr_scheduler, t for t", () => {
    // the recurrences as PyTorch documents them, in doubles
    const [multi, half, cos] = [
      optim.stepDecay(0.1, { at: [3, 7], factor: 0.1 }),
      optim.exponentialDecay(0.1, { every: 1, rate: 0.9 }),
      optim.cosine(0.1, { steps: 10, floor: 0.01 }),
    ];
    let [a, b, c] = [0.1, 0.1, 0.1];
    for (let t = 0; t <= 10; t++) {
      if (t > 0) {
        if (t === 3 || t === 7) a *= 0.1;
        b *= 0.9;
        c = ((1 + Math.cos((Math.PI * t) / 10)) / (1 + Math.cos((Math.PI * (t - 1)) / 10))) * (c - 0.01) + 0.01;
      }
      expect([multi(t), half(t), cos(t)].map((v, i) => Math.abs(v / [a, b, c][i] - 1) < 1e-9)).toEqual([
        true,
        true,
        true,
      ]);
    }
  });

  it("set the learning rate of every update by t from 0", () => {
    for (const make of [sgd, (rate: (t: number) => number) => adam(rate, { beta1: 0, beta2: 0, epsilon: 0 })])
      expect(
        runVector(
          make((t) => 2 ** -t),
          ones(4),
        ).map((u) => u[0]),
      ).toEqual([-1, -0.5, -0.25, -0.125]);
  });
});

describe("accumulate", () => {
  it("makes of micro-batches the update of the whole batch, bit for bit where sums are exact", () => {
    const exact = (seed: number) => series(67, seed).map((v) => Math.round(v * 256) / 256);
    const micro = [1, 2, 3, 4, 5, 6, 7, 8].map(exact);
    const whole = [0, 4].map((from) =>
      micro[from].map((_, i) => (micro[from][i] + micro[from + 1][i] + micro[from + 2][i] + micro[from + 3][i]) / 4),
    );
    for (const inner of [
      sgd(0.1),
      sgd(0.1, { momentum: 0.9, nesterov: true }),
      chain(clipByGlobalNorm(0.5), addNoise({ eta: 0.1, seed: 1 }), adam(0.01)),
    ]) {
      const gathered = runVector(accumulate(4, inner), micro);
      const plain = runVector(inner, whole);
      expect([3, 7].map((t) => bits(gathered[t]))).toEqual(plain.map(bits));
    }
  });

  it("of one step is the optimizer itself", () => {
    const gradients = [series(35, 1), series(35, 2)];
    const inner = chain(addNoise({ eta: 0.1, seed: 1 }), sgd(0.1, { momentum: 0.9 }));
    expect(runVector(accumulate(1, inner), gradients).map(bits)).toEqual(runVector(inner, gradients).map(bits));
  });

  it("runs schedules by updates, not by micro-batches", () => {
    const u = runVector(
      accumulate(
        2,
        sgd((t) => t + 1),
      ),
      ones(6),
    ).map((v) => v[0] + 0);
    expect(u).toEqual([0, -1, 0, -2, 0, -3]);
  });

  it("keeps what stands behind it in a chain from running between updates", () => {
    const u = runVector(chain(accumulate(2, sgd(1)), addNoise({ eta: 1, seed: 1 })), ones(2));
    expect(u[0][0]).toBe(0);
    expect(u[1][0]).not.toBe(-1);
  });
});

describe("addNoise", () => {
  const zero = new Float32Array(50);

  it("with gamma 0 keeps its variance", () => {
    const [a, b] = [
      runVector(addNoise({ eta: 4, gamma: 0, seed: 1 }), [zero, zero]),
      runVector(addNoise({ std: 2, seed: 1 }), [zero, zero]),
    ];
    expect(a.map(bits)).toEqual(b.map(bits));
  });

  it("takes a schedule of one's own for the standard deviation", () => {
    const [, , third] = runVector(addNoise({ std: (t) => (t === 2 ? 4 : 0), seed: 1 }), [zero, zero, zero]);
    const [, , unit] = runVector(addNoise({ std: 1, seed: 1 }), [zero, zero, zero]);
    expect(bits(third)).toEqual(bits(unit.map((v) => 4 * v)));
  });

  it("of a standard deviation whose square is no float is the unit noise, scaled", () => {
    const [unit] = runVector(addNoise({ std: 1, seed: 1 }), [zero]);
    const [tiny] = runVector(addNoise({ std: 2 ** -70, seed: 1 }), [zero]);
    expect(bits(tiny)).toEqual(bits(unit.map((v) => v * 2 ** -70)));
  });

  it("of variance 0 leaves every bit", () => {
    const g = [series(50)];
    expect(runVector(addNoise({ eta: 0, seed: 1 }), g).map(bits)).toEqual(g.map(bits));
  });

  it("is another at every update", () => {
    const [a, b] = runVector(addNoise({ std: 1, seed: 1 }), [zero, zero]);
    expect(a.filter((v, i) => v === b[i]).length).toBe(0);
  });

  it("does not depend on how many parameters stand behind an element", () => {
    const [short] = runVector(addNoise({ std: 1, seed: 1 }), [new Float32Array(1500)]);
    const [long] = runVector(addNoise({ std: 1, seed: 1 }), [new Float32Array(5000)]);
    expect(bits(long.slice(0, 1500))).toEqual(bits(short));
  });
});

describe("a transform of the user's own", () => {
  it("reads values and rewrites updates through live views", () => {
    const weightDecay: optim.GradientTransform = {
      description: "weightDecay",
      init: () => ({}),
      update(block) {
        const { values, updates } = block;
        for (let i = 0; i < updates.length; i++) updates[i] += 0.5 * values[i];
        return undefined;
      },
    };
    const [u] = run(chain(weightDecay, sgd(1)), { w: vector([2, -4]) }, [{ w: vector([1, 1]) }]);
    expect(Array.from(u.w)).toEqual([-2, 1]);
  });

  it("finds every parameter in the segments", () => {
    let seen: unknown;
    const look: optim.GradientTransform = {
      description: "look",
      init(block) {
        seen = block.segments.map(({ path, offset, length, shape }) => [path, offset, length, ...shape]);
        return {};
      },
      update: () => undefined,
    };
    optim.init(look, { a: vector([1, 2, 3]), layers: [{ weight: vector([4]), bias: vector([5, 6]) }] });
    expect(seen).toEqual([
      ["a", 0, 3, 3],
      ["layers[0].weight", 3, 1, 1],
      ["layers[0].bias", 4, 2, 2],
    ]);
  });

  it("keeps a slot from step to step", () => {
    const mean: optim.GradientTransform = {
      description: "runningSum",
      init: (block) => ({ sum: block.allocateSlot() }),
      update(block, state) {
        const { data } = state.sum as Slot;
        const { updates } = block;
        for (let i = 0; i < updates.length; i++) updates[i] = data[i] += updates[i];
        return undefined;
      },
    };
    expect(
      runVector(mean, [
        [1, 10],
        [2, 20],
        [3, 30],
      ]).map((u) => Array.from(u)),
    ).toEqual([
      [1, 10],
      [3, 30],
      [6, 60],
    ]);
  });

  it("that asks for the norm before it writes does not leave the clip a stale norm", () => {
    const grow: optim.GradientTransform = {
      description: "grow",
      init: () => ({}),
      update(block) {
        const { updates } = block;
        if (block.norm() < 1) for (let i = 0; i < updates.length; i++) updates[i] *= 100;
        return undefined;
      },
    };
    const [u] = runVector(chain(grow, clipByGlobalNorm(1)), [[0.3, 0.4]]);
    expect(norm(u)).toBeCloseTo(1, 6);
  });

  it("sees views that are made again after memory has grown", () => {
    const runtime = new Runtime();
    const block = ParameterBlock.allocate(runtime, { w: vector([1, 2, 3]) });
    const before = block.values;
    for (let i = 0; i < 8; i++) runtime.memory.allocatePersistent(2 ** 20);
    expect(before.length).toBe(0); // the old view is detached: the memory did grow
    expect(Array.from(block.values)).toEqual([1, 2, 3]);
  });
});

describe("errors", () => {
  const cases: [() => unknown, string][] = [
    [() => addNoise({ eta: -0.01, seed: 1 }), 'addNoise: "eta" expected a number >= 0, got -0.01'],
    [() => addNoise({ eta: Number.NaN, seed: 1 }), 'addNoise: "eta" expected a number >= 0, got NaN'],
    [() => addNoise({ eta: 1, gamma: -1, seed: 1 }), 'addNoise: "gamma" expected a number >= 0, got -1'],
    [() => addNoise({ eta: 1, seed: 0.5 }), 'addNoise: "seed" expected an integer >= 0, got 0.5'],
    [() => addNoise({ eta: 1, seed: -1 }), 'addNoise: "seed" expected an integer >= 0, got -1'],
    [() => addNoise({ eta: 1, std: 1, seed: 1 }), 'addNoise: give either "eta" or "std", not both'],
    [() => addNoise({ std: -1, seed: 1 }), 'addNoise: "std" expected a number >= 0, got -1'],
    [
      () => runVector(addNoise({ std: () => -1, seed: 1 }), ones(1)),
      'addNoise: "std" at t = 0 expected a number >= 0, got -1',
    ],
    [() => clipByGlobalNorm(0), 'clipByGlobalNorm: "maxNorm" expected a number > 0, got 0'],
    [() => sgd(-1), 'sgd: "learningRate" expected a number >= 0, or a function of t, got -1'],
    [() => sgd(1, { momentum: 1 }), 'sgd: "momentum" expected a number in 0 <= momentum < 1, got 1'],
    [
      () => sgd(1, { nesterov: true }),
      'sgd: "nesterov" needs a momentum > 0 and no dampening, got momentum 0 and dampening 0',
    ],
    [
      () =>
        runVector(
          sgd((t) => 1 / (1 - t)),
          ones(2),
        ),
      'sgd: "learningRate" at t = 1 expected a finite number, got Infinity',
    ],
    [() => adam(0.1, { beta2: 1 }), 'adam: "beta2" expected a number in 0 <= beta2 < 1, got 1'],
    [() => accumulate(0, sgd(1)), 'accumulate: "count" expected an integer >= 1, got 0'],
    [() => chain(sgd(1), 0.1 as never), "chain: argument 1 expected a gradient transform, got 0.1"],
    [() => optim.cosine(1, { steps: 0 }), 'cosine: "steps" expected an integer >= 1, got 0'],
    [() => optim.linearDecay(1, { steps: 5, floor: -1 }), 'linearDecay: "floor" expected a number >= 0, got -1'],
    [() => optim.stepDecay(1, { factor: 1 }), 'stepDecay: give either "every" or "at"'],
    [
      () => optim.stepDecay(1, { at: [5, 5], factor: 1 }),
      'stepDecay: "at" expected integers that rise from above 0, got [5, 5]',
    ],
    [() => optim.powerDecay(1, { power: -1 }), 'powerDecay: "power" expected a number >= 0, got -1'],
    [() => optim.join([1, 2], []), "join: 2 schedules need 1 counts, got 0"],
    [() => optim.join([1, 2], [0]), 'join: "at" expected integers that rise from above 0, got [0]'],
    [
      () => optim.join([1, () => Number.NaN], [1])(3),
      'join: "schedules[1]" at t = 2 expected a finite number, got NaN',
    ],
    [() => optim.init(sgd(1), {}), "params: the tree holds no parameters"],
    [
      () => optim.init(sgd(1), { "a.b": vector([1]), a: { b: vector([1]) } }),
      "params: two parameters are called a.b. Rename the one whose key holds a dot",
    ],
  ];
  it.each(cases.map(([f, message]) => [message, f] as const))("%s", (message, f) => {
    expect(f).toThrow(message);
  });
});
