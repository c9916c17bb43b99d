// Options that are misspelt, misplaced or of another kind are refused with the likely call; what is given is copied.
import { describe, expect, it } from "vitest";
import * as optim from "../../src/optim/index.js";
import { bits, run, runVector, vector } from "./fixtures.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, freeze, join, masked, partition, sgd } = optim;
const any = optim as unknown as Record<string, (...args: unknown[]) => unknown>;

describe("refused, with the way out", () => {
  const cases: [() => unknown, string][] = [
    [() => any.sgd(), 'sgd: "learningRate" expected a number >= 0, or a function of t, got undefined'],
    [() => any.sgd("0.1"), 'sgd: "learningRate" expected a number >= 0, or a function of t, got "0.1"'],
    [
      () => any.sgd(0.1, 0.9),
      "sgd: expected options { momentum, nesterov, dampening }, got 0.9. Write { momentum: 0.9 }",
    ],
    [
      () => any.sgd({ learningRate: 0.1 }),
      'sgd: "learningRate" is the first argument, got an object { learningRate }. Write sgd(0.1)',
    ],
    [
      () => any.sgd({ learningRate: 0.1, momentum: 0.9 }),
      'sgd: "learningRate" is the first argument, got an object { learningRate, momentum }. Write sgd(0.1, { momentum })',
    ],
    [
      () => any.sgd({ lr: 0.1 }),
      'sgd: "learningRate" is the first argument, got an object { lr }. Write sgd(learningRate)',
    ],
    [
      () => any.sgd(0.1, { learningRate: 1 }),
      'sgd: there is no option "learningRate". The learning rate is the first argument.',
    ],
    [() => any.adam(1e-3, { eps: 1e-6 }), 'adam: there is no option "eps". Did you mean "epsilon"?'],
    [
      () => any.adam(1e-3, { betas: [0.9, 0.99] }),
      'adam: there is no option "betas". Did you mean "beta1" and "beta2"?',
    ],
    [() => any.adamw(1e-3, { wd: 0.1 }), 'adamw: there is no option "wd". Did you mean "weightDecay"?'],
    [() => any.adamw(1e-3, 0.1), "adamw: expected options { beta1, beta2, epsilon, weightDecay, mask }, got 0.1"],
    [() => any.rmsprop(1e-3, { alpha: 0.9 }), 'rmsprop: there is no option "alpha". Did you mean "decay"?'],
    [() => any.rmsprop(1e-3, { centered: 1 }), 'rmsprop: "centered" expected true or false, got 1'],
    [() => any.adagrad(1e-3, { inital: 1 }), 'adagrad: there is no option "inital". Did you mean "initial"?'],
    [
      () => any.momentum(0.9, true),
      "momentum: expected options { nesterov, dampening }, got true. Write { nesterov: true }",
    ],
    [
      () => any.momentum({ decay: 0.9 }),
      'momentum: "decay" is the first argument, got an object { decay }. Write momentum(0.9)',
    ],
    [() => any.sgld(0.1), 'sgld: "seed" is missing'],
    [() => any.sgld(0.1, 1), "sgld: expected options { seed, temperature }, got 1. Write { seed: 1 }"],
    [
      () => any.weightDecay(0.1, "**.weight"),
      'weightDecay: expected options { mask }, got "**.weight". Write { mask: "**.weight" }',
    ],
    [() => any.addNoise({ eta: 1, gama: 1, seed: 1 }), 'addNoise: there is no option "gama". Did you mean "gamma"?'],
    [() => any.addNoise({ sigma: 1, seed: 1 }), 'addNoise: there is no option "sigma". Did you mean "std"?'],
    [() => any.addNoise({ eta: "0.1", seed: 1 }), 'addNoise: "eta" expected a number >= 0, got "0.1"'],
    [
      () => any.addNoise({ std: 1, gamma: 0.55, seed: 1 }),
      'addNoise: "gamma" belongs to "eta" and does nothing to "std"',
    ],
    [
      () => any.addNoise(0.01),
      "addNoise: expected options { eta, gamma, std, seed, mask }, got 0.01. Write { eta: 0.01 }",
    ],
    [() => any.addNoise(), 'addNoise: "seed" is missing'],
    [() => any.anticorrelatedNoise({ variance: 1, seed: 1 }), 'there is no option "variance". Did you mean "eta"?'],
    [
      () => any.errorScaledNoise({ scale: 1, seed: 1, metric: "error" }),
      'errorScaledNoise: there is no option "metric"',
    ],
    [
      () => any.errorScaledNoise({ scale: 1, seed: 1, error: "e" }),
      '"error" expected a function of the metrics, got "e"',
    ],
    [
      () => any.clipByGlobalNorm({ maxNorm: 10 }),
      'clipByGlobalNorm: "maxNorm" is the first argument, got an object { maxNorm }. Write clipByGlobalNorm(10)',
    ],
    [() => any.clipByNorm(1, 2), "clipByNorm: there is no argument for 2. The norm is the Euclidean one"],
    [() => any.clipByValue(-1, 1), 'clipByValue: "limit" expected a number > 0, got -1'],
    [() => any.ema({ decay: 0.9 }), 'ema: "decay" is the first argument, got an object { decay }. Write ema(0.9)'],
    [() => any.ema(0.9, false), "ema: expected options { debias }, got false. Write { debias: false }"],
    [() => any.ema(0.9, { biasCorrection: true }), 'ema: there is no option "biasCorrection". There are: debias'],
    [() => any.accumulate(sgd(0.1), 4), 'accumulate: "count" comes first. Write accumulate(4, sgd(0.1))'],
    [() => any.accumulate(4), "accumulate: the second argument expected a gradient transform, got undefined"],
    [
      () => any.accumulate(4, clipByGlobalNorm(1), sgd(0.1)),
      "accumulate: there is no argument for sgd(0.1). Several transforms make one by chain(...)",
    ],
    [
      () => any.masked("**.bias", sgd(0.1)),
      'masked: the first argument expected a gradient transform, got "**.bias". The transform comes first: masked(sgd(0.1), "**.bias")',
    ],
    [() => any.masked(sgd(0.1)), 'masked: the mask expected a path pattern such as "**.bias", a list of them'],
    [() => any.masked(sgd(0.1), /bias/), "like the parameters, got a RegExp"],
    [() => any.masked(sgd(0.1), () => true), "like the parameters, got a function"],
    [
      () => any.masked(sgd(0.1), { a: true }),
      "masked: the mask.a: expected a tensor, an array or a plain object, got true",
    ],
    [() => any.freeze(), "freeze: the mask expected a path pattern"],
    [() => any.freeze("a", "b"), 'freeze: there is no argument for "b". Several patterns are a list: ["a", "b"]'],
    [() => any.freeze(sgd(0.1)), "freeze: the mask expected a path pattern"],
    [
      () => any.partition(),
      'partition: expected transforms by pattern, as { "**.bias": sgd(0.01), "**": sgd(0.1) }, got undefined',
    ],
    [() => any.partition({}), "got an empty object"],
    [() => any.partition(sgd(0.1)), "got sgd(0.1)"],
    [() => any.partition([["**", sgd(0.1)]]), "partition: expected transforms by pattern"],
    [() => any.chain(sgd), "chain: argument 0 expected a gradient transform, got a function. Call it: sgd(0.1)"],
    [() => any.cosine(0.1, 1000), "cosine: expected options { steps, floor }, got 1000. Write { steps: 1000 }"],
    [() => any.cosine(0.1), 'cosine: "steps" is missing; give the number of updates until the floor'],
    [() => any.cosine({ steps: 9 }), 'cosine: "value" is the first argument, got an object { steps }'],
    [() => any.stepDecay(0.1, { every: 10, gamma: 0.1 }), 'stepDecay: there is no option "gamma"'],
    [() => any.stepDecay(0.1, { every: 10 }), 'stepDecay: "factor" is missing; give what the value is multiplied by'],
    [() => any.exponentialDecay(0.1, { rate: 0.9 }), 'exponentialDecay: "every" is missing'],
    [() => any.powerDecay(0.1), 'powerDecay: "power" is missing'],
    [() => any.linearDecay(0.1, 1000), "linearDecay: expected options { from, steps, floor }, got 1000"],
    [() => any.warmUp(optim.constant(1), 100), 'warmUp: "steps" comes first. Write warmUp(1000, schedule)'],
    [() => any.warmUp(100), 'warmUp: "after" expected a number >= 0, or a function of t, got undefined'],
    [() => any.join(0.1, 0.2, [10]), 'join: "schedules" expected a list, got 0.1'],
    [() => any.join([0.1, 0.2], 10), 'join: "at" expected a list of integers that rise from above 0, got 10'],
    [() => any.join([0.1, "0.2"], [10]), 'join: "schedules[1]" expected a number >= 0, or a function of t, got "0.2"'],
    [() => any.noiseStd(-1, 0.55, 0), 'noiseStd: "eta" expected a number >= 0, got -1'],
  ];
  it.each(cases.map(([f, message]) => [message, f] as const))("%s", (message, f) => {
    expect(f).toThrow(message);
  });
});

