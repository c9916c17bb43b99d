// What layers and initialisers say to wrong options and arguments, and that they keep copies of what they are given.
import { describe, expect, it } from "vitest";
import { digest, nn, random, relu, type Tensor, tanh, tensor, zeros } from "../../src/index.js";

const { key, normal } = random;
const k = key(1);
const x = normal(key(2), [2, 3]);
const image = normal(key(3), [1, 8, 8, 1]);
const of = (f: (...args: any[]) => unknown, ...args: unknown[]) => [() => f(...args)] as const;
const { linear, mlp, conv2d, maxPool2d, avgPool2d, embedding, dropout, layerNorm, batchNorm, convGru } = nn;
const { multiHeadAttention, attention, sequential, residual, flatten, init } = nn;

describe("options", () => {
  it.each([
    [of(linear, 3, 8, false), 'linear: "bias" expected a number, where every bias starts, got false'],
    [of(linear, 3, 8, "he"), 'linear: expected options { init, bias }, got "he"'],
    [of(linear, 3, 8, { init: "he" }), 'linear: "init" expected an initialiser such as nn.init.he, got "he"'],
    [of(linear, 3, 8, { initializer: init.he }), 'linear: there is no option "initializer". Did you mean "init"?'],
    [of(linear, 3, 8, { bias: true }), '"bias" expected a number, where every bias starts, got true'],
    [of(linear, 3, 8, { bias: "0" }), 'linear: "bias" expected a number that is finite in float32, got "0"'],
    [of(linear, 3, 8, { activation: relu }), 'linear: there is no option "activation". There are: init, bias'],
    [of(mlp, 784, 50, 10), "mlp: expected an array of sizes, got 784. Write nn.mlp([784, 50, 10])"],
    [of(mlp, { sizes: [1, 2] }), "mlp: expected an array of sizes, got an object { sizes }"],
    [of(mlp, [784, "50", 10]), 'mlp: "sizes[1]" expected an integer >= 1, got "50"'],
    [of(mlp, [784, 0]), 'mlp: "sizes[1]" expected an integer >= 1, got 0'],
    [
      of(mlp, [3, 2], "relu"),
      'mlp: "activation" expected a function such as tanh (import { tanh } from "gradnoise"), got',
    ],
    [of(mlp, [3, 2], { activation: "relu" }), '"activation" expected a function such as tanh (import { tanh }'],
    [of(mlp, [3, 2], relu), "mlp: expected options { activation, dropout, init, bias }, got a function"],
    [of(mlp, [3, 2], { hidden: [4] }), 'mlp: there is no option "hidden". There are: activation, dropout, init, bias'],
    [of(mlp, [3, 2], { act: relu }), 'mlp: there is no option "act". Did you mean "activation"?'],
    [
      of(conv2d, 1, 8, 3, 2),
      "conv2d: expected options { stride, padding, activation, init, bias }, got 2. Write { stride: 2",
    ],
    [of(conv2d, 1, 8, 3, { strides: 2 }), 'conv2d: there is no option "strides". Did you mean "stride"?'],
    [
      of(conv2d, 1, 8, 3, { padding: "valid" }),
      'conv2d: "padding" expected an integer >= 0, [top, right, bottom, left] or',
    ],
    [of(conv2d, 1, 8, 3, { activation: relu }), 'conv2d: "activation" expected "relu" or "sigmoid" or "tanh"'],
    [of(conv2d, 1, 8), 'conv2d: "size" expected an integer >= 1 or a pair of them, got undefined'],
    [of(maxPool2d, 2, 2), "maxPool2d: expected options { stride, padding }, got 2. Write { stride: 2 }"],
    [of(avgPool2d, 2, { strides: 2 }), 'avgPool2d: there is no option "strides". Did you mean "stride"?'],
    [of(embedding, 5, 3, 0), "embedding: expected options { padding, init }, got 0. Write { padding: 0 }"],
    [of(embedding, 5, 3, { paddingIdx: 0 }), 'embedding: there is no option "paddingIdx". Did you mean "padding"?'],
    [of(dropout, { rate: 0.5 }), 'dropout: "rate" expected a number, got an object { rate }. Write nn.dropout(0.5)'],
    [of(dropout, 0.5, true), "dropout: there is no place for a further argument, got true. There is only the rate"],
    [of(batchNorm, 8, { eps: 1e-3 }), 'batchNorm: there is no option "eps". Did you mean "epsilon"?'],
    [
      of(batchNorm, 8, { momentum: 0.1 }),
      'batchNorm: there is no option "momentum". Write { decay: 0.9 }, the share that',
    ],
    [
      of(batchNorm, 8, { epsilon: 1e39 }),
      'batchNorm: "epsilon" expected a number that is finite in float32, got 1e+39',
    ],
    [of(layerNorm, [8]), 'layerNorm: "size" expected an integer >= 1, got [8]'],
    [of(layerNorm, 8, 1e-3), "layerNorm: expected options { epsilon }, got 0.001. Write { epsilon: 0.001 }"],
    [
      of(multiHeadAttention, 8, { heads: 2 }),
      'multiHeadAttention: "heads" expected an integer >= 1, got an object { heads }',
    ],
    [
      of(multiHeadAttention, 8, 2, { dropout: 0.1 }),
      'multiHeadAttention: there is no option "dropout". There are: init',
    ],
    [of(convGru, 4, { gate: "sigmoid" }), 'convGru: "gate" expected a function such as saturatingSigmoid'],
    [of(convGru, 4, { kernelSize: 3 }), 'convGru: there is no option "kernelSize". Did you mean "size"?'],
    [of(attention, x, x, x, nn.causalMask(2)), "attention: a mask stands among the options, got "],
    [of(attention, x, x, x, { attnMask: 1 }), 'attention: there is no option "attnMask"'],
    [
      of(attention, x, x, x, { mask: [[0, -1e9]] }),
      "attention: the mask's value -1000000000 at position 1 is neither 1, a key",
    ],
    [of(attention, x, x, x, { mask: tensor([1, 0.5]) }), "attention: the mask's value 0.5 at position 1 is neither 1"],
    [of(attention, x, x, x, { mask: tensor(Int32Array.of(1, 0)) }), 'attention: "mask" expected float32, got int32'],
    [of(attention, x, x, x, { mask: null }), 'attention: "mask" expected a tensor of 1 and 0, got null'],
    [
      of(init.normal, { std: 0.1 }),
      'normal: "std" expected a number >= 0, got an object { std }. nn.init.normal(0.1) makes',
    ],
    [
      of(init.normal, 0, 0.1),
      'normal: there is no place for a further argument, got 0.1. "std" stands alone: the mean is 0',
    ],
    [of(init.uniform, -1, 1), 'uniform: "limit" expected a number >= 0, got -1'],
    [of(init.uniform, 0, 1), 'got 1. "limit" stands alone: the interval is [-limit, limit)'],
    [of(init.constant, "1"), 'constant: "value" expected a number that is finite, got "1"'],
    [of(init.constant, 1e39), 'constant: "value" expected a number in the range of float32, got 1e+39'],
    [of(init.he), "he: it is an initialiser itself, (key, shape) => tensor, got undefined. Write { init: nn.init.he }"],
    [of(init.zeros, [2, 3]), "zeros: it is an initialiser itself, (key, shape) => tensor, got [2, 3]"],
    [of(init.glorot, 1, [2, 3]), "glorot: expected a key, got 1. Make one with random.key(1)"],
    [of(init.he, k, 3), "he: a shape is an array of sizes, got 3"],
  ] as const)("are refused where they would do nothing: %#", ([f], message) => {
    expect(f).toThrow(message);
  });
});

