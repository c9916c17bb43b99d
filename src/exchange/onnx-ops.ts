// How each op is written in ONNX, by the name of the op. A further op is a further entry; opset 17.
// Source: onnx/docs/Operators.md.
import type { OpRecord } from "../core/tape.js";
import type { Dimension, OnnxGraph } from "./onnx-graph.js";

/** What an entry is given: the op's record, the names of its inputs, and the output's sizes. */
export interface OnnxContext {
  readonly graph: OnnxGraph;
  readonly record: OpRecord;
  readonly inputs: readonly string[];
  readonly dimensions: readonly Dimension[];
  /** Those of the op's first input. */
  readonly inputDimensions: readonly Dimension[];
  /** A mistake of the user's, as an error that names the op. */
  fail(why: string): never;
}

/** Adds the nodes and gives the name of the result. */
export type OnnxEntry = (context: OnnxContext) => string;

const unary =
  (kind: string, attributes: (a: any) => { [name: string]: number | { float: number } } = () => ({})): OnnxEntry =>
  ({ graph, inputs, record }) =>
    graph.elementwise(inputs[0], (x) => graph.op(kind, [x], attributes(record.attributes)));

const binary =
  (kind: string): OnnxEntry =>
  ({ graph, inputs }) =>
    graph.op(kind, inputs.slice(0, 2));

/** A comparison gives 0 and 1 as floats. */
const comparison =
  (kind: string, negated = false): OnnxEntry =>
  ({ graph, inputs }) => {
    const found = graph.op(kind, inputs.slice(0, 2));
    return graph.op("Cast", [negated ? graph.op("Not", [found]) : found], { to: 1 });
  };

/** Axes are an attribute in opset 17, but for the sum. */
const reduction =
  (kind: string): OnnxEntry =>
  ({ graph, inputs, record: { attributes } }) => {
    const { axes, keepDims } = attributes as { axes: readonly number[]; keepDims: boolean };
    const keepdims = keepDims ? 1 : 0;
    if (axes.length === 0) return graph.op(kind === "ReduceL2" ? "Abs" : "Identity", [inputs[0]]);
    return kind === "ReduceSum"
      ? graph.op(kind, [inputs[0], graph.integers(axes)], { keepdims })
      : graph.op(kind, [inputs[0]], { axes, keepdims });
  };

const extreme =
  (kind: string): OnnxEntry =>
  ({ graph, inputs, record }) =>
    graph.op("Cast", [graph.op(kind, [inputs[0]], { axis: record.attributes, keepdims: 0 })], { to: 6 });

/** A matrix with its last two axes swapped. */
function swapped(graph: OnnxGraph, value: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
  return graph.transpose(value, axes);
}

const matmul: OnnxEntry = ({ graph, inputs, record: { a, b, attributes: form } }) => {
  const [transA, transB] = [form & 1, (form >> 1) & 1];
  if (a.rank === 2 && b!.rank === 2 && form !== 0) return graph.op("Gemm", inputs, { transA, transB });
  return graph.op("MatMul", [
    transA ? swapped(graph, inputs[0], a.rank) : inputs[0],
    transB ? swapped(graph, inputs[1], b!.rank) : inputs[1],
  ]);
};

const linear: OnnxEntry = ({ graph, inputs, record: { a, attributes } }) => {
  let out: string;
  if (a.rank === 2) out = graph.op("Gemm", inputs);
  else {
    out = graph.op("MatMul", inputs.slice(0, 2));
    if (inputs.length > 2) out = graph.op("Add", [out, inputs[2]]);
  }
  return attributes.relu ? graph.op("Relu", [out]) : out;
};

const padded = (size: number, kernel: number, stride: number): [number, number] => {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  return [total >> 1, total - (total >> 1)];
};

const conv2d: OnnxEntry = ({ graph, inputs, record: { a, b, attributes } }) => {
  const { strideY, strideX, padding, activation } = attributes;
  const [kh, kw] = b!.shape;
  const [top, right, bottom, left] =
    padding === "same"
      ? (() => {
          const [up, down] = padded(a.shape[1], kh, strideY);
          const [before, after] = padded(a.shape[2], kw, strideX);
          return [up, after, down, before];
        })()
      : typeof padding === "number"
        ? [padding, padding, padding, padding]
        : padding;
  const weight = graph.transpose(inputs[1], [3, 2, 0, 1]); // [kh, kw, in, out] -> [out, in, kh, kw]
  let out = graph.op("Conv", [graph.channelsFirst(inputs[0]), weight, ...inputs.slice(2)], {
    kernel_shape: [kh, kw],
    strides: [strideY, strideX],
    pads: [top, left, bottom, right],
  });
  if (activation) {
    const name = { relu: "Relu", sigmoid: "Sigmoid", tanh: "Tanh" }[activation as string];
    if (name === undefined)
      throw new TypeError(
        `toONNX: conv2d with the activation ${activation} has no ONNX form. Use relu, sigmoid or tanh`,
      );
    out = graph.op(name, [out]);
  }
  return graph.channelsLast(out);
};

