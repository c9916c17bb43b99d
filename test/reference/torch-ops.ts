// How each case of torch.json is put to the library: the tolerance, and the call.
// float32 against float64: elementary functions and single roundings 1e-6 to 2e-6, sums of up to 120 terms 1e-5, as for
// what cancels in the gradient of a softmax, twenty layers 1e-4; all relative to 1 + |value|.
import type { Tensor } from "../../src/core/tensor.js";
import * as library from "../../src/index.js";

export interface Values {
  readonly shape: number[];
  readonly dtype: "float32" | "int32";
  readonly data: number[];
}

export interface Case {
  readonly name: string;
  readonly op: string;
  readonly args: { readonly [name: string]: any };
  readonly inputs: Values[];
  readonly output: Values;
  readonly upstream: Values;
  readonly grads: (Values | null)[];
}

type Apply = (inputs: Tensor[], args: Case["args"]) => Tensor;

// a name that the library does not have is undefined; its cases are then counted as missing, and a test fails
const gn: any = library;
const { nn, optim } = gn;

const unary = (f: (x: Tensor) => Tensor): [number, Apply] => [2e-6, ([x]) => f(x)];
const binary = (f: (a: Tensor, b: Tensor) => Tensor, tolerance = 1e-6): [number, Apply] => [
  tolerance,
  ([a, b]) => f(a, b),
];
const reduction = (f: (x: Tensor, options: object) => Tensor, tolerance: number): [number, Apply] => [
  tolerance,
  ([x], { axis, keepDims }) => f(x, { axis, keepDims }),
];

/** PyTorch's channels-first images and kernels as ours: NCHW -> NHWC, OIHW -> [kh, kw, in, out], and back. */
const channelsLast = (x: Tensor): Tensor => gn.transpose(x, [0, 2, 3, 1]);
const channelsFirst = (x: Tensor): Tensor => gn.transpose(x, [0, 3, 1, 2]);
const kernel = (w: Tensor): Tensor => gn.transpose(w, [2, 3, 1, 0]);

/** PyTorch's [gates hidden, input] and its two biases as ours; a GRU keeps the second for n, the last third. */
const recurrentWeights = ([inputWeight, hiddenWeight, bias, second]: Tensor[]) => ({
  inputWeight: gn.transpose(inputWeight),
  hiddenWeight: gn.transpose(hiddenWeight),
  bias: gn.add(bias, second),
});
const gruWeights = ([inputWeight, hiddenWeight, bias, second]: Tensor[]) => {
  const hidden = hiddenWeight.shape[1];
  const both = gn.add(gn.slice(bias, [0], [2 * hidden]), gn.slice(second, [0], [2 * hidden]));
  return {
    inputWeight: gn.transpose(inputWeight),
    hiddenWeight: gn.transpose(hiddenWeight),
    bias: gn.concat([both, gn.slice(bias, [2 * hidden], [hidden])]),
    hiddenBias: gn.slice(second, [2 * hidden], [hidden]),
  };
};