describe("initial weights", () => {
  const start = (given: unknown) => () => linear(3, 2, { init: given as nn.Initializer }).init(k);
  it.each([
    [start(init.normal), "write { init: nn.init.normal(0.1) }"],
    [start(init.constant), "write { init: nn.init.constant(0.1) }"],
    [
      start(() => undefined),
      'linear: "init" returned undefined; an initialiser is (key, shape) => a tensor of float32',
    ],
    [start(() => [[1, 2]]), 'linear: "init" returned [[1, 2]]'],
    [start(() => zeros([2, 3])), 'linear: "init" returned the shape [2, 3], expected [3, 2]'],
    [start(() => tensor(new Int32Array(6), [3, 2])), 'linear: "init" returned a tensor of int32'],
  ])("of something that is no initialiser are refused: %#", (f, message) => {
    expect(f).toThrow(message);
  });

  const models: [string, { init(key: any): unknown }][] = [
    ["linear", linear(3, 2, { init: init.zeros })],
    ["mlp", mlp([3, 2])],
    ["sequential", sequential(relu)],
    ["linear", residual(linear(3, 3))],
    ["conv2d", conv2d(1, 2, 3)],
    ["embedding", embedding(3, 2)],
    ["layerNorm", layerNorm(3)],
    ["batchNorm", batchNorm(3)],
    ["dropout", dropout(0.5)],
    ["maxPool2d", maxPool2d(2)],
    ["multiHeadAttention", multiHeadAttention(4, 2)],
    ["convGru", convGru(2)],
  ];
  it.each(models)("want a key and no number: %s", (name, model) => {
    expect(() => model.init(1)).toThrow(
      new TypeError(`${name}.init: expected a key, got 1. Make one with random.key(1)`),
    );
  });
});

