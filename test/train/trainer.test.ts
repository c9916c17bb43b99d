// The trainer: the same bits as the pure loop, and nothing that disturbs anything else.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { valueAndGrad } from "../../src/autodiff/grad.js";
import { foldIn, key, normal, stepKey } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { digest } from "../../src/files/save.js";
import { type MlpParams, mlp } from "../../src/nn/layers.js";
import { dropout } from "../../src/ops/elementwise/dropout.js";
import { accuracy, softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer, type Trainer } from "../../src/train/trainer.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, cosine, freeze, masked, partition, sgd } = optim;

interface Batch {
  x: Tensor;
  y: Tensor;
}

const model = mlp([5, 9, 7, 4], { bias: 0.1 });
const params = (): MlpParams => model.init(key(1));
const batchAt = (step: number, size = 6): Batch => ({
  x: normal(foldIn(key(2), step), [size, 5]),
  y: tensor(Int32Array.from({ length: size }, (_, i) => (i * i + step) % 4)),
});
const loss = (p: MlpParams, { x, y }: Batch): Tensor => softmaxCrossEntropy(model.apply(p, x), y);
const make = (optimizer: optim.GradientTransform = sgd(0.1)) =>
  createTrainer({ params: params(), loss, optimizer, predict: (p, x: Tensor) => model.apply(p, x) });

const optimizers: [string, optim.GradientTransform][] = [
  ["clip, noise, sgd", chain(clipByGlobalNorm(0.5), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))],
  ["noise, Nesterov", chain(addNoise({ eta: 0.01, seed: 1 }), sgd(0.1, { momentum: 0.9, nesterov: true }))],
  ["noise, adam, schedule", chain(addNoise({ eta: 1, seed: 1 }), adam(cosine(0.1, { steps: 9 })))],
  ["accumulation", accumulate(3, chain(clipByGlobalNorm(0.5), addNoise({ eta: 0.1, seed: 1 }), adam(0.01)))],
  [
    "groups and masks",
    chain(
      masked(addNoise({ eta: 0.1, seed: 1 }), "**.weight"),
      partition({ "**.bias": sgd(0.2, { momentum: 0.5 }), "**": adam(0.01) }),
      freeze("layers[1].weight"),
    ),
  ],
];

describe("trainer.step", () => {
  it.each(optimizers)("gives the same bits as the pure loop: %s", (_, optimizer) => {
    const trainer = make(optimizer);
    const both = valueAndGrad(loss);
    let state = optim.init(optimizer, params());
    let current = params();
    for (let step = 0; step < 8; step++) {
      const { value, gradients } = both(current, batchAt(step));
      const next = optim.update(optimizer, gradients, state);
      state = next.state;
      current = optim.applyUpdates(current, next.updates);
      expect(trainer.step(batchAt(step)).loss).toBe(value);
      expect(digest(trainer.params)).toBe(digest(current));
    }
  });

  it("counts steps from 0 and gives the loss step, training and a key of its own", () => {
    const seen: [number, boolean, number][] = [];
    const trainer = createTrainer({
      params: { w: tensor([1, 2]) },
      loss: (p, _: undefined, context) => {
        seen.push([context.step, context.training, context.key.low]);
        return p.w.sum();
      },
      optimizer: sgd(0.1),
      seed: 3,
    });
    expect([trainer.step(undefined).step, trainer.step(undefined).step, trainer.steps]).toEqual([0, 1, 2]);
    trainer.evaluate(undefined);
    const keyAt = (step: number) => stepKey(key(3), step).low;
    expect(seen).toEqual([
      [0, true, keyAt(0)],
      [1, true, keyAt(1)],
      [2, false, keyAt(2)],
    ]);
  });

  it("drops other units at every step, and the same ones again in a second run", () => {
    const masks = (): string[] => {
      const found: string[] = [];
      const trainer = createTrainer({
        params: { w: tensor(new Float32Array(64).fill(1)) },
        loss: (p, _: undefined, { key: stepKey }) => {
          const dropped = dropout(p.w, 0.5, stepKey);
          found.push(Array.from(dropped.data, (v) => (v === 0 ? 0 : 1)).join(""));
          return dropped.sum();
        },
        optimizer: sgd(0),
      });
      for (let i = 0; i < 4; i++) trainer.step(undefined);
      return found;
    };
    expect(new Set(masks()).size).toBe(4);
    expect(masks()).toEqual(masks());
  });

  it("leaves the tensors it was given as they were", () => {
    const given = params();
    const before = digest(given);
    const trainer = createTrainer({ params: given, loss, optimizer: sgd(0.5) });
    trainer.step(batchAt(0));
    expect(digest(given)).toBe(before);
    expect(digest(trainer.params)).not.toBe(before);
  });

  it("reports metrics that are tensors or numbers", () => {
    const trainer = createTrainer({
      params: params(),
      loss: (p, batch: Batch) => {
        const logits = model.apply(p, batch.x);
        return {
          loss: softmaxCrossEntropy(logits, batch.y),
          metrics: { accuracy: accuracy(logits, batch.y), size: 6 },
        };
      },
      optimizer: sgd(0.1),
    });
    const { metrics } = trainer.step(batchAt(0));
    expect(Math.round(metrics.accuracy * 6) / 6).toBeCloseTo(metrics.accuracy, 6);
    expect(metrics.size).toBe(6);
  });

  it("carries a state that is not trained, step by step", () => {
    const trainer = createTrainer({
      params: { w: tensor([1]) },
      loss: (p, x: Tensor, { state }) => ({ loss: p.w.mul(x).sum(), state: { seen: state.seen.add(x) } }),
      optimizer: chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1)),
      state: { seen: tensor([0]) },
    });
    const sums: number[] = [];
    for (let i = 1; i < 5; i++) {
      trainer.step(tensor([i]));
      trainer.evaluate(tensor([100]));
    }
    const spy = createTrainer({
      params: { w: tensor([1]) },
      loss: (p, _: undefined, { state }) => {
        sums.push(state.seen.item());
        return p.w.sum();
      },
      optimizer: chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1)),
      state: { seen: tensor([0]) },
    });
    spy.restore(trainer.checkpoint());
    spy.step(undefined);
    expect(sums).toEqual([1 + 2 + 3 + 4]);
  });

  it("grows no memory over 300 steps of one shape", () => {
    const trainer = make(optimizers[2][1]);
    for (let i = 0; i < 3; i++) trainer.step(batchAt(i));
    const before = trainer.memory;
    for (let i = 0; i < 300; i++) trainer.step(batchAt(i % 3));
    expect(trainer.memory).toEqual(before);
  });
});

