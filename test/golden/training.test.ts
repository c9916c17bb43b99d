// Ten training steps, draws, drawn digits and scalar functions, pinned to the bit: Node and every browser must agree.
// The bits are our own: a change of them is an entry under Numerics in CHANGELOG.md; what can be checked from outside, is: the plain run
// against test/golden/generator.py in double precision, the scalars against Python's math module.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { cos, exp, key, log, normal, permutation, pow, sin, uniform } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { digits } from "../../src/data/digits.js";
import { digestBytes } from "../../src/files/digest.js";
import { digest } from "../../src/files/save.js";
import { mlp } from "../../src/nn/layers.js";
import { softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import golden from "./generator.json"; // made by test/golden/generator.py

const { adam, addNoise, chain, clipByGlobalNorm, cosine, sgd } = optim;
const bitsOf = (x: number): string => new Uint32Array(Float32Array.of(x).buffer)[0].toString(16).padStart(8, "0");

const x = normal(key(7), [40, 6]).data as Float32Array;
const y = Int32Array.from(uniform(key(8), [40]).data, (u) => Math.floor(u * 3));
const batchAt = (step: number): { x: Tensor; y: Tensor } => {
  const start = (step * 8) % 40;
  return { x: tensor(x.slice(start * 6, start * 6 + 48), [8, 6]), y: tensor(y.slice(start, start + 8)) };
};

function tenSteps(optimizer: optim.GradientTransform, dropout = 0): { losses: number[]; digest: string } {
  const model = mlp([6, 8, 8, 3], { bias: 0.1, dropout });
  const trainer = createTrainer({
    params: model.init(key(1)),
    loss: (params, batch: ReturnType<typeof batchAt>, context) =>
      softmaxCrossEntropy(model.apply(params, batch.x, context), batch.y),
    optimizer,
    seed: 5,
  });
  const losses = Array.from({ length: 10 }, (_, step) => trainer.step(batchAt(step)).loss);
  return { losses, digest: digest(trainer.params) };
}

describe("ten training steps", () => {
  it("without noise have the losses of a double-precision model in Python", () => {
    const { losses } = tenSteps(chain(clipByGlobalNorm(1), sgd(0.2)));
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - golden.losses[step]), `step ${step}`).toBeLessThan(1e-5);
    });
  });

  it("with clip, noise and SGD give these bits", () => {
    const run = tenSteps(chain(clipByGlobalNorm(1), addNoise({ eta: 0.01, seed: 3 }), sgd(0.2)));
    expect([...run.losses.map(bitsOf), run.digest]).toEqual([
      "3fcc19cd",
      "3f8af14a",
      "3ff3789b",
      "3f92072d",
      "3fa44cf0",
      "3fa6210f",
      "3f7d5db3",
      "3fd3e0b2",
      "3f7548e8",
      "3f8de39d",
      "557a288d883ec59f",
    ]);
  });

  it("with Adam, a cosine schedule and dropout give these bits", () => {
    const run = tenSteps(chain(addNoise({ eta: 0.3, seed: 4 }), adam(cosine(0.05, { steps: 12 }))), 0.25);
    expect([...run.losses.map(bitsOf), run.digest]).toEqual([
      "40169f37",
      "4014b4ee",
      "3f9f5efc",
      "401b649a",
      "3fa322ab",
      "3fdfda68",
      "3f910c68",
      "40872dbe",
      "3fc2c141",
      "4008f887",
      "3d17aa6b5d1b7aff",
    ]);
  });
});

describe("ten steps of every optimizer", () => {
  const { anticorrelatedNoise, errorScaledNoise, momentum } = optim;
  const cases: [string, optim.GradientTransform][] = [
    [
      "5a5bf291c08124c7",
      chain(
        optim.clipByNorm(0.5),
        momentum(0.9, { nesterov: true }),
        sgd(0.1),
        anticorrelatedNoise({ std: 0.01, seed: 1 }),
      ),
    ],
    [
      "3482d05144be2769",
      chain(optim.clipByValue(0.1), optim.adamw(optim.warmUp(4, optim.powerDecay(0.05, { power: 0.5 })))),
    ],
    ["1436c31649b2dbd8", chain(optim.weightDecay(0.01, { mask: "**.weight" }), optim.rmsprop(0.01, { momentum: 0.5 }))],
    ["e641a3b108ea1f1c", optim.rmsprop(0.01, { centered: true, epsilon: 1e-3 })],
    ["8214da734b77c900", chain(errorScaledNoise({ scale: 0.5, seed: 2, error: () => 0.3 }), optim.adagrad(0.1))],
    [
      "a50248fbeb71ba78",
      optim.sgld(optim.join([1e-2, optim.stepDecay(1e-2, { at: [3], factor: 0.5 })], [5]), { seed: 3 }),
    ],
  ];
  it.each(cases)("gives the bits %s", (expected, optimizer) => {
    expect(tenSteps(optimizer).digest).toBe(expected);
  });
});

