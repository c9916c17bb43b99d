// Layers, losses, whole numbers and special values in onnxruntime-web: outputs as ours, at the example's batch and at others.
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/core/tensor.js";
import * as g from "../../src/index.js";
import { toONNX } from "../../src/onnx/index.js";
import { difference, installed } from "./runtime.js";

const { nn, random, tensor } = g;
const normal = (seed: number, shape: readonly number[], std = 1): Tensor =>
  random.normal(random.key(seed), [...shape], { std });
const key = random.key(1);

/** Whole numbers 0 .. n - 1. */
const whole = (shape: number[], n: number): Tensor =>
  tensor(
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7 + 3) % n),
    shape,
  );

type Program = [name: string, f: (p: any, x: any) => unknown, params: unknown, x: (batch: number) => unknown];

/** No weight is 0: a gate in the wrong place shows. */
const filled = (params: any): any =>
  Object.fromEntries(
    Object.entries(params).map(([k, t], i) => [k, g.add(t as Tensor, normal(40 + i, (t as Tensor).shape))]),
  );

const turned = (x: Tensor): Tensor => g.transpose(x, [1, 0, 2]);
const sequences = (n: number): Tensor => normal(7 + n, [n, 5, 3]);

const recurrent: Program[] = Object.entries({
  lstm: nn.lstm(3, 4),
  gru: nn.gru(3, 4),
  simpleRnn: nn.simpleRnn(3, 4),
}).flatMap(([name, any]): Program[] => {
  const layer = any as ReturnType<typeof nn.lstm>;
  const params = filled(layer.init(key));
  const state = (h: Tensor): any => (name === "lstm" ? { h, c: g.mul(h, 3) } : h);
  return [
    [`${name} along any time`, layer.run, params, sequences],
    [`${name} of any batch`, (p, x) => layer.run(p, turned(x)), params, sequences],
    [`${name} from zeros of its batch`, (p, x) => layer.run(p, turned(x), layer.start(x.shape[0])), params, sequences],
    [`${name} of one step`, (p, x) => layer.run(p, g.expandDims(x, 0)), params, (n) => normal(n, [n, 3])],
    [
      `${name} from a state`,
      (p, { x, h }) => layer.run(p, turned(x), state(h)),
      params,
      (n) => ({ x: sequences(n), h: normal(n, [n, 4]) }),
    ],
    [
      `${name} in both directions`,
      (p, x) => g.concat([layer.apply(p.a, x), g.reverse(layer.apply(p.b, g.reverse(x)))], -1),
      { a: params, b: filled(params) },
      sequences,
    ],
    [
      `${name} with computed weights`,
      (p, x) => layer.run({ ...p, hiddenWeight: g.tanh(p.hiddenWeight), bias: g.neg(p.bias) }, turned(x)),
      params,
      sequences,
    ],
  ];
});

const labelled = (n: number) => ({
  logits: normal(n, [n, 5]),
  labels: whole([n], 5),
  mask: tensor(Array.from({ length: n }, (_, i) => (i === 0 ? 2 : i % 2))),
});

const losses: Program[] = (["mean", "sum", "none"] as const).flatMap((reduction): Program[] => [
  [
    `softmaxCrossEntropy, ${reduction}`,
    (_, { logits, labels, mask }) => ({
      plain: g.softmaxCrossEntropy(logits, labels, { reduction }),
      masked: g.softmaxCrossEntropy(logits, labels, { reduction, mask }),
    }),
    {},
    labelled,
  ],
  [
    `other losses, ${reduction}`,
    (_, { logits, mask }) => {
      const targets = g.sigmoid(g.neg(logits));
      const own = g.broadcastTo(g.expandDims(mask, 1), [mask.shape[0], 5]);
      return [nn.sigmoidCrossEntropy, nn.meanSquaredError, nn.huber].flatMap((loss) => [
        loss(logits, targets, { reduction }),
        loss(logits, targets, { reduction, mask: own }),
      ]);
    },
    {},
    labelled,
  ],
]);

const attention = nn.multiHeadAttention(8, 2);
const cell = nn.convGru(3, { gate: g.saturatingSigmoid });
const net = nn.sequential(nn.conv2d(2, 3, 3), g.relu, nn.maxPool2d(2), nn.flatten, nn.linear(12, 4), nn.dropout(0.5));

const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 100, -100, 1e-30];
const specials = (n: number): Tensor => tensor(Array.from({ length: n }, () => special));
const steep = [
  [-1e30, 1e30, 3e4, 0],
  [200, 300, -500, 100],
  [1e-30, 2e-30, 0, 0],
];

