// Embedding, pooling and dropout as layers.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { DOMAIN, derive, foldIn, key, normal } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { constant } from "../../src/nn/init.js";
import { meanSquaredError } from "../../src/nn/losses.js";
import { avgPool2d, dropout, embedding, maxPool2d } from "../../src/nn/parts.js";
import { dropout as dropoutOp } from "../../src/ops/elementwise/dropout.js";
import { avgPool2d as avgPoolOp, maxPool2d as maxPoolOp } from "../../src/ops/image/pool.js";
import { chain } from "../../src/optim/chain.js";
import { adam, freeze } from "../../src/optim/index.js";
import { addNoise } from "../../src/optim/noise.js";
import { createTrainer } from "../../src/train/trainer.js";

const int = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });

describe("embedding", () => {
  it("is a row for every index", () => {
    const layer = embedding(5, 3);
    const { weight } = layer.init(key(1));
    expect(weight.data).toEqual(normal(key(1), [5, 3]).data);
    const rows = weight.toArray() as number[][];
    expect(
      layer
        .apply(
          { weight },
          int([
            [4, 0],
            [4, 4],
          ]),
        )
        .toArray(),
    ).toEqual([
      [rows[4], rows[0]],
      [rows[4], rows[4]],
    ]);
  });

  it("starts the row of the padding at zero, and leaves what the initialiser made", () => {
    const shared = constant(2)(key(1), [4, 2]);
    const layer = embedding(4, 2, { padding: 1, init: () => shared });
    expect(layer.init(key(1)).weight.toArray()).toEqual([
      [2, 2],
      [0, 0],
      [2, 2],
      [2, 2],
    ]);
    expect(shared.data.every((v) => v === 2)).toBe(true);
  });

  it("keeps a frozen padding at zero under noise and Adam, and trains the rest", () => {
    const words = embedding(4, 2, { padding: 0 });
    const mask = {
      words: {
        weight: tensor([
          [1, 1],
          [0, 0],
          [0, 0],
          [0, 0],
        ]),
      },
    };
    const params = { words: words.init(key(1)) };
    const trainer = createTrainer({
      params,
      loss: (p, indices: Tensor) => meanSquaredError(words.apply(p.words, indices), 1),
      optimizer: chain(addNoise({ eta: 0.1, seed: 1 }), adam(0.1), freeze(mask)),
    });
    for (let t = 0; t < 5; t++)
      trainer.step(
        int([
          [1, 0, 0],
          [3, 2, 0],
        ]),
      );
    const after = trainer.params.words.weight.data;
    expect(Array.from(after.slice(0, 2))).toEqual([0, 0]);
    expect(Array.from(after.slice(2)).every((v, i) => v !== params.words.weight.data[i + 2])).toBe(true);
  });

  it("names sizes that are none, a padding outside, and an index outside", () => {
    expect(() => embedding(0, 3)).toThrow('embedding: "count" expected an integer >= 1, got 0');
    expect(() => embedding(3, 0)).toThrow('embedding: "size" expected an integer >= 1, got 0');
    expect(() => embedding(3, 2, { padding: 3 })).toThrow('embedding: "padding" expected an index in 0..2, got 3');
    expect(() => embedding(3, 2, { padding: -1 })).toThrow('embedding: "padding" expected an integer >= 0, got -1');
    const layer = embedding(3, 2);
    expect(() => layer.apply(layer.init(key(1)), int([[0, 3]]))).toThrow(
      "gather: index 3 at position 1 is outside 0..2",
    );
  });
});

describe("pooling layers", () => {
  const x = normal(key(1), [2, 5, 6, 3]);

  it("are the ops, and have no parameters", () => {
    expect(maxPool2d(2).init(key(1))).toEqual({});
    expect(maxPool2d(3, { stride: [1, 2], padding: 1 }).apply({}, x).data).toEqual(
      maxPoolOp(x, 3, { stride: [1, 2], padding: 1 }).data,
    );
    expect(avgPool2d([2, 3]).apply({}, x).data).toEqual(avgPoolOp(x, [2, 3]).data);
  });

  it("refuse at once what no image will fit", () => {
    expect(() => maxPool2d(2, { padding: 2 })).toThrow("maxPool2d: padding [2, 2] is more than half the window [2, 2]");
    expect(() => avgPool2d(0)).toThrow('avgPool2d: "size" expected an integer >= 1 or a pair of them, got 0');
  });
});

describe("the dropout layer", () => {
  const x = normal(key(1), [30, 7]);

  it("is the op in training, and nothing otherwise", () => {
    const layer = dropout(0.5);
    const drawn = derive(key(3), 0, DOMAIN.draw);
    expect(layer.apply({}, x, { training: true, key: key(3) }).data).toEqual(dropoutOp(x, 0.5, drawn).data);
    expect(layer.apply({}, x)).toBe(x);
    expect(layer.apply({}, x, { training: false, key: key(3) })).toBe(x);
    expect(dropout(0).apply({}, x, { training: true })).toBe(x);
    const other = { training: true, key: foldIn(key(3), 1) };
    expect(layer.apply({}, x, other).data).not.toEqual(layer.apply({}, x, { ...other, key: key(3) }).data);
  });

  it("needs a key in training, and a rate below 1", () => {
    expect(() => dropout(0.5).apply({}, x, { training: true })).toThrow(
      "dropout: it needs a key in training; pass the loss's context on: layer.apply(params, x, context)",
    );
    expect(() => dropout(1)).toThrow('dropout: "rate" expected a number in 0 <= rate < 1, got 1');
  });
});
