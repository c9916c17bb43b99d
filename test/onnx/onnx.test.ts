// Exported models in onnxruntime-web: the outputs are ours within 1e-5, at the batch they were traced with and at others.
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/core/tensor.js";
import * as g from "../../src/index.js";
import { toONNX } from "../../src/onnx/index.js";
import { difference, installed } from "./runtime.js";

const { nn, random, tensor } = g;
const normal = (seed: number, shape: number[], std = 1): Tensor => random.normal(random.key(seed), shape, { std });

type F = (p: any, x: any) => unknown;
const rows = (n: number): Tensor => normal(7 + n, [n, 6]);
const images = (n: number): Tensor => normal(70 + n, [n, 9, 8, 3]);
const w = normal(1, [6, 4]);
const kernel = normal(2, [3, 3, 3, 5], 0.3);

/** Programs by name: the function, its parameters, and the input at a batch of n. */
const programs: [string, F, unknown, (n: number) => unknown][] = [
  ["an mlp", (p, x) => nn.mlp([6, 8, 8, 4]).apply(p, x), nn.mlp([6, 8, 8, 4]).init(random.key(3)), rows],
  [
    "an mlp with tanh and softmax",
    (p, x) => g.softmax(nn.mlp([6, 8, 4], { activation: g.tanh }).apply(p, x)),
    nn.mlp([6, 8, 4]).init(random.key(4)),
    rows,
  ],
  [
    "a linear layer of three axes",
    (p, x) => g.linear(x.reshape([-1, 2, 3]), p.w, p.b, { relu: true }),
    { w: normal(5, [3, 4]), b: normal(6, [4]) },
    rows,
  ],
  ["products the other way round", (p, x) => g.matmul(g.matmul(x, p.w), p.w, { transposeB: true }), { w }, rows],
  ["a product over the batch", (_, x) => g.matmul(x, x, { transposeA: true }), {}, rows],
  [
    "arithmetic that broadcasts",
    (p, x) => x.mul(p.a).add(1).sub(x.div(2).neg()).add(p.b),
    { a: normal(8, [6]), b: tensor(3) },
    rows,
  ],
  [
    "elementwise functions",
    (_, x) =>
      g
        .exp(x)
        .add(g.sigmoid(x))
        .add(g.tanh(x))
        .add(g.log(x.mul(x).add(0.5))),
    {},
    rows,
  ],
  [
    "reductions",
    (_, x) => ({ a: x.sum({ axis: 1 }), b: x.mean({ axis: 0, keepDims: true }), c: x.max({ axis: -1 }), d: x.sum() }),
    {},
    rows,
  ],
  ["softmax along the first axis", (_, x) => g.softmax(x, 0), {}, rows],
  ["reshapes and transposes", (_, x) => x.reshape([x.shape[0], 3, 2]).transpose([2, 0, 1]).reshape([2, -1]), {}, rows],
  ["a reshape that names the batch twice over", (_, x) => x.reshape([x.shape[0] * 2, 3]), {}, rows],
  [
    "slices",
    (_, x) => g.concat([g.slice(x, [0, 1], [x.shape[0], 2]), g.slice(x, [0, 5], [x.shape[0], 1])], 1),
    {},
    rows,
  ],
  ["a slice of the batch", (_, x) => g.slice(x, [1, 0], [x.shape[0] - 1, 6]), {}, rows],
  ["concatenation of constants", (_, x) => g.concat([x, g.zeros([x.shape[0], 2])], 1), {}, rows],
  [
    "broadcastTo the batch",
    (p, x) => g.concat([x, g.broadcastTo(p.a, [x.shape[0], 3])], 1),
    { a: normal(9, [3]) },
    rows,
  ],
  [
    "several inputs",
    (p, { a, b }) => a.matmul(p.w).add(b.sum({ axis: 1, keepDims: true })),
    { w },
    (n) => ({ a: rows(n), b: normal(n, [n, 2]) }),
  ],
  [
    "stopGradient and customGrad",
    (p, x) => g.stopGradient(g.customGrad((v: Tensor) => ({ value: v.mul(2), backward: (u) => [u] }))(x.matmul(p.w))),
    { w },
    rows,
  ],
  ["a convolution", (p, x) => g.conv2d(x, p.kernel, p.bias), { kernel, bias: normal(10, [5]) }, images],
  [
    "a strided convolution with padding",
    (p, x) => g.conv2d(x, p.kernel, p.bias, { stride: [2, 1], padding: [1, 0, 2, 1] }),
    { kernel, bias: normal(10, [5]) },
    images,
  ],
  [
    "a convolution padded to the same size",
    (p, x) => g.relu(g.conv2d(x, p.kernel, undefined, { padding: "same", stride: 2 })),
    { kernel },
    images,
  ],
  [
    "a convolution through an activation",
    (p, x) => g.conv2d(x, p.kernel, undefined, { padding: 1, activation: "tanh" }),
    { kernel },
    images,
  ],
  [
    "pooled images",
    (_, x) => ({ a: g.maxPool2d(x, 2), b: g.avgPool2d(x, [3, 2], { stride: 2, padding: [1, 0] }) }),
    {},
    images,
  ],
  [
    "layerNorm and batchNorm",
    (p, x) => ({ a: g.layerNorm(x, p.s, p.o, { epsilon: 0.01 }), b: g.batchNorm(g.concat([x, x.mul(2)]), p.s, p.o) }),
    { s: normal(11, [6]), o: normal(12, [6]) },
    rows,
  ],
  [
    "batchNorm with running statistics",
    (p, x) => g.batchNorm(x, p.s, p.o, { mean: p.o, variance: p.s.mul(p.s) }),
    { s: normal(11, [6]), o: normal(12, [6]) },
    rows,
  ],
  [
    "more reductions",
    (_, x) => ({
      a: g.min(x, { axis: 1 }),
      b: g.prod(x, { axis: [0, 1] }),
      c: g.norm(x, { axis: -1, keepDims: true }),
      d: g.logSumExp(x, { axis: 0 }),
      e: g.cumsum(x, 1),
      f: g.argMax(x, 1),
      g: g.argMin(x, 0),
      h: g.logSoftmax(x, 0),
    }),
    {},
    rows,
  ],
  [
    "an embedding",
    (p, x) => g.gather(p.table, x).mean({ axis: 1 }),
    { table: normal(13, [9, 4]) },
    (n) =>
      tensor(
        Int32Array.from({ length: n * 3 }, (_, i) => (i * 5) % 9),
        [n, 3],
      ),
  ],
  [
    "what is picked and arranged",
    (_, x) => ({
      a: g.takeAlongAxis(x, g.argMax(x, 1).reshape([-1, 1]), 1),
      b: g.oneHot(g.argMax(x, 1), 6),
      c: g.stack([x, x.mul(2)], 1),
      d: g.split(x, 2, 1)[1],
      e: g.pad(
        x,
        [
          [0, 0],
          [1, 2],
        ],
        3,
      ),
      f: g.expandDims(x, 1),
      g: g.lerp(x, x.mul(2), x.mul(3)),
    }),
    {},
    rows,
  ],
];

