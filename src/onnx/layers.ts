// Products, convolutions, pooling and normalisation in ONNX. Images go channels first there.
// Source: onnx/docs/Operators.md.
import type { ConvActivation, conv2dOp } from "../ops/image/conv.js";
import type { linearOp } from "../ops/product/matmul.js";
import type { normaliseOp } from "../ops/reduce/normalise.js";
import { entry, type OnnxEntry } from "./entry.js";
import type { OnnxGraph } from "./graph.js";

/** A matrix with its last two axes swapped. */
function swapped(graph: OnnxGraph, value: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
  return graph.transpose(value, axes);
}

const matmul = entry(2, "number", ({ graph, inputs, record: { operands, attributes: form } }) => {
  const [a, b] = operands.map(({ rank }) => rank);
  const [transA, transB] = [form & 1, (form >> 1) & 1];
  if (a === 2 && b === 2 && form !== 0) return graph.op("Gemm", inputs, { transA, transB });
  return graph.op("MatMul", [
    transA ? swapped(graph, inputs[0], a) : inputs[0],
    transB ? swapped(graph, inputs[1], b) : inputs[1],
  ]);
});

const linear = entry<typeof linearOp>(3, ["relu"], ({ graph, inputs, named, record: { operands, attributes } }) => {
  const { x, weight, bias } = named;
  let out: string;
  if (operands[0].rank === 2) out = graph.op("Gemm", inputs);
  else {
    out = graph.op("MatMul", [x, weight]);
    if (bias) out = graph.op("Add", [out, bias]);
  }
  return attributes.relu ? graph.op("Relu", [out]) : out;
});

/** 1.2 sigmoid(x) - 0.1 cut to 0..1. */
export function saturatingSigmoid(graph: OnnxGraph, x: string): string {
  const scaled = graph.op("Mul", [graph.op("Sigmoid", [x]), graph.scalar(1.2)]);
  const shifted = graph.op("Sub", [scaled, graph.scalar(0.1)]);
  return graph.op("Clip", [shifted, graph.scalar(0), graph.scalar(1)]);
}

/** 1.1 tanh(x) cut to -1..1. */
export function saturatingTanh(graph: OnnxGraph, x: string): string {
  const scaled = graph.op("Mul", [graph.op("Tanh", [x]), graph.scalar(1.1)]);
  return graph.op("Clip", [scaled, graph.scalar(-1), graph.scalar(1)]);
}

const activations: { readonly [name in ConvActivation]: (graph: OnnxGraph, x: string) => string } = {
  relu: (graph, x) => graph.op("Relu", [x]),
  sigmoid: (graph, x) => graph.op("Sigmoid", [x]),
  tanh: (graph, x) => graph.op("Tanh", [x]),
  saturatingSigmoid,
  saturatingTanh,
};

const samePadding = (size: number, kernel: number, stride: number): [before: number, after: number] => {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  return [total >> 1, total - (total >> 1)];
};

const conv2d = entry<typeof conv2dOp>(3, ["strideY", "strideX", "padding", "activation"], (context) => {
  const { graph, named, record, inputDimensions, fail } = context;
  const { x, weight } = record.inputs;
  const { strideY, strideX, padding, activation } = record.attributes;
  const [kh, kw] = weight.shape;
  let pads: readonly number[];
  if (padding === "same") {
    const strides = [strideY, strideX];
    // with a stride, what "same" adds depends on the size
    if (strides.some((stride, d) => stride > 1 && inputDimensions(0)[d + 1].batches !== 0))
      fail('pads images "same" whose size depends on the batch');
    const [[top, bottom], [left, right]] = strides.map((s, d) => samePadding(x.shape[d + 1], weight.shape[d], s));
    pads = [top, left, bottom, right];
  } else {
    const [top, right, bottom, left] = typeof padding === "number" ? Array<number>(4).fill(padding) : padding;
    pads = [top, left, bottom, right];
  }
  const turned = graph.transpose(named.weight, [3, 2, 0, 1]); // [kh, kw, in, out] -> [out, in, kh, kw]
  let out = graph.op("Conv", [graph.channelsFirst(named.x), turned, ...(named.bias ? [named.bias] : [])], {
    kernel_shape: [kh, kw],
    strides: [strideY, strideX],
    pads,
  });
  if (activation !== undefined) {
    if (!Object.hasOwn(activations, activation))
      throw new TypeError(
        `toONNX: conv2d with the activation ${activation} has no ONNX form here. Apply the activation to the result`,
      );
    out = activations[activation as ConvActivation](graph, out);
  }
  return graph.channelsLast(out);
});

const pool = (kind: "MaxPool" | "AveragePool"): OnnxEntry =>
  entry(1, ["size", "stride", "padding"], ({ graph, inputs, record: { attributes } }) => {
    const { size, stride, padding = [0, 0] } = attributes;
    return graph.channelsLast(
      graph.op(kind, [graph.channelsFirst(inputs[0])], {
        kernel_shape: size,
        strides: stride,
        pads: [...padding, ...padding],
        ...(kind === "AveragePool" ? { count_include_pad: 1 } : {}),
      }),
    );
  });

/** x - mean, mean and biased variance of every feature, over all axes but the last. */
function statistics(graph: OnnxGraph, x: string, rank: number): { centred: string; mean: string; variance: string } {
  const axes = Array.from({ length: rank - 1 }, (_, d) => d);
  // without axes ONNX reduces all of them
  if (rank === 1) return { centred: graph.op("Sub", [x, x]), mean: x, variance: graph.op("Sub", [x, x]) };
  const mean = graph.op("ReduceMean", [x], { axes, keepdims: 0 });
  const centred = graph.op("Sub", [x, mean]);
  const variance = graph.op("ReduceMean", [graph.op("Mul", [centred, centred])], { axes, keepdims: 0 });
  return { centred, mean, variance };
}

const batchStatistics = entry(1, "nothing", ({ graph, inputs, record }) => {
  const { mean, variance } = statistics(graph, inputs[0], record.operands[0].rank);
  const rows = [mean, variance].map((value) => graph.op("Unsqueeze", [value, graph.integers([0])]));
  return graph.op("Concat", rows, { axis: 0 });
});

/** (x - mean) / sqrt(variance + epsilon) scale + offset, with the batch's own statistics or those given. */
const batchNorm = entry<typeof normaliseOp>(5, "number", ({ graph, named, record }) => {
  const { operands, attributes: epsilon } = record;
  const { x, scale, offset, mean, variance: given } = named;
  const own = given === undefined ? statistics(graph, x, operands[0].rank) : undefined;
  const centred = own?.centred ?? graph.op("Sub", [x, mean]);
  const shifted = graph.op("Add", [own?.variance ?? given, graph.scalar(epsilon)]);
  const factor = graph.op("Div", [scale, graph.op("Sqrt", [shifted])]);
  return graph.op("Add", [graph.op("Mul", [centred, factor]), offset]);
});

const layerNorm = entry(3, "number", ({ graph, inputs, record: { attributes: epsilon } }) =>
  graph.op("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } }),
);

export const layerEntries = {
  matmul,
  linear,
  conv2d,
  maxPool2d: pool("MaxPool"),
  avgPool2d: pool("AveragePool"),
  layerNorm,
  batchNorm,
  batchStatistics,
};
