// The gradient of every layer of nn, by its parameters and its input, against central differences over random shapes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Key } from "../../src/core/random.js";
import { checkGrad, mul, nn, random, sum, type Tensor, tanh, tensor } from "../../src/index.js";

const { key, normal } = random;

/** sum(y * weights), with weights that are all different. */
const weigh = (y: Tensor): Tensor =>
  sum(
    mul(
      y,
      tensor(
        Float32Array.from({ length: y.size }, (_, i) => (i % 3 === 1 ? -1 : 1) * (1 + (i % 7) / 7)),
        y.shape,
      ),
    ),
  );

type Sizes = readonly [a: number, b: number, c: number, d: number];
interface Subject {
  readonly params: unknown;
  /** Shape of the input, which is differentiated too; undefined where the layer takes whole numbers. */
  readonly input?: readonly number[];
  readonly f: (params: any, x: Tensor) => Tensor;
}

const of = (layer: { init: (k: Key) => unknown; apply: (p: any, x: Tensor) => Tensor }, input: number[]): Subject => ({
  params: layer.init(key(3)),
  input,
  f: (p, x) => layer.apply(p, x),
});

/** By the name of the layer in nn. */
const subjects: { readonly [name: string]: (sizes: Sizes) => Subject } = {
  linear: ([a, b, c]) => of(nn.linear(a, b), [c, a]),
  mlp: ([a, b, c]) => of(nn.mlp([a, b, c], { activation: tanh }), [2, a]),
  sequential: ([a, b, c]) => of(nn.sequential(nn.linear(a, b), tanh, nn.linear(b, c)), [2, a]),
  residual: ([a, b]) => of(nn.residual(nn.linear(a, a)), [b, a]),
  conv2d: ([a, b, c, d]) => of(nn.conv2d(a, b, [c, d], { padding: "same", activation: "tanh" }), [2, 3, 4, a]),
  maxPool2d: ([a, b, c]) => of(nn.maxPool2d(2), [a, b + 1, c + 1, 3]),
  avgPool2d: ([a, b, c]) => of(nn.avgPool2d(2), [a, b + 1, c + 1, 3]),
  layerNorm: ([a, b]) => of(nn.layerNorm(a + 3), [b, a + 3]),
  batchNorm: ([a, b]) => {
    const layer = nn.batchNorm(a);
    return {
      params: layer.init(key(3)),
      input: [b + 3, a],
      f: (p, x) => layer.apply(p, x, layer.start(), { training: true }).output,
    };
  },
  embedding: ([a, b, c]) => {
    const layer = nn.embedding(a + 1, b);
    const indices = tensor(Int32Array.from({ length: c * 2 }, (_, i) => (i * 3) % (a + 1)));
    return { params: layer.init(key(3)), f: (p) => layer.apply(p, indices) };
  },
  dropout: ([a, b]) => ({
    params: {},
    input: [a, b],
    f: (_, x) => nn.dropout(0.5).apply({}, x, { training: true, key: key(5) }),
  }),
  simpleRnn: ([a, b, c, d]) => of(nn.simpleRnn(a, b), [c, d, a]),
  lstm: ([a, b, c, d]) => of(nn.lstm(a, b), [c, d, a]),
  gru: ([a, b, c, d]) => of(nn.gru(a, b), [c, d, a]),
  simpleRnnCell: ([a, b, c]) => {
    const cell = nn.simpleRnnCell(a, b);
    return { params: cell.init(key(3)), input: [c, a], f: (p, x) => cell.apply(p, cell.start(c), x) };
  },
  lstmCell: ([a, b, c]) => {
    const cell = nn.lstmCell(a, b);
    return {
      params: cell.init(key(3)),
      input: [c, a],
      f: (p, x) => {
        const once = cell.apply(p, cell.start(c), x);
        const { h, c: memory } = cell.apply(p, once, x);
        return mul(h, memory);
      },
    };
  },
  gruCell: ([a, b, c]) => {
    const cell = nn.gruCell(a, b);
    return { params: cell.init(key(3)), input: [c, a], f: (p, x) => cell.apply(p, cell.apply(p, cell.start(c), x), x) };
  },
  convGru: ([a, b, c]) => {
    const cell = nn.convGru(a);
    return { params: cell.init(key(3)), input: [2, b + 1, c + 1, a], f: (p, s) => cell.apply(p, cell.apply(p, s)) };
  },
  multiHeadAttention: ([a, b, c]) => {
    const layer = nn.multiHeadAttention(2 * a, 2);
    return { params: layer.init(key(3)), input: [b, c, 2 * a], f: (p, x) => layer.apply(p, x) };
  },
};

/** Functions of nn that are no layers: losses, and what has an op's own oracle. */
const others = new Set([
  ...["accuracy", "attention", "causalMask", "flatten", "huber", "meanSquaredError", "sigmoidCrossEntropy"],
  "softmaxCrossEntropy",
]);

it("every layer that nn exports is tried here", () => {
  const names = Object.entries(nn).flatMap(([name, value]) =>
    typeof value === "function" && !others.has(name) ? [name] : [],
  );
  expect(Object.keys(subjects).sort()).toEqual(names.sort());
});

describe.each(Object.entries(subjects))("the gradient of nn.%s", (_, make) => {
  const size = fc.integer({ min: 1, max: 4 });
  it("agrees with central differences", () => {
    fc.assert(
      fc.property(fc.tuple(size, size, size, size), (sizes) => {
        const { params, input, f } = make(sizes);
        const x = input && normal(key(4), input);
        checkGrad(
          (tree: { params: unknown; x?: Tensor }) => weigh(f(tree.params, tree.x!)),
          x ? { params, x } : { params },
          {
            tolerance: 0.02,
          },
        );
      }),
      { numRuns: 8 },
    );
  });
});