describe("what does not train", () => {
  const digestOf = (t: Trainer): string => digest(t.params) + String(t.steps);

  it("evaluate changes nothing that a later step depends on", () => {
    const [a, b] = [make(optimizers[2][1]), make(optimizers[2][1])];
    for (let i = 0; i < 5; i++) {
      a.step(batchAt(i));
      b.evaluate(batchAt(90 + i, 11));
      b.step(batchAt(i));
      expect(b.evaluate(batchAt(i)).loss).toBe(a.evaluate(batchAt(i)).loss);
    }
    expect(b.checkpoint()).toEqual(a.checkpoint());
  });

  it("predict changes nothing, and gives a tensor that outlives later calls", () => {
    const trainer = make();
    const before = trainer.checkpoint();
    const first = trainer.predict(batchAt(0).x);
    const copy = first.data.slice();
    trainer.predict(batchAt(1, 17).x);
    expect(trainer.checkpoint()).toEqual(before);
    trainer.step(batchAt(2));
    expect(first.data).toEqual(copy);
    expect(first.shape).toEqual([6, 4]);
  });

  it("params are copies: writing to them changes nothing", () => {
    const trainer = make();
    const before = digestOf(trainer);
    trainer.params.layers[0].weight.data.fill(9);
    expect(digestOf(trainer)).toBe(before);
  });

  it("two trainers that take turns do not disturb each other", () => {
    const alone = make(optimizers[0][1]);
    for (let i = 0; i < 5; i++) alone.step(batchAt(i));
    const [a, b] = [make(optimizers[0][1]), make(optimizers[3][1])];
    for (let i = 0; i < 5; i++) {
      const shared = batchAt(i);
      b.step(shared);
      a.step(shared);
      b.evaluate(shared);
    }
    expect(digestOf(a)).toBe(digestOf(alone));
  });

  it("a loss may call another trainer's evaluate and predict, also with its own batch", () => {
    const teacher = make();
    const distil = (ask: boolean) => {
      const student = createTrainer({
        params: params(),
        loss: (p, batch: Batch) => {
          const logits = model.apply(p, batch.x);
          const scale = ask ? teacher.evaluate(batch).loss * 0 + teacher.predict(batch.x).size / 24 : 1;
          return softmaxCrossEntropy(logits, batch.y).mul(scale);
        },
        optimizer: sgd(0.1),
      });
      for (let i = 0; i < 4; i++) student.step(batchAt(i));
      return digest(student.params);
    };
    expect(distil(true)).toBe(distil(false));
  });

  it("a loss that calls its own trainer is refused, and the trainer still works", () => {
    let inner = true;
    const trainer: Trainer<MlpParams, Batch> = createTrainer({
      params: params(),
      loss: (p: MlpParams, batch: Batch) => {
        if (inner) trainer.evaluate(batch);
        return loss(p, batch);
      },
      optimizer: sgd(0.1),
    });
    expect(() => trainer.step(batchAt(0))).toThrow("A loss must not call its own trainer");
    inner = false;
    const other = make();
    expect(trainer.step(batchAt(0)).loss).toBe(other.step(batchAt(0)).loss);
  });
});