describe("arguments of a container", () => {
  it.each([
    [
      of(sequential, linear(3, 3).init(k)),
      "sequential: argument 0 expected a layer or a function, got an object { weight, b",
    ],
    [
      of(sequential, [linear(3, 3)], relu),
      "argument 0 expected a layer or a function, got [an object { init, apply }]. Give",
    ],
    [of(sequential, undefined), "sequential: argument 0 expected a layer or a function, got undefined"],
    [of(sequential, "relu"), 'sequential: argument 0 expected a layer or a function, got "relu"'],
    [
      of(sequential, nn.lstmCell(3, 3)),
      "got a cell, which takes a step at a time. Use its layer, such as nn.lstm, or a loop",
    ],
    [of(residual, relu), "residual: the argument expected a layer, got a function"],
    [of(residual, linear(3, 3), relu), "got a function. For several layers: nn.residual(nn.sequential(...))"],
    [
      of(flatten, [1, 2]),
      "flatten: expected a tensor, got [1, 2]. It keeps the first axis: nn.flatten(x), or nn.flatten",
    ],
    [of(flatten, undefined), "flatten: expected a tensor, got undefined"],
    [of(flatten, x, 0), "flatten: it joins all axes but the first, got 0 beside the tensor. Use reshape"],
  ] as const)("are named: %#", ([f], message) => {
    expect(f).toThrow(TypeError);
    expect(f).toThrow(message);
  });

  it.each([
    [() => undefined, "sequential: layer 1 returned undefined; it returns a tensor. Is a return missing?"],
    [async (t: Tensor) => t, "sequential: layer 1 returned a Promise; it returns a tensor. It must be synchronous"],
  ])("that return no tensor are named: %#", (f, message) => {
    const model = sequential(linear(3, 3), f as never);
    expect(() => model.apply(model.init(k), x)).toThrow(message);
  });

  it("that return no tensor are named as activation and gate too", () => {
    const model = mlp([3, 3, 2], { activation: (() => {}) as never });
    expect(() => model.apply(model.init(k), x)).toThrow('mlp: "activation" returned undefined; it returns a tensor');
    const cell = convGru(1, { gate: (() => 3) as never });
    expect(() => cell.apply(cell.init(k), image)).toThrow('convGru: "gate" returned 3; it returns a tensor');
  });
});