/** [the library's function, tolerance, call]. */
export const ops: { readonly [op: string]: readonly [unknown, readonly [number, Apply]] } = {
  ...Object.fromEntries(
    [
      ...["relu", "tanh", "sigmoid", "exp", "neg", "abs", "sin", "cos", "square", "softplus", "gelu", "silu", "elu"],
      ...["log", "sqrt", "rsqrt", "reciprocal"],
    ].map((name) => [name, [gn[name], unary(gn[name])]]),
  ),
  hardGate: [gn.saturatingSigmoid, unary(gn.saturatingSigmoid)],
  leakyRelu: [gn.leakyRelu, [1e-6, ([x], { negativeSlope }) => gn.leakyRelu(x, negativeSlope)]],
  clip: [gn.clip, [1e-6, ([x], { min, max }) => gn.clip(x, min, max)]],
  add: [gn.add, binary(gn.add)],
  sub: [gn.sub, binary(gn.sub)],
  mul: [gn.mul, binary(gn.mul)],
  div: [gn.div, binary(gn.div, 1e-5)],
  pow: [gn.pow, binary(gn.pow, 1e-5)],
  maximum: [gn.maximum, binary(gn.maximum)],
  minimum: [gn.minimum, binary(gn.minimum)],
  where: [gn.where, [0, ([condition, a, b]) => gn.where(condition, a, b)]],
  sum: [gn.sum, reduction(gn.sum, 1e-5)],
  mean: [gn.mean, reduction(gn.mean, 1e-6)],
  max: [gn.max, reduction(gn.max, 1e-6)],
  logSumExp: [gn.logSumExp, reduction(gn.logSumExp, 1e-5)],
  cumsum: [gn.cumsum, [1e-5, ([x], { axis }) => gn.cumsum(x, axis)]],
  matmul: [gn.matmul, binary(gn.matmul, 1e-5)],
  linear: [gn.linear, [1e-5, ([x, w, b]) => gn.linear(x, w, b)]],
  softmax: [
    gn.softmax,
    [1e-5, ([x], { axis, scaleInput }) => gn.softmax(scaleInput ? gn.mul(x, scaleInput) : x, axis)],
  ],
  logSoftmax: [gn.logSoftmax, [1e-5, ([x], { axis }) => gn.logSoftmax(x, axis)]],
  transpose: [gn.transpose, [0, ([x], { axes }) => gn.transpose(x, axes)]],
  reshape: [gn.reshape, [0, ([x], { shape }) => gn.reshape(x, shape)]],
  slice: [
    gn.slice,
    [
      0,
      ([x], { start, end }) =>
        gn.slice(
          x,
          start,
          end.map((to: number, d: number) => to - start[d]),
        ),
    ],
  ],
  concat: [gn.concat, [0, (inputs, { axis }) => gn.concat(inputs, axis)]],
  stack: [gn.stack, [0, (inputs, { axis }) => gn.stack(inputs, axis)]],
  pad: [gn.pad, [0, ([x], { padding }) => gn.pad(x, padding)]],
  broadcastTo: [gn.broadcastTo, [1e-6, ([x], { shape }) => gn.broadcastTo(x, shape)]],
  gather: [gn.gather, [1e-6, ([indices, table], { axis }) => gn.gather(table, indices, axis)]],
  conv2d: [
    gn.conv2d,
    [
      1e-5,
      ([x, w, b], { stride, padding }) => channelsFirst(gn.conv2d(channelsLast(x), kernel(w), b, { stride, padding })),
    ],
  ],
  maxPool2d: [
    gn.maxPool2d,
    [1e-6, ([x], { size, stride }) => channelsFirst(gn.maxPool2d(channelsLast(x), size, { stride }))],
  ],
  avgPool2d: [
    gn.avgPool2d,
    [1e-6, ([x], { size, stride }) => channelsFirst(gn.avgPool2d(channelsLast(x), size, { stride }))],
  ],
  layerNorm: [gn.layerNorm, [1e-5, ([x, scale, offset], { epsilon }) => gn.layerNorm(x, scale, offset, { epsilon })]],
  batchNorm: [gn.batchNorm, [1e-5, ([x, scale, offset], { epsilon }) => gn.batchNorm(x, scale, offset, { epsilon })]],
  lstm: [gn.lstm, [1e-5, ([x, ...weights]) => gn.lstm(x, recurrentWeights(weights)).outputs]],
  gru: [gn.gru, [1e-5, ([x, ...weights]) => gn.gru(x, gruWeights(weights)).outputs]],
  attention: [nn.attention, [1e-5, ([q, k, v]) => nn.attention(q, k, v)]],
  softmaxCrossEntropy: [
    nn.softmaxCrossEntropy,
    [1e-5, ([x, y], { reduction }) => nn.softmaxCrossEntropy(x, y, { reduction })],
  ],
  meanSquaredError: [nn.meanSquaredError, [1e-5, ([x, y], { reduction }) => nn.meanSquaredError(x, y, { reduction })]],
  huber: [nn.huber, [1e-5, ([x, y], { reduction, delta }) => nn.huber(x, y, { reduction, delta })]],
  sigmoidCrossEntropy: [
    nn.sigmoidCrossEntropy,
    [1e-5, ([x, y], { reduction }) => nn.sigmoidCrossEntropy(x, y, { reduction })],
  ],
  mlp: [
    nn.mlp,
    [
      1e-4,
      ([x, y, ...weights], { sizes }) => {
        const model = nn.mlp(sizes);
        const layers = weights.map((weight, i) => ({ weight, bias: gn.zeros([sizes[i + 1]]) }));
        return nn.softmaxCrossEntropy(model.apply({ layers }, x), y);
      },
    ],
  ],
};

export const optimizers: {
  readonly [kind: string]: readonly [unknown, (args: any) => ReturnType<typeof library.optim.sgd>];
} = {
  sgd: [optim.sgd, ({ lr }) => optim.sgd(lr)],
  momentum: [optim.sgd, ({ lr, momentum, dampening }) => optim.sgd(lr, { momentum, dampening })],
  nesterov: [optim.sgd, ({ lr, momentum }) => optim.sgd(lr, { momentum, nesterov: true })],
  adam: [optim.adam, ({ lr, betas: [beta1, beta2], eps }) => optim.adam(lr, { beta1, beta2, epsilon: eps })],
  adamw: [
    optim.adamw,
    ({ lr, betas: [beta1, beta2], eps, weight_decay }) =>
      optim.adamw(lr, { beta1, beta2, epsilon: eps, weightDecay: weight_decay }),
  ],
  rmsprop: [optim.rmsprop, ({ lr, alpha, eps }) => optim.rmsprop(lr, { decay: alpha, epsilon: eps })],
  adagrad: [optim.adagrad, ({ lr, eps }) => optim.adagrad(lr, { epsilon: eps })],
};