const others: Program[] = [
  ["accuracy", (_, { logits, labels }) => g.accuracy(logits, labels), {}, labelled],
  [
    "accuracy and losses of rows of rows",
    (_, { x, labels }) => [
      g.accuracy(x, labels),
      g.softmaxCrossEntropy(x, labels),
      g.softmaxCrossEntropy(x, labels, { reduction: "none" }),
    ],
    {},
    (n) => ({ x: normal(n, [n, 3, 5]), labels: whole([n, 3], 5) }),
  ],
  [
    "a masked label that is none",
    (_, { x, labels, mask }) => g.softmaxCrossEntropy(x, labels, { mask, reduction: "none" }),
    {},
    (n) => ({
      x: normal(n, [n, 5]),
      labels: tensor(
        Int32Array.from({ length: n }, (_, i) => (i % 2 === 1 ? 1 : 99)),
        [n],
      ),
      mask: tensor(Array.from({ length: n }, (_, i) => i % 2)),
    }),
  ],
  [
    "attention behind a mask",
    (p, x) => attention.apply(p, x, x, x, { mask: nn.causalMask(5) }),
    attention.init(key),
    (n) => normal(n, [n, 5, 8]),
  ],
  ["attention over any time", (p, x) => attention.apply(p, x), attention.init(key), (n) => normal(n, [n, 8])],
  [
    "a convolutional GRU",
    (p, x) => g.unroll((s) => cell.apply(p, s), x as Tensor, 3),
    cell.init(key),
    (n) => normal(n, [n, 4, 3, 3]),
  ],
  ["a sequential net", net.apply as any, net.init(key), (n) => normal(n, [n, 6, 6, 2])],
  [
    "whole numbers moved about",
    (_, x) => ({
      padded: g.pad(
        x,
        [
          [0, 0],
          [1, 2],
        ],
        7,
      ),
      reversed: g.reverse(x, 1),
      joined: g.concat([x, x], 1),
      stacked: g.stack([x, x], 1),
      cut: g.slice(x, [0, 1], [x.shape[0], 2]),
      turned: g.transpose(x),
      stretched: g.broadcastTo(g.expandDims(x, 0), [2, x.shape[0], 4]),
      picked: g.gather(x, [1, 0], 1),
      taken: g.takeAlongAxis(x, x, 1),
    }),
    {},
    (n) => whole([n, 4], 4),
  ],
  [
    "whole numbers compared, beside floats too",
    (_, x) => [
      g.equal(x, 3),
      g.notEqual(x, 3),
      g.less(x, 3),
      g.lessEqual(x, 4),
      g.greater(2.5, x),
      g.greaterEqual(x, 3.5),
      g.where(x, 1, 2),
    ],
    {},
    (n) => whole([n, 4], 9),
  ],
  [
    "a table written to",
    (p, x) => g.scatterAdd(p.t, g.reshape(x, [-1]), g.reshape(g.gather(p.t, x), [-1, 3])),
    { t: normal(1, [9, 3]) },
    (n) => whole([n, 4], 9),
  ],
  [
    "reductions of nothing, and of one row",
    (p, x) => {
      const row = g.sum(x, { axis: 0 });
      return [
        ...[g.sum, g.mean, g.norm, g.logSumExp, g.prod].map((f) => f(x, { axis: [] })),
        g.batchNorm(row, p.s, p.s, { epsilon: 0.1 }),
        g.layerNorm(row, p.s, p.s),
        g.linear(row, p.w),
      ];
    },
    { s: normal(1, [6]), w: normal(2, [6, 2]) },
    (n) => normal(n, [n, 6]),
  ],
  [
    "cuts that follow the batch",
    (_, x) => [
      g.slice(x, [x.shape[0] - 1, 0], [1, 6]),
      g.slice(g.concat([x, x]), [x.shape[0], 1], [x.shape[0], 2]),
      g.slice(g.concat([x, x, x]), [1, 0], [x.shape[0] + 1, 6]),
    ],
    {},
    (n) => normal(n, [n, 6]),
  ],
  [
    "functions of NaN, infinities and zeros",
    (_, x) =>
      [
        g.abs,
        g.cos,
        g.elu,
        g.exp,
        g.leakyRelu,
        g.neg,
        g.relu,
        g.sigmoid,
        g.sin,
        g.softplus,
        g.tanh,
        g.square,
        g.sqrt,
        g.log,
        g.rsqrt,
        g.saturatingSigmoid,
        g.saturatingTanh,
      ].map((f) => f(x)),
    {},
    specials,
  ],
  [
    "limits of NaN, infinities and zeros",
    (_, x) => [
      g.clip(x, -1, 1),
      g.clip(x, Number.NEGATIVE_INFINITY, 1),
      g.maximum(x, 0),
      g.minimum(x, 0),
      g.where(g.greater(x, 0), x, 1),
    ],
    {},
    specials,
  ],
  [
    "reductions of large and tiny numbers",
    (_, x) => [
      g.softmax(x),
      g.logSoftmax(x),
      g.logSumExp(x, { axis: 1 }),
      g.norm(x, { axis: 1 }),
      g.mul(g.norm(x, { axis: 1, keepDims: true }), 1e30),
      g.max(x),
    ],
    {},
    (n) => tensor(Array.from({ length: n }, (_, i) => steep[i % 3])),
  ],
];

describe.runIf(installed)("in onnxruntime-web", () => {
  it.each([...recurrent, ...losses, ...others])("%s has our outputs", async (name, f, params, x) => {
    const model = toONNX(f, params, x(2));
    for (const batch of [2, 3, 5, 1])
      expect(await difference(f, params, x(batch) as never, model), `${name}, batch of ${batch}`).toBeLessThan(1e-5);
  });
});