describe("arguments of apply", () => {
  const dense = linear(3, 3);
  const params = dense.init(k);
  const stack = sequential(dense, relu);
  const apply = (layer: any, ...args: unknown[]) => [() => layer.apply(...args)] as const;
  const way = "Write layer.apply(params, x)";
  it.each([
    [apply(dense, x, params), `linear: the parameters come first, got a tensor and an object { weight, bias }. ${way}`],
    [apply(dense, x), "linear: the parameters come first, got a tensor and undefined"],
    [apply(dense, params), `linear: "x" expected a tensor, got undefined. ${way}`],
    [
      apply(dense, undefined, x),
      'linear: "params" expected { weight, bias }, got undefined. Pass what this layer\'s own',
    ],
    [apply(dense, { weight: params.weight }, x), "{ weight, bias }, got an object { weight }, without bias. Pass what"],
    [apply(dense, { layers: [params] }, x), "{ weight, bias }, got an object { layers }, without weight"],
    [apply(mlp([3, 2]), x, params), "mlp: the parameters come first, got a tensor"],
    [
      apply(mlp([3, 3, 3]), { layers: [params] }, x),
      'mlp: "params.layers" expected an array of 2, got one of 1. Pass what',
    ],
    [apply(mlp([3, 3]), { layers: [params, params] }, x), 'mlp: "params.layers" expected an array of 1, got one of 2'],
    [apply(mlp([3, 3]), { layers: [{}] }, x), 'mlp: layer 0: "params" expected { weight, bias }, got an empty object'],
    [apply(stack, x, stack.init(k)), "sequential: the parameters come first, got a tensor and an object { layers }"],
    [apply(stack, stack.init(k)), 'sequential: "x" expected a tensor, got undefined'],
    [
      apply(stack, params, x),
      'sequential: "params" expected { layers }, got an object { weight, bias }, without layers',
    ],
    [apply(stack, { layers: [params] }, x), 'sequential: "params.layers" expected an array of 2, got one of 1'],
    [apply(residual(dense), x, params), "residual: the parameters come first, got a tensor"],
    [apply(conv2d(1, 1, 3), image, {}), "conv2d: the parameters come first, got a tensor"],
    [apply(conv2d(1, 1, 3), { weight: zeros([3, 3, 1, 1]) }, image), "got an object { weight }, without bias"],
    [
      apply(maxPool2d(2), image),
      "maxPool2d: the parameters come first, got a tensor and undefined. Write layer.apply(params",
    ],
    [
      apply(dropout(0.5), x, { training: false }),
      "dropout: the parameters come first, got a tensor and an object { training",
    ],
    [apply(dropout(0.5), {}), 'dropout: "x" expected a tensor, got undefined'],
    [
      apply(layerNorm(3), params, x),
      'layerNorm: "params" expected { scale, offset }, got an object { weight, bias }, without',
    ],
    [
      apply(embedding(3, 2), {}, tensor([1], { dtype: "int32" })),
      'embedding: "params" expected { weight }, got an empty obj',
    ],
    [
      apply(convGru(1), image, {}),
      "convGru: the parameters come first, got a tensor and an empty object. Write cell.apply",
    ],
    [apply(multiHeadAttention(3, 1), x, {}), "multiHeadAttention: the parameters come first"],
    [
      apply(multiHeadAttention(3, 1), multiHeadAttention(3, 1).init(k), x, { mask: 1 }),
      "multiHeadAttention: the key expected a tensor, got an object { mask }. Write layer.apply(params, query, key, value, {",
    ],
    [
      apply(multiHeadAttention(3, 1), multiHeadAttention(3, 1).init(k), x, x, x, nn.causalMask(2)),
      "multiHeadAttention: a mask stands among the options, got ",
    ],
    [of(attention, x, x), 'attention: "v" expected a tensor, got undefined. Write nn.attention(q, k, v, { mask })'],
  ] as const)("are named where they are swapped, missing or another layer's: %#", ([f], message) => {
    expect(f).toThrow(TypeError);
    expect(f).toThrow(message);
  });
});

describe("what a layer was given", () => {
  it("may change afterwards: options, sizes and pairs are copied", () => {
    const options = { stride: 1, padding: [0, 0, 0, 0] as [number, number, number, number] };
    const pool = { stride: 1, padding: 0 };
    const window: [number, number] = [2, 2];
    const sizes = [4, 3, 2];
    const conv = conv2d(1, 2, window, options);
    const [max, avg, model] = [maxPool2d(window, pool), avgPool2d(window, pool), mlp(sizes)];
    const shapes = () => [
      conv.apply(conv.init(k), image).shape,
      max.apply({}, image).shape,
      avg.apply({}, image).shape,
      ...model.init(k).layers.map(({ weight }) => weight.shape),
    ];
    const before = shapes();
    options.stride = pool.stride = 2;
    options.padding.fill(5);
    window.fill(3);
    sizes.fill(9);
    expect(shapes()).toEqual(before);
  });

  it("may change afterwards: the functions among the options are read once", () => {
    const options: nn.MlpOptions = { activation: tanh, init: init.he, bias: 0.5, dropout: 0 };
    const model = mlp([3, 4, 2], options);
    const before = digest(model.apply(model.init(k), x));
    Object.assign(options, { activation: relu, init: init.zeros, bias: 1, dropout: 0.9 });
    expect(digest(model.apply(model.init(k), x))).toBe(before);
  });
});
