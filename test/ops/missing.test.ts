// What a program in JavaScript passes by mistake is named, instead of failing somewhere inside.
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.js";

const { nn, optim, valueAndGrad, zeros } = library;
const loose = library as unknown as { [name: string]: (...args: unknown[]) => unknown };
const loosely = optim as unknown as { [name: string]: (...args: unknown[]) => unknown };
const x = zeros([2, 3]);
const image = zeros([1, 3, 3, 1]);

const missing: [string, string, () => unknown][] = [
  ["add", "b", () => loose.add(x)],
  ["matmul", "b", () => loose.matmul(x)],
  ["linear", "weight", () => loose.linear(x)],
  ["conv2d", "weight", () => loose.conv2d(image)],
  ["lerp", "t", () => loose.lerp(x, x)],
  ["layerNorm", "scale", () => loose.layerNorm(x)],
  ["batchNorm", "offset", () => loose.batchNorm(x, [1, 1, 1])],
  ["where", "a", () => loose.where(x)],
  ["scatterAdd", "updates", () => loose.scatterAdd(x, [1])],
  ["lstm", "inputWeight", () => loose.lstm(zeros([1, 1, 1]), { bias: [0] })],
  ["sigmoidCrossEntropy", "targets", () => (nn.sigmoidCrossEntropy as (...args: unknown[]) => unknown)(x)],
  ["softmaxCrossEntropy", "labels", () => loose.softmaxCrossEntropy(x)],
  [
    "matmul",
    "b",
    () => valueAndGrad((params: { w: library.Tensor }) => x.matmul((params as never as { v: never }).v))({ w: x }),
  ],
];

describe("an operand that is undefined", () => {
  it.each(missing)("%s names %s", (op, name, call) => {
    expect(call).toThrow(
      new TypeError(
        `${op}: "${name}" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from`,
      ),
    );
  });
});

const wrong: [string, () => unknown, string][] = [
  ["sizes as arguments", () => loose.reshape(x, 3, 2), 'reshape: "shape" expected an array, got 3'],
  ["axes as arguments", () => loose.transpose(x, 1, 0), 'transpose: "axes" expected an array, got 1'],
  ["a slice without sizes", () => loose.slice(x, [0, 0]), 'slice: "size" expected an array, got undefined'],
  ["a size to stretch to", () => loose.broadcastTo(x, 3), 'broadcastTo: "shape" expected an array, got 3'],
  ["nothing to fill with", () => loose.full([2]), 'full: "value" expected a number, got undefined'],
  [
    "dropout without a key",
    () => loose.dropout(x, 0.5),
    "dropout: expected a key, got undefined. A loss has one: (params, batch, { key }) => ...",
  ],
  ["an input to recompute", () => loose.recompute(() => x, x, 3), "recompute: input 1 expected a tensor, got 3"],
  [
    "a mask before its transform",
    () => loosely.masked("**"),
    "masked: the first argument expected a gradient transform",
  ],
  ["micro-batches of nothing", () => loosely.accumulate(2), "accumulate: the second argument expected a gradient"],
  ["a rate for a transform", () => loosely.partition({ "**": 0.1 }), 'partition: "**" expected a gradient transform'],
  ["noise without options", () => loosely.addNoise(), 'addNoise: "seed" is missing'],
  ["Langevin dynamics without options", () => loosely.sgld(0.1), 'sgld: "seed" is missing'],
];

describe("what is no operand", () => {
  it.each(wrong)("%s", (_, call, text) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(text);
  });
});
