// Layers: shapes, values against plain arithmetic, and dropout.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { foldIn, key, normal } from "../../src/core/random.js";
import { tensor } from "../../src/core/tensor.js";
import { constant, normal as normalInit, zeros } from "../../src/nn/init.js";
import { linear, mlp } from "../../src/nn/layers.js";
import { meanSquaredError } from "../../src/nn/losses.js";
import { dropout } from "../../src/ops/elementwise/dropout.js";
import { tanh } from "../../src/ops/elementwise/index.js";

describe("linear", () => {
  it("is x W + b", () => {
    const params = {
      weight: tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      bias: tensor([10, 20, 30]),
    };
    expect(
      linear(2, 3)
        .apply(
          params,
          tensor([
            [1, 0],
            [1, -1],
          ]),
        )
        .toArray(),
    ).toEqual([
      [11, 22, 33],
      [7, 17, 27],
    ]);
  });

  it("starts with weights [nIn, nOut] and biases of one value", () => {
    const { weight, bias } = linear(7, 3, { init: constant(2), bias: 0.1 }).init(key(1));
    expect([weight.shape, bias.shape]).toEqual([[7, 3], [3]]);
    expect(new Set(weight.data)).toEqual(new Set([2]));
    expect(new Set(bias.data)).toEqual(new Set([Math.fround(0.1)]));
  });

  it("refuses sizes that are none", () => {
    expect(() => linear(0, 3)).toThrow('linear: "nIn" expected an integer >= 1, got 0');
    expect(() => linear(3, 2.5)).toThrow('linear: "nOut" expected an integer >= 1, got 2.5');
  });
});