describe("numbers that the kernels would see as others", () => {
  const cases: [() => unknown, string][] = [
    [
      () => adam(0.1, { epsilon: 1e-50 }),
      'adam: "epsilon" expected a number >= 0, got 1e-50, which the kernels see as 0',
    ],
    [() => optim.rmsprop(0.1, { epsilon: 1e-46 }), 'rmsprop: "epsilon" expected a number >= 0, got 1e-46'],
    [
      () => sgd(1e39),
      'sgd: "learningRate" expected a number >= 0, or a function of t, got 1e+39, which the kernels see as Inf',
    ],
    [() => sgd(1e-50), "which the kernels see as 0"],
    [() => adam(0.1, { beta2: 1 - 1e-9 }), "got 0.999999999, which the kernels see as 1"],
    [
      () => optim.ema(1 - 1e-9),
      'ema: "decay" expected a number in 0 <= decay < 1, got 0.999999999, which the kernels see as 1',
    ],
    [() => sgd(0.1, { momentum: 1 - 1e-9 }), 'sgd: "momentum"'],
    [() => clipByGlobalNorm(1e-50), 'clipByGlobalNorm: "maxNorm" expected a number > 0, got 1e-50'],
    [() => optim.clipByValue(1e-50), 'clipByValue: "limit"'],
    [() => optim.weightDecay(1e39), 'weightDecay: "rate"'],
    [() => optim.adagrad(0.1, { initial: 1e39 }), 'adagrad: "initial"'],
    [() => optim.constant(1e39), 'constant: "value"'],
    [
      () => addNoise({ eta: 1e80, seed: 1 }),
      'addNoise: "eta" expected what makes a standard deviation of 0 or in 1e-36..1e19, got 1e+80',
    ],
    [() => addNoise({ eta: 1e-80, seed: 1 }), "got 1e-80"],
    [
      () => addNoise({ std: 1e20, seed: 1 }),
      'addNoise: "std" expected a standard deviation of 0 or in 1e-36..1e19, got',
    ],
    [
      () => optim.sgld(1, { seed: 1, temperature: 1e80 }),
      'sgld: "temperature" expected what makes a standard deviation',
    ],
  ];
  it.each(cases.map(([f, message]) => [message, f] as const))("%s", (message, f) => {
    expect(f).toThrow(message);
  });

  it("0 itself is taken where it means something", () => {
    for (const f of [() => sgd(0), () => adam(0.1, { epsilon: 0 }), () => addNoise({ eta: 0, seed: 1 })])
      expect(f).not.toThrow();
  });
});

