// Every optimizer and transform: a resumed run and a loop of one's own give the bits of an uninterrupted trainer, alone and
// inside accumulate, partition and masked; and a checkpoint refuses every other setting.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { valueAndGrad } from "../../src/autodiff/grad.js";
import { foldIn, key, normal } from "../../src/core/random.js";
import { hostTensor, type Tensor } from "../../src/core/tensor.js";
import { matmul } from "../../src/ops/product/matmul.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { bits } from "./fixtures.js";

const { accumulate, adam, addNoise, chain, freeze, masked, partition, sgd } = optim;
type Make = () => optim.GradientTransform;
const error = ({ error }: { readonly [name: string]: number }): number => error;

const plain: [string, Make][] = [
  ["sgd", () => sgd(0.05)],
  ["sgd with momentum", () => sgd(0.05, { momentum: 0.9, nesterov: true })],
  ["momentum", () => chain(optim.momentum(0.9, { dampening: 0.1 }), sgd(0.05))],
  ["adam", () => adam(0.01)],
  ["adamw", () => optim.adamw(0.01, { weightDecay: 0.1, mask: "**.weight" })],
  ["rmsprop", () => optim.rmsprop(0.01)],
  ["rmsprop, all of it", () => optim.rmsprop(0.01, { centered: true, momentum: 0.5, epsilon: 1e-3 })],
  ["adagrad", () => optim.adagrad(0.1, { initial: 0.1 })],
  ["sgld", () => optim.sgld(optim.powerDecay(1e-3, { power: 0.55 }), { seed: 1 })],
  ["weightDecay", () => chain(optim.weightDecay(0.1, { mask: "**.weight" }), sgd(0.05))],
  ["clipByValue", () => chain(optim.clipByValue(0.1), sgd(0.05))],
  ["clipByNorm", () => chain(optim.clipByNorm(0.1), sgd(0.05))],
  ["clipByGlobalNorm", () => chain(optim.clipByGlobalNorm(0.1), sgd(0.05))],
  ["addNoise", () => chain(addNoise({ eta: 0.01, seed: 1 }), adam(0.01))],
  ["anticorrelatedNoise", () => chain(sgd(0.05), optim.anticorrelatedNoise({ eta: 0.01, seed: 1 }))],
  ["errorScaledNoise", () => chain(optim.errorScaledNoise({ scale: 0.1, seed: 1, error, every: 3 }), sgd(0.05))],
  ["ema", () => chain(adam(0.01), optim.ema(0.9))],
  ["ema from the start", () => chain(adam(0.01), optim.ema(0.9, { debias: false }))],
  ["freeze", () => chain(optim.weightDecay(0.1), adam(0.01), freeze("**.bias"))],
];
const arrays = {
  layer: {
    weight: hostTensor(
      Float32Array.from({ length: 21 }, (_, i) => (i % 3 === 1 ? 0 : 1)),
      [7, 3],
    ),
    bias: hostTensor(Float32Array.of(1, 0, 1), [3]),
  },
};
/** What `arrays` leave: under a mask alone the rest would climb. */
const others = {
  layer: {
    weight: hostTensor(
      (arrays.layer.weight.data as Float32Array).map((v) => 1 - v),
      [7, 3],
    ),
    bias: hostTensor(Float32Array.of(0, 1, 0), [3]),
  },
};
const wrapped: [string, Make][] = plain.flatMap(([name, make]): [string, Make][] => [
  [name, make],
  [`accumulated ${name}`, () => accumulate(2, make())],
  [`${name} of a part`, () => partition({ "**.bias": sgd(0.01), "**": make() })],
  [`accumulated ${name} of a part`, () => partition({ "**.bias": accumulate(3, make()), "**": sgd(0.01) })],
  [`masked ${name}`, () => chain(masked(sgd(0.01), others), masked(make(), arrays))],
]);

const params = () => ({ layer: { weight: normal(key(1), [7, 3]), bias: normal(key(2), [3]) } });
type Params = ReturnType<typeof params>;
const batchAt = (step: number): Tensor => normal(foldIn(key(3), step), [4, 7]);
const lossOf = (p: Params, x: Tensor): Tensor => {
  const y = matmul(x, p.layer.weight).add(p.layer.bias);
  return y.mul(y).mean();
};
const make = (optimizer: optim.GradientTransform) =>
  createTrainer({
    params: params(),
    loss: (p: Params, x: Tensor) => {
      const loss = lossOf(p, x);
      return { loss, metrics: { error: loss } };
    },
    optimizer,
  });
const allBits = (p: Params): number[] => [p.layer.weight, p.layer.bias].flatMap((t) => bits(t.data as Float32Array));