const pool =
  (kind: string): OnnxEntry =>
  ({ graph, inputs, record: { attributes } }) => {
    const { size, stride, padding = [0, 0] } = attributes;
    return graph.channelsLast(
      graph.op(kind, [graph.channelsFirst(inputs[0])], {
        kernel_shape: size,
        strides: stride,
        pads: [...padding, ...padding],
        ...(kind === "AveragePool" ? { count_include_pad: 1 } : {}),
      }),
    );
  };

const slice: OnnxEntry = ({ graph, inputs, record: { a, attributes }, dimensions, inputDimensions, fail }) => {
  const { start, size } = attributes as { start: readonly number[]; size: readonly number[] };
  const axes = a.shape.flatMap((n, d) => (start[d] === 0 && size[d] === n ? [] : [d]));
  if (axes.length === 0) return inputs[0];
  const ends = axes.map((d) => {
    if (inputDimensions[d].batches === 0) return start[d] + size[d];
    // up to the end of the batch, or as far in every batch
    if (start[d] + size[d] === a.shape[d] && dimensions[d].batches !== 0) return 2 ** 53 - 1;
    if (dimensions[d].batches === 0) return start[d] + size[d];
    return fail("cuts a part of the batch that depends on its size");
  });
  return graph.op("Slice", [
    inputs[0],
    graph.integers(axes.map((d) => start[d])),
    graph.integers(ends),
    graph.integers(axes),
  ]);
};

const pad: OnnxEntry = ({ graph, inputs, record: { attributes } }) => {
  const { padding, value } = attributes as { padding: readonly (readonly [number, number])[]; value: number };
  const pads = graph.integers([...padding.map(([before]) => before), ...padding.map(([, after]) => after)]);
  return graph.op("Pad", [inputs[0], pads, graph.scalar(value)]);
};

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);

/** x - mean, mean and biased variance of every feature, over all axes but the last. */
function statistics(graph: OnnxGraph, x: string, rank: number): { centred: string; mean: string; variance: string } {
  const axes = range(0, rank - 2);
  const mean = graph.op("ReduceMean", [x], { axes, keepdims: 0 });
  const centred = graph.op("Sub", [x, mean]);
  const variance = graph.op("ReduceMean", [graph.op("Mul", [centred, centred])], { axes, keepdims: 0 });
  return { centred, mean, variance };
}

const batchStatistics: OnnxEntry = ({ graph, inputs, record: { a } }) => {
  const { mean, variance } = statistics(graph, inputs[0], a.rank);
  const rows = [mean, variance].map((value) => graph.op("Unsqueeze", [value, graph.integers([0])]));
  return graph.op("Concat", rows, { axis: 0 });
};

/** (x - mean) / sqrt(variance + epsilon) scale + offset, with the batch's own statistics or those given. */
const batchNorm: OnnxEntry = ({ graph, inputs, record: { a, attributes: epsilon } }) => {
  const [x, scale, offset, mean, given] = inputs;
  const own = given === undefined ? statistics(graph, x, a.rank) : undefined;
  const centred = own?.centred ?? graph.op("Sub", [x, mean]);
  const shifted = graph.op("Add", [own?.variance ?? given, graph.scalar(epsilon)]);
  const factor = graph.op("Div", [scale, graph.op("Sqrt", [shifted])]);
  return graph.op("Add", [graph.op("Mul", [centred, factor]), offset]);
};