describe.runIf(installed)("in onnxruntime-web", () => {
  it.each(programs)("%s has our outputs", async (name, program, params, x) => {
    const model = toONNX(program, params, x(3));
    for (const n of [3, 2, 5, 1]) {
      const d = await difference(program, params, x(n), model);
      expect(d, `${name}, batch of ${n}`).toBeLessThan(1e-5);
    }
    const fixed = toONNX(program, params, x(2), { dynamicBatch: false });
    expect(await difference(program, params, x(2), fixed)).toBeLessThan(1e-5);
  });

  it("a trained convolutional network classifies digits as ours does", async () => {
    const { train, test } = g.data.digits({ train: 300, test: 50, seed: 3 });
    const head = nn.mlp([8 * 7 * 7, 10]);
    const params = {
      first: nn.conv2d(1, 4, 3, { padding: 1 }).init(random.key(1)),
      second: nn.conv2d(4, 8, 3, { padding: 1 }).init(random.key(2)),
      head: head.init(random.key(3)),
    };
    const apply = (p: typeof params, x: Tensor): Tensor => {
      const a = g.maxPool2d(
        g.relu(g.conv2d(x.reshape([-1, 28, 28, 1]), p.first.weight, p.first.bias, { padding: 1 })),
        2,
      );
      const b = g.maxPool2d(g.conv2d(a, p.second.weight, p.second.bias, { padding: "same", activation: "relu" }), 2);
      return head.apply(p.head, b.reshape([-1, 8 * 7 * 7]));
    };
    const trainer = g.createTrainer({
      params,
      loss: (p, { x, y }: { x: Tensor; y: Tensor }) => nn.softmaxCrossEntropy(apply(p, x), y),
      optimizer: g.optim.adam(0.003),
    });
    for (const batch of train.batches(30, { seed: 1, steps: 40 })) trainer.step(batch);
    const model = toONNX(apply, trainer.params, g.zeros([1, 784]));
    expect(await difference(apply, trainer.params, test.columns.x, model)).toBeLessThan(1e-5);
  });
});