describe("what is given is copied", () => {
  const one = { a: vector([1]), b: vector([1]) };
  const first = (optimizer: optim.GradientTransform) => {
    const [u] = run(optimizer, one, [one]);
    return [u.a[0], u.b[0]];
  };

  it("an options object that its owner changes", () => {
    const options = { momentum: 0.5 };
    const optimizer = sgd(1, options);
    options.momentum = 0;
    expect(runVector(optimizer, [[1], [1]]).map((u) => u[0])).toEqual([-1, -1.5]);
  });

  it("a list of patterns", () => {
    const mask = ["a"];
    const optimizers = [masked(sgd(1), mask), chain(sgd(1), freeze(mask))];
    mask[0] = "b";
    expect(optimizers.map(first)).toEqual([
      [-1, 1],
      [0, -1],
    ]);
  });

  it("a tree of tensors, and their data", () => {
    const mask = { a: vector([1]), b: vector([0]) };
    const optimizer = masked(sgd(1), mask);
    const { description } = optimizer;
    (mask.a.data as Float32Array)[0] = 0;
    mask.b = vector([1]);
    expect(first(optimizer)).toEqual([-1, 1]);
    expect(masked(sgd(1), { a: vector([1]), b: vector([0]) }).description).toBe(description);
  });

  it("the groups of a partition", () => {
    const groups: Record<string, optim.GradientTransform> = { a: sgd(1), "**": sgd(2) };
    const optimizer = partition(groups);
    groups.a = sgd(7);
    delete groups["**"];
    expect(first(optimizer)).toEqual([-1, -2]);
  });

  it("the lists of join, of stepDecay and of chain", () => {
    const [at, schedules, parts] = [[2], [1, 2], [clipByGlobalNorm(9), sgd(1)]];
    const made = [join(schedules, at), optim.stepDecay(1, { at, factor: 2 })];
    const optimizer = chain(parts);
    at[0] = 9;
    schedules[1] = 9;
    parts.length = 0;
    expect(made.map((s) => s(2))).toEqual([2, 2]);
    expect(first(optimizer)).toEqual([-1, -1]);
  });

  it("chain takes a list as it takes arguments", () => {
    expect(chain([clipByGlobalNorm(1), sgd(1)]).description).toBe(chain(clipByGlobalNorm(1), sgd(1)).description);
  });

  it("the counts of a schedule may be a typed array", () => {
    expect(optim.stepDecay(1, { at: Int32Array.of(2) as unknown as number[], factor: 2 })(2)).toBe(2);
  });
});

