// Normalising layers: what they start with, and batch norm's running statistics through a trainer.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { ShapeError } from "../../src/base/errors.js";
import { foldIn, key, normal } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { sequential } from "../../src/nn/containers.js";
import { linear } from "../../src/nn/layers.js";
import { meanSquaredError } from "../../src/nn/losses.js";
import { batchNorm, layerNorm } from "../../src/nn/normalise.js";
import { relu } from "../../src/ops/elementwise/index.js";
import { batchNorm as batchNormOp, batchStatistics, layerNorm as layerNormOp } from "../../src/ops/reduce/normalise.js";
import { sgd } from "../../src/optim/optimizers.js";
import { createTrainer } from "../../src/train/trainer.js";

const x = normal(key(1), [6, 4], { mean: 3, std: 2 });
const values = (t: Tensor): number[] => Array.from(t.data);

describe("layerNorm", () => {
  it("starts with scale 1 and offset 0, and is the op", () => {
    const layer = layerNorm(4, { epsilon: 0.5 });
    const params = layer.init(key(1));
    expect([values(params.scale), values(params.offset)]).toEqual([Array(4).fill(1), Array(4).fill(0)]);
    expect(layer.apply(params, x).data).toEqual(layerNormOp(x, params.scale, params.offset, { epsilon: 0.5 }).data);
  });

  it("refuses a size that is none, and a negative epsilon", () => {
    expect(() => layerNorm(0)).toThrow('layerNorm: "size" expected an integer >= 1, got 0');
    expect(() => batchNorm(3, { epsilon: -1 })).toThrow('batchNorm: "epsilon" expected a number >= 0, got -1');
    expect(() => batchNorm(3, { decay: 2 })).toThrow('batchNorm: "decay" expected a number in 0 <= decay <= 1, got 2');
  });
});

describe("batchNorm", () => {
  const layer = batchNorm(4, { decay: 0.75 });
  const params = layer.init(key(1));

  it("takes the batch's statistics in training and averages them, the variance unbiased", () => {
    const { output, state } = layer.apply(params, x, layer.start(), { training: true });
    expect(output.data).toEqual(batchNormOp(x, params.scale, params.offset).data);
    const { mean, variance } = batchStatistics(x);
    values(state.mean).forEach((v, i) => {
      expect(v).toBeCloseTo(0.25 * mean.data[i], 5);
    });
    values(state.variance).forEach((v, i) => {
      expect(v).toBeCloseTo(0.75 + 0.25 * variance.data[i] * (6 / 5), 5);
    });
  });

  it.each([undefined, {}, { training: false }])("takes those of the state otherwise, and leaves it: %j", (context) => {
    const start = { mean: tensor([1, 2, 3, 4]), variance: tensor([4, 3, 2, 1]) };
    const { output, state } = layer.apply(params, x, start, context);
    expect(state).toBe(start);
    expect(output.data).toEqual(batchNormOp(x, params.scale, params.offset, start).data);
  });

  it("refuses to train on one value per feature, and takes several of one example", () => {
    const one = tensor([[1, 2, 3, 4]]);
    expect(() => layer.apply(params, one, layer.start(), { training: true })).toThrow(
      new ShapeError(
        "batchNorm: [1, 4] has one value per feature, and so no variance to train with. Give a batch of two or more (batches with { dropLast: true } leaves out the rest), or { training: false } as the context",
      ),
    );
    expect(layer.apply(params, one, layer.start(), { training: false }).output.shape).toEqual([1, 4]);
    expect(layer.apply(params, x.reshape([1, 6, 4]), layer.start(), { training: true }).output.data).toEqual(
      layer.apply(params, x, layer.start(), { training: true }).output.data,
    );
  });

  const dense = linear(4, 4);
  const make = () =>
    createTrainer({
      params: { dense: dense.init(key(2)), norm: layer.init(key(3)) },
      state: { norm: layer.start() },
      loss: (p, batch: Tensor, context) => {
        const { output, state } = layer.apply(p.norm, dense.apply(p.dense, batch), context.state.norm, context);
        return { loss: meanSquaredError(output, 1), state: { norm: state } };
      },
      predict: (p, batch: Tensor, context) =>
        layer.apply(p.norm, dense.apply(p.dense, batch), context.state.norm, context).output,
      optimizer: sgd(0.1),
    });
  const batches = Array.from({ length: 6 }, (_, i) => normal(foldIn(key(4), i), [5, 4], { mean: 2 }));

  it("trains: the loss falls, and evaluation with the running statistics comes near it", () => {
    const trainer = make();
    const losses = Array.from({ length: 60 }, (_, i) => trainer.step(batches[i % 6]).loss);
    expect(losses[59]).toBeLessThan(losses[0] / 4);
    const evaluated = batches.map((batch) => trainer.evaluate(batch).loss);
    expect(evaluated.reduce((a, b) => a + b) / 6).toBeLessThan(losses[0] / 2);
  });

  it("predicts each example by itself, and does not move the state by evaluating", () => {
    const trainer = make();
    for (const batch of batches) trainer.step(batch);
    const both = trainer.predict(batches[0]);
    const first = trainer.predict(tensor([...batches[0].data.slice(0, 4)]).reshape([1, 4]));
    expect(values(first)).toEqual(values(both).slice(0, 4));
    trainer.evaluate(batches[1]);
    expect(trainer.predict(batches[0]).data).toEqual(both.data);
  });

  it("resumes with its statistics to the same bits", () => {
    const [one, other] = [make(), make()];
    for (const batch of batches.slice(0, 3)) one.step(batch);
    other.restore(one.checkpoint());
    for (const batch of batches.slice(3)) expect(other.step(batch)).toEqual(one.step(batch));
    expect(other.predict(x).data).toEqual(one.predict(x).data);
  });

  it("is a part of a sequence, which then has the state of its parts", () => {
    const norm = batchNorm(5);
    const model = sequential(linear(4, 5), norm, relu, sequential(linear(5, 5), norm), linear(5, 2));
    const params = model.init(key(7));
    const start = model.start();
    expect(start.layers.map((state) => Object.keys(state))).toEqual([[], ["mean", "variance"], [], ["layers"], []]);
    const { output, state } = model.apply(params, x, start, { training: true });
    const [first, scaled, , { layers: deeper }, last] = params.layers;
    const one = norm.apply(scaled, linear(4, 5).apply(first, x), norm.start(), { training: true });
    const two = norm.apply(deeper[1], linear(5, 5).apply(deeper[0], relu(one.output)), norm.start(), {
      training: true,
    });
    expect(output.data).toEqual(linear(5, 2).apply(last, two.output).data);
    expect(state.layers[1].mean.data).toEqual(one.state.mean.data);
    expect(state.layers[3].layers[1].variance.data).toEqual(two.state.variance.data);
    expect(model.apply(params, x, state).state).toEqual(state);
  });

  it("trains inside a sequence", () => {
    const model = sequential(linear(4, 8), batchNorm(8), relu, linear(8, 2));
    const trainer = createTrainer({
      params: model.init(key(1)),
      state: model.start(),
      loss: (p, { x, y }: { x: Tensor; y: Tensor }, context) => {
        const { output, state } = model.apply(p, x, context.state, context);
        return { loss: meanSquaredError(output, y), state };
      },
      optimizer: sgd(0.1),
    });
    const batch = { x, y: normal(key(8), [6, 2]) };
    const first = trainer.step(batch).loss;
    for (let t = 0; t < 100; t++) trainer.step(batch);
    expect(trainer.evaluate(batch).loss).toBeLessThan(first / 5);
  });
});