describe("a resumed run", () => {
  it.each(wrapped)("has the bits of one that was not stopped: %s", (_, optimizer) => {
    const whole = make(optimizer());
    const checkpoints = [whole.checkpoint()];
    for (let step = 0; step < 8; step++) {
      whole.step(batchAt(step));
      checkpoints.push(whole.checkpoint());
    }
    for (const from of [0, 1, 4, 7]) {
      const resumed = make(optimizer());
      resumed.restore(checkpoints[from]);
      for (let step = from; step < 8; step++) resumed.step(batchAt(step));
      expect(resumed.checkpoint(), `from ${from}`).toEqual(checkpoints[8]);
    }
  });
});

describe("a loop of one's own", () => {
  it.each(wrapped)("has the bits of the trainer: %s", (_, optimizer) => {
    const trainer = make(optimizer());
    const own = optimizer();
    let p = params();
    let state = optim.init(own, p);
    for (let step = 0; step < 6; step++) {
      trainer.step(batchAt(step));
      const { value, gradients } = valueAndGrad((q: Params) => lossOf(q, batchAt(step)))(p);
      const next = optim.update(own, gradients, state, { metrics: { error: value } });
      state = next.state;
      p = optim.applyUpdates(p, next.updates);
      expect(allBits(p), `step ${step}`).toEqual(allBits(trainer.params));
    }
  });
});

describe("descriptions", () => {
  const all: optim.GradientTransform[] = [
    ...wrapped.map(([, f]) => f()),
    ...[{}, { beta1: 0.8 }, { beta2: 0.9 }, { epsilon: 1e-4 }, { weightDecay: 0.1 }, { mask: "a" }].map((o) =>
      optim.adamw(0.1, o),
    ),
    ...[{}, { decay: 0.9 }, { epsilon: 1e-4 }, { momentum: 0.1 }, { centered: true }].map((o) => optim.rmsprop(0.1, o)),
    ...[{}, { epsilon: 1e-4 }, { initial: 1 }].map((o) => optim.adagrad(0.1, o)),
    ...[{ seed: 1 }, { seed: 2 }, { seed: 1, temperature: 0.5 }].map((o) => optim.sgld(0.1, o)),
    ...[{}, { nesterov: true }, { dampening: 0.5 }].map((o) => optim.momentum(0.5, o)),
    ...[{}, { every: 2 }, { gamma: 1 }, { tolerance: 0 }, { scale: 2 }, { seed: 2 }, { mask: "a" }].map((o) =>
      optim.errorScaledNoise({ scale: 1, seed: 1, error, ...o }),
    ),
    ...[{ std: 1 }, { std: 2 }, { eta: 1 }, { eta: 1, gamma: 1 }, { eta: 1, seed: 2 }, { eta: 1, mask: "a" }].flatMap(
      (o) => [addNoise({ seed: 1, ...o }), optim.anticorrelatedNoise({ seed: 1, ...o })],
    ),
    ...[
      optim.constant(0.5),
      optim.stepDecay(0.5, { every: 2, factor: 0.1 }),
      optim.stepDecay(0.5, { at: [2], factor: 0.1 }),
      optim.stepDecay(0.5, { at: [2, 3], factor: 0.1 }),
      optim.exponentialDecay(0.5, { every: 2, rate: 0.1 }),
      optim.powerDecay(0.5, { power: 1 }),
      optim.powerDecay(0.5, { power: 1, offset: 2 }),
      optim.cosine(0.5, { steps: 9 }),
      optim.cosine(0.5, { steps: 9, floor: 0.1 }),
      optim.linearDecay(0.5, { steps: 9 }),
      optim.linearDecay(0.5, { steps: 9, from: 1 }),
      optim.warmUp(3, 0.5),
      optim.warmUp(3, optim.cosine(0.5, { steps: 9 })),
      optim.join([0.5, 0.1], [3]),
      optim.join([0.5, optim.cosine(0.5, { steps: 9 })], [3]),
    ].map((rate) => sgd(rate)),
    optim.ema(0.99),
    optim.ema(0.9),
    optim.ema(0.9, { debias: false }),
    optim.weightDecay(0.1),
    optim.weightDecay(0.1, { mask: "a" }),
  ];

  it("of different settings differ", () => {
    const seen = all.map(({ description }) => description);
    expect(seen.filter((d, i) => seen.indexOf(d) < i)).toEqual([]);
  });

  it("of equal settings are equal", () => {
    for (const [, f] of wrapped) expect(f().description).toBe(f().description);
  });

  it("make a checkpoint refuse another schedule, and say both", () => {
    const trainer = make(sgd(optim.cosine(0.5, { steps: 9 })));
    expect(() => make(sgd(optim.cosine(0.5, { steps: 10 }))).restore(trainer.checkpoint())).toThrow(
      "checkpoint: optimizer is sgd(cosine(0.5, steps=9, floor=0)), the trainer's is sgd(cosine(0.5, steps=10, floor=0)). Make",
    );
  });
});