describe("schedules", () => {
  const at = (schedule: optim.Schedule, steps = 3) =>
    runVector(
      sgd(schedule),
      Array.from({ length: steps }, () => [1]),
    );

  it("are checked at every t: negative, NaN, too large, no number", () => {
    expect(() => at((t) => 1 - t)).toThrow('sgd: "learningRate" at t = 2 expected a number >= 0, got -1');
    expect(() => at(() => Number.NaN)).toThrow('sgd: "learningRate" at t = 0 expected a finite number, got NaN');
    expect(() => at((t) => 10 ** (20 * t))).toThrow("at t = 2 expected a number >= 0, got 1e+40, which is Infinity as");
    expect(() => at((() => "0.1") as never)).toThrow('at t = 0 expected a finite number, got "0.1"');
    expect(() =>
      at(
        optim.warmUp(2, (t) => -t),
        4,
      ),
    ).toThrow('warmUp: "after" at t = 1 expected a number >= 0, got -1');
  });

  it("fall: a floor above the value and a fall of no length are refused", () => {
    expect(() => optim.linearDecay(1, { from: 10, steps: 5 })).toThrow(
      'linearDecay: "steps" expected an integer > from, which is 10, got 5: the count at which the floor is reached, not the length of the fall. Write { from: 10, steps: 15 }',
    );
    expect(() => optim.linearDecay(1, { from: 10, steps: 10 })).toThrow('"steps" expected an integer > from');
    expect(() => optim.linearDecay(0.1, { steps: 10, floor: 1 })).toThrow(
      'linearDecay: "floor" expected a number in 0..0.1, the value, got 1',
    );
    expect(() => optim.cosine(0.1, { steps: 10, floor: 1 })).toThrow('cosine: "floor" expected a number in 0..0.1');
  });

  it("that remember are asked once an update", () => {
    let asked = 0;
    const rate = () => ++asked;
    expect(at(rate).map((u) => u[0])).toEqual([-1, -2, -3]);
    asked = 0;
    expect(runVector(chain(optim.momentum(0), sgd(rate)), [[1], [1]]).map((u) => u[0])).toEqual([-1, -2]);
    asked = 0;
    expect(runVector(accumulate(2, sgd(rate)), [[1], [1], [1], [1]]).map((u) => u[0] + 0)).toEqual([0, -1, 0, -2]);
    asked = 0;
    const shared = sgd(rate);
    expect(bits(runVector(partition({ w: shared }), [[1]])[0])).toEqual(bits(Float32Array.of(-1)));
  });
});