describe("draws", () => {
  it("have these digests", () => {
    expect([
      digest(normal(key(1), [33, 65], { mean: 0.5, std: 0.1 })),
      digest(uniform(key(2), [2049], { low: -1, high: 3 })),
      digest(tensor(permutation(key(3), 5000))),
    ]).toEqual(["7329b7af49c09a61", "17471c83d12419f4", "6e2caa29bf2fc64c"]);
  });
});

describe("drawn digits", () => {
  it("have these bytes", () => {
    const { train, test } = digits({ train: 50, test: 10, seed: 1 });
    const bytesOf = ({ columns }: typeof train) => [
      columns.x.source!.bytes,
      Uint8Array.from(columns.y.data as Int32Array),
    ];
    expect([digestBytes(bytesOf(train)), digestBytes(bytesOf(test))]).toEqual(["0465f4ad7ab242ca", "f599db9c7ea75c2a"]);
  });
});

describe("scalar functions", () => {
  const cases: [string, number, number][] = [
    // Python 3's math module, printed by repr()
    ["exp(0.3)", exp(0.3), 1.3498588075760032],
    ["exp(-10.5)", exp(-10.5), 2.7536449349747158e-5],
    ["exp(700.0)", exp(700.0), 1.0142320547350045e304],
    ["log(3.0)", log(3.0), 1.0986122886681098],
    ["log(1e-300)", log(1e-300), -690.7755278982137],
    ["log(0.999)", log(0.999), -0.0010005003335835344],
    ["pow(10.0, 0.55)", pow(10.0, 0.55), 3.548133892335755],
    ["pow(100001.0, 0.55)", pow(100001.0, 0.55), 562.344418060679],
    ["pow(0.9, 1000.0)", pow(0.9, 1000.0), 1.7478712517226947e-46],
    ["sin(1.0)", sin(1.0), 0.8414709848078965],
    ["sin(100.0)", sin(100.0), -0.5063656411097588],
    ["cos(1.0)", cos(1.0), 0.5403023058681398],
    ["cos(100000.0)", cos(100000.0), -0.9993608074382124],
    ["cos(1.0471975511965976)", cos(1.0471975511965976), 0.5000000000000001],
  ];
  it.each(cases)("%s is within an ulp or so of the C library's", (_, found, expected) => {
    expect(Math.abs(found - expected)).toBeLessThanOrEqual(3e-16 * Math.abs(expected));
  });

  it("have these bits", () => {
    const found = cases.map(([, v]) => new BigUint64Array(Float64Array.of(v).buffer)[0].toString(16));
    expect(found).toEqual([
      "3ff599058c8c1a96",
      "3efcdfc263f6a0ba",
      "7f0d945df4f8ec8e",
      "3ff193ea7aad030a",
      "c085963447f87fb5",
      "bf5064670d979b73",
      "400c629405ab4a3f",
      "408192c15e419625",
      "366fee7413dac341",
      "3feaed548f090cee",
      "bfe03425b78c4db8",
      "3fe14a280fb5068c",
      "bfeffac3841b3da7",
      "3fe0000000000001",
    ]);
  });

  it("are exact where the answer is", () => {
    expect([exp(0), log(1), pow(2, 10), pow(4, 0.5), pow(7, 0), sin(0), cos(0)]).toEqual([1, 0, 1024, 2, 1, 0, 1]);
    expect([exp(-Infinity), exp(Infinity), log(0), pow(0, 0.5)]).toEqual([0, Infinity, -Infinity, 0]);
    expect([log(-1), exp(Number.NaN), sin(Infinity)].every(Number.isNaN)).toBe(true);
  });
});