describe("mlp", () => {
  it("has a layer between any two sizes", () => {
    const { layers } = mlp([5, 4, 3, 2]).init(key(1));
    expect(layers.map(({ weight }) => weight.shape)).toEqual([
      [5, 4],
      [4, 3],
      [3, 2],
    ]);
    expect(layers.map(({ bias }) => bias.shape)).toEqual([[4], [3], [2]]);
  });

  it("of the paper has 88,210 parameters", () => {
    const { layers } = mlp([784, ...Array(20).fill(50), 10], { init: zeros }).init(key(1));
    expect(layers.reduce((n, { weight, bias }) => n + weight.size + bias.size, 0)).toBe(88210);
    expect(layers.every(({ weight, bias }) => [...weight.data, ...bias.data].every((v) => v === 0))).toBe(true);
  });

  it("draws every layer from a key of its own, and the same again from the same key", () => {
    const model = mlp([6, 6, 6], { init: normalInit(1) });
    const [a, b] = model.init(key(1)).layers.map(({ weight }) => Array.from(weight.data));
    expect(a.filter((v, i) => v === b[i])).toEqual([]);
    expect(Array.from(model.init(key(1)).layers[1].weight.data)).toEqual(b);
    expect(Array.from(model.init(key(2)).layers[1].weight.data)).not.toEqual(b);
  });

  it.each([
    ["relu", undefined, (v: number) => Math.max(v, 0)],
    ["tanh", tanh, Math.tanh],
  ])("applies the activation between layers and not after the last: %s", (_, activation, f) => {
    const model = mlp([5, 8, 8, 3], { activation, init: normalInit(0.5), bias: -0.1 });
    const params = model.init(key(3));
    const x = normal(key(4), [4, 5]);
    let rows = x.toArray() as number[][];
    params.layers.forEach(({ weight, bias }, i) => {
      const w = weight.toArray() as number[][];
      rows = rows.map((row) =>
        Array.from(bias.data, (b, c) => {
          const z = row.reduce((s, v, r) => s + v * w[r][c], b);
          return i === 2 ? z : f(z);
        }),
      );
    });
    const found = model.apply(params, x);
    expect(found.shape).toEqual([4, 3]);
    rows.flat().forEach((v, i) => {
      expect(found.data[i]).toBeCloseTo(v, 5);
    });
    expect(rows.flat().some((v) => v < 0)).toBe(true);
  });

  it("keeps leading axes", () => {
    const model = mlp([3, 4, 2]);
    expect(model.apply(model.init(key(1)), normal(key(2), [6, 5, 3])).shape).toEqual([6, 5, 2]);
  });

  it("needs a key for dropout while training, and none otherwise", () => {
    const model = mlp([3, 4, 2], { dropout: 0.5 });
    const params = model.init(key(1));
    const x = normal(key(2), [6, 3]);
    expect(() => model.apply(params, x, { training: true })).toThrow(
      "mlp: it needs a key in training; pass the loss's context on: layer.apply(params, x, context). A copy { ...context } has no key: write { ...context, key: random.foldIn(context.key, i) }",
    );
    const plain = mlp([3, 4, 2]).apply(params, x);
    expect(model.apply(params, x).data).toEqual(plain.data);
    expect(model.apply(params, x, { key: key(1), training: false }).data).toEqual(plain.data);
    expect(model.apply(params, x, { key: key(1), training: true }).data).not.toEqual(plain.data);
  });

  it("drops other units in every layer", () => {
    const identity = {
      weight: tensor(Array.from({ length: 64 }, (_, r) => Array.from({ length: 64 }, (_, c) => +(r === c)))),
      bias: tensor(new Float32Array(64)),
    };
    const x = tensor([new Array<number>(64).fill(1)]);
    const model = mlp([64, 64, 64, 64], { dropout: 0.5 });
    const context = { key: key(9), training: true };
    const one = mlp([64, 64, 64], { dropout: 0.5 }).apply({ layers: [identity, identity] }, x, context);
    const two = model.apply({ layers: [identity, identity, identity] }, x, context);
    const kept = (t: typeof one) => t.data.filter((v) => v !== 0).length;
    expect(kept(two)).toBeLessThan(kept(one) - 5);
    expect(new Set(two.data)).toEqual(new Set([0, 4]));
  });

  it("refuses a dropout outside of 0..1, and a list of one size", () => {
    expect(() => mlp([3, 2], { dropout: 1 })).toThrow('mlp: "dropout" expected a number in 0 <= dropout < 1, got 1');
    expect(() => mlp([3, 2], { dropout: -0.5 })).toThrow(
      'mlp: "dropout" expected a number in 0 <= dropout < 1, got -0.5',
    );
    expect(() => mlp([3])).toThrow(
      "mlp: expected at least two sizes, got [3]. Write inputs, hidden units and outputs: nn.mlp([784, 50, 10])",
    );
  });
});

describe("dropout", () => {
  const n = 100_000;
  const ones = tensor(new Float32Array(n).fill(1));

  it.each([0.1, 0.5, 0.9])("of rate %f drops that share and keeps the mean", (rate) => {
    const { data } = dropout(ones, rate, key(1));
    const dropped = data.filter((v) => v === 0).length;
    expect(Math.abs(dropped - n * rate) / Math.sqrt(n * rate * (1 - rate))).toBeLessThan(4.5);
    expect(new Set(data)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    const mean = (data as Float32Array).reduce((s, v) => s + v, 0) / n;
    expect(Math.abs(mean - 1) / Math.sqrt(rate / (1 - rate) / n)).toBeLessThan(4.5);
  });

  it("of rate 0 keeps everything", () => {
    expect(dropout(ones, 0, key(1)).data).toEqual(ones.data);
  });

  it("drops the same elements for the same key and others for another", () => {
    expect(dropout(ones, 0.5, key(1)).data).toEqual(dropout(ones, 0.5, key(1)).data);
    expect(dropout(ones, 0.5, key(1)).data).not.toEqual(dropout(ones, 0.5, foldIn(key(1), 0)).data);
  });
});

describe("meanSquaredError", () => {
  it("is the mean of the squared differences", () => {
    expect(meanSquaredError(tensor([1, 2, 3]), tensor([1, 4, 0])).item()).toBeCloseTo(13 / 3, 6);
  });
});