const layerNorm: OnnxEntry = ({ graph, inputs, record: { attributes: epsilon } }) =>
  graph.op("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } });

const same: OnnxEntry = ({ inputs }) => inputs[0];

/** One entry per op, by its name. */
export const onnxEntries: { readonly [op: string]: OnnxEntry } = {
  constant: ({ graph, record }) => graph.scalar(record.attributes as number),
  // one input, element by element
  abs: unary("Abs"),
  ceil: unary("Ceil"),
  cos: unary("Cos"),
  elu: unary("Elu", (alpha: number) => ({ alpha: { float: alpha ?? 1 } })),
  exp: unary("Exp"),
  floor: unary("Floor"),
  leakyRelu: unary("LeakyRelu", (slope: number) => ({ alpha: { float: slope ?? 0.01 } })),
  log: unary("Log"),
  neg: unary("Neg"),
  reciprocal: unary("Reciprocal"),
  relu: unary("Relu"),
  sigmoid: unary("Sigmoid"),
  sin: unary("Sin"),
  softplus: unary("Softplus"),
  sqrt: unary("Sqrt"),
  tanh: unary("Tanh"),
  clip: ({ graph, inputs, record: { attributes } }) => {
    const { min, max } = attributes as { min: number; max: number };
    return graph.elementwise(inputs[0], (x) => graph.op("Clip", [x, graph.scalar(min), graph.scalar(max)]));
  },
  gelu: ({ graph, inputs }) =>
    // x/2 (1 + erf(x / sqrt 2))
    graph.elementwise(inputs[0], (x) => {
      const erf = graph.op("Erf", [graph.op("Mul", [x, graph.scalar(Math.SQRT1_2)])]);
      return graph.op("Mul", [graph.op("Mul", [x, graph.scalar(0.5)]), graph.op("Add", [erf, graph.scalar(1)])]);
    }),
  rsqrt: ({ graph, inputs }) => graph.elementwise(inputs[0], (x) => graph.op("Reciprocal", [graph.op("Sqrt", [x])])),
  silu: ({ graph, inputs }) => graph.elementwise(inputs[0], (x) => graph.op("Mul", [x, graph.op("Sigmoid", [x])])),
  square: ({ graph, inputs }) => graph.elementwise(inputs[0], (x) => graph.op("Mul", [x, x])),
  stopGradient: same,
  customGrad: same, // its forward pass is on the tape, op by op
  // two inputs that broadcast
  add: binary("Add"),
  sub: binary("Sub"),
  mul: binary("Mul"),
  div: binary("Div"),
  maximum: binary("Max"),
  minimum: binary("Min"),
  pow: binary("Pow"),
  equal: comparison("Equal"),
  notEqual: comparison("Equal", true),
  less: comparison("Less"),
  lessEqual: comparison("LessOrEqual"),
  greater: comparison("Greater"),
  greaterEqual: comparison("GreaterOrEqual"),
  where: ({ graph, inputs: [condition, a, b] }) => graph.op("Where", [graph.op("Cast", [condition], { to: 9 }), a, b]),
  lerp: ({ graph, inputs: [a, b, t] }) => graph.op("Add", [a, graph.op("Mul", [t, graph.op("Sub", [b, a])])]),
  // along axes
  sum: reduction("ReduceSum"),
  mean: reduction("ReduceMean"),
  max: reduction("ReduceMax"),
  min: reduction("ReduceMin"),
  norm: reduction("ReduceL2"),
  logSumExp: reduction("ReduceLogSumExp"),
  prod: ({ graph, inputs, record: { attributes } }) => {
    const axes = range(attributes.first, attributes.last);
    return axes.length === 0 ? inputs[0] : graph.op("ReduceProd", [inputs[0]], { axes, keepdims: 1 });
  },
  argMax: extreme("ArgMax"),
  argMin: extreme("ArgMin"),
  cumsum: ({ graph, inputs, record }) => graph.op("CumSum", [inputs[0], graph.integer(record.attributes)]),
  softmax: ({ graph, inputs }) => graph.op("Softmax", [inputs[0]], { axis: -1 }),
  logSoftmax: ({ graph, inputs, record }) => graph.op("LogSoftmax", [inputs[0]], { axis: record.attributes ?? -1 }),
  layerNorm,
  batchNorm,
  batchStatistics,
  // products
  matmul,
  linear,
  conv2d,
  maxPool2d: pool("MaxPool"),
  avgPool2d: pool("AveragePool"),
  // elsewhere
  reshape: ({ graph, inputs, dimensions }) => graph.reshape(inputs[0], dimensions),
  transpose: ({ graph, inputs, record }) => graph.transpose(inputs[0], record.attributes),
  slice,
  pad,
  concat: ({ graph, inputs, record }) => graph.op("Concat", inputs, { axis: record.attributes }),
  stack: ({ graph, inputs, record }) =>
    graph.op(
      "Concat",
      inputs.map((x) => graph.op("Unsqueeze", [x, graph.integers([record.attributes])])),
      { axis: record.attributes },
    ),
  broadcastTo: ({ graph, inputs, dimensions }) => graph.op("Expand", [inputs[0], graph.shape(dimensions)]),
  gather: ({ graph, inputs, record }) => graph.op("Gather", inputs, { axis: record.attributes }),
  takeAlongAxis: ({ graph, inputs, record }) => graph.op("GatherElements", inputs, { axis: record.attributes }),
  oneHot: ({ graph, inputs, record }) => {
    const values = graph.constant(`oneHot_${record.attributes}`, Float32Array.of(0, 1), [2]);
    const indices = graph.op("Cast", [inputs[0]], { to: 7 }); // onnxruntime has no kernel for int32 beside an int64 depth
    return graph.op("OneHot", [indices, graph.integer(record.attributes), values], { axis: -1 });
  },
};
