// How each op is written in ONNX, by the name of the op. A further op is a further entry; opset 17.
// Source: onnx/docs/Operators.md.
import type * as custom from "../autodiff/custom.js";
import type * as unrolling from "../autodiff/unroll.js";
import type { Op } from "../core/op.js";
import type { DataType } from "../core/tensor.js";
import type * as ops from "../ops/all.js";
import { entry, type OnnxContext, type OnnxEntry } from "./entry.js";
import { sameDimension } from "./graph.js";
import { layerEntries, saturatingSigmoid, saturatingTanh } from "./layers.js";
import { lossEntries } from "./losses.js";
import { recurrentEntries } from "./recurrent.js";

const ANY = Number.POSITIVE_INFINITY; // as many inputs as there are

const unary = (kind: string): OnnxEntry =>
  entry(1, "nothing", ({ graph, inputs }) => graph.elementwise(inputs[0], (x) => graph.op(kind, [x])));

/** Its one attribute is a number called alpha in ONNX. */
const withAlpha = (kind: string): OnnxEntry =>
  entry(1, "number", ({ graph, inputs, record: { attributes } }) =>
    graph.elementwise(inputs[0], (x) => graph.op(kind, [x], { alpha: { float: attributes } })),
  );

const binary = (kind: string): OnnxEntry => entry(2, "nothing", ({ graph, inputs }) => graph.op(kind, inputs));

/** A comparison gives 0 and 1 as floats; of an int32 and a float, both are floats. */
const comparison = (kind: string, negated = false): OnnxEntry =>
  entry(2, "nothing", ({ graph, inputs, record }) => {
    const types = record.operands.map(({ dtype }) => dtype);
    const operands = inputs.map((x, i) =>
      types[0] !== types[1] && types[i] === "int32" ? graph.op("Cast", [x], { to: 1 }) : x,
    );
    const found = graph.op(kind, operands);
    return graph.op("Cast", [negated ? graph.op("Not", [found]) : found], { to: 1 });
  });

/** Axes are an attribute in opset 17, but for the sum. */
const reduction = (kind: string): OnnxEntry =>
  entry(1, ["axes", "keepDims"], ({ graph, inputs, record: { attributes } }) => {
    const { axes, keepDims } = attributes as { axes: readonly number[]; keepDims: boolean };
    const keepdims = keepDims ? 1 : 0;
    // without axes ONNX reduces all of them
    if (axes.length === 0) return inputs[0];
    return kind === "ReduceSum"
      ? graph.op(kind, [inputs[0], graph.integers(axes)], { keepdims })
      : graph.op(kind, [inputs[0]], { axes, keepdims });
  });

/** largest |x| times the norm of x / largest |x|: a square may be outside of the floats where the norm is not. */
const norm = entry(1, ["axes", "keepDims"], (context) => {
  const {
    graph,
    inputs: [x],
    record: { operands, attributes },
  } = context;
  const { axes, keepDims } = attributes as { axes: readonly number[]; keepDims: boolean };
  const size = graph.op("Abs", [x]);
  if (axes.length === 0) return size;
  // of nothing there is no largest
  if (axes.some((d) => operands[0].shape[d] === 0))
    return graph.op("ReduceL2", [x], { axes, keepdims: keepDims ? 1 : 0 });
  const largest = graph.op("ReduceMax", [size], { axes, keepdims: 1 });
  const unit = graph.op("Clip", [largest, graph.scalar(2 ** -100), graph.scalar(2 ** 127)]);
  const scaled = graph.op("ReduceL2", [graph.op("Div", [x, unit])], { axes, keepdims: 1 });
  const out = graph.op("Mul", [scaled, unit]);
  return keepDims ? out : graph.op("Squeeze", [out, graph.integers(axes)]);
});

const extreme = (kind: string): OnnxEntry =>
  entry(1, "number", ({ graph, inputs, record }) =>
    graph.op("Cast", [graph.op(kind, [inputs[0]], { axis: record.attributes, keepdims: 0 })], { to: 6 }),
  );

const FAR = 2 ** 53 - 1; // behind every end
const far = { size: FAR, batches: 0, extra: FAR };

const slice = entry(1, ["start", "size"], ({ graph, inputs, inputDimensions, follow }) => {
  const whole = inputDimensions(0);
  const starts = follow("start", ({ attributes: { start } }) => start);
  const ends = follow("end", ({ attributes: { start, size } }) =>
    start.map((from: number, d: number) => from + size[d]),
  );
  const toEnd = ends.map((end, d) => sameDimension(end, whole[d]));
  const fromStart = starts.map(({ batches, extra }) => batches === 0 && extra === 0);
  const axes = whole.flatMap((_, d) => (fromStart[d] && toEnd[d] ? [] : [d]));
  if (axes.length === 0) return inputs[0];
  const part = axes.length === 1 && axes[0] === 0 ? graph.rowsOf(inputs[0], starts[0], ends[0]) : undefined;
  return (
    part ??
    graph.op("Slice", [
      inputs[0],
      graph.shape(axes.map((d) => starts[d])),
      graph.shape(axes.map((d) => (toEnd[d] ? far : ends[d]))),
      graph.integers(axes),
    ])
  );
});

const reverse = entry(1, "number", ({ graph, inputs, record }) =>
  graph.op("Slice", [
    inputs[0],
    graph.integers([-1]),
    graph.integers([-FAR]),
    graph.integers([record.attributes]),
    graph.integers([-1]),
  ]),
);

const pad = entry(1, ["padding", "value"], ({ graph, inputs, record: { attributes, output } }) => {
  const { padding, value } = attributes as { padding: readonly (readonly [number, number])[]; value: number };
  const pads = graph.integers([...padding.map(([before]) => before), ...padding.map(([, after]) => after)]);
  return graph.op("Pad", [inputs[0], pads, graph.scalar(value, output.dtype as DataType)]);
});

/** Neighbouring axes first..last, which stay with size 1. */
const prod = entry(1, ["first", "last"], ({ graph, inputs, record: { attributes } }) => {
  const { first, last } = attributes as { first: number; last: number };
  const axes = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  return axes.length === 0 ? inputs[0] : graph.op("ReduceProd", [inputs[0]], { axes, keepdims: 1 });
});

const oneHot = entry(1, "number", ({ graph, inputs, record }) => {
  const values = graph.constant(Float32Array.of(0, 1), [2]);
  const indices = graph.op("Cast", [inputs[0]], { to: 7 }); // onnxruntime has no kernel for int32 beside an int64 depth
  return graph.op("OneHot", [indices, graph.integer(record.attributes), values], { axis: -1 });
});

/** Equal indices add up: that is what the reduction is for. */
const scatterAdd = entry<typeof ops.scatterAddOp>(3, "nothing", ({ graph, named: { x, indices, updates } }) => {
  const at = graph.op("Unsqueeze", [graph.op("Cast", [indices], { to: 7 }), graph.integers([-1])]);
  return graph.op("ScatterND", [x, at, updates], { reduction: "add" });
});

const dropout = entry(1, ["key", "rate"], ({ inputs, record: { attributes } }) => {
  if (attributes.rate === 0) return inputs[0];
  throw new TypeError(
    "toONNX: dropout draws anew at every call. Export what the model does when it is used: model.apply(params, x) without a training context",
  );
});

const axisOf = ({ record }: OnnxContext): { axis: number } => ({ axis: record.attributes });

const same = ({ inputs }: OnnxContext): string => inputs[0];

type NamesOf<M> = { [K in keyof M]: M[K] extends Op<any, any, any, infer N> ? N : never }[keyof M];
/** What the ops are called that a tape may hold. */
type OpName = "constant" | NamesOf<typeof ops> | NamesOf<typeof custom> | NamesOf<typeof unrolling>;

const TRAINING = "It saves memory in training only:";
/** The ops that have no form, with what there is to do instead. */
export const refusals = {
  cut: "Sequences have no lengths of their own there: leave out the option lengths",
  recompute: `${TRAINING} call the function itself`,
  unroll: `${TRAINING} leave out the option recompute`,
  toBits: `${TRAINING} leave out the option recompute`,
  fromBits: `${TRAINING} leave out the option recompute`,
} satisfies { readonly [op in OpName]?: string };

/** One entry per op, by its name: the type asks for every op that is not refused. */
export const onnxEntries = {
  cast: entry(1, "nothing", ({ graph, inputs, record: { output } }) =>
    graph.op("Cast", [inputs[0]], { to: output.dtype === "int32" ? 6 : 1 }),
  ),
  constant: entry(0, "number", ({ graph, record }) => graph.scalar(record.attributes)),
  // one input, element by element
  abs: unary("Abs"),
  cos: unary("Cos"),
  elu: withAlpha("Elu"),
  exp: unary("Exp"),
  leakyRelu: withAlpha("LeakyRelu"),
  log: unary("Log"),
  neg: unary("Neg"),
  reciprocal: unary("Reciprocal"),
  relu: unary("Relu"),
  sigmoid: unary("Sigmoid"),
  sin: unary("Sin"),
  softplus: unary("Softplus"),
  sqrt: unary("Sqrt"),
  tanh: unary("Tanh"),
  clip: entry(1, ["min", "max"], ({ graph, inputs, record: { attributes } }) =>
    graph.elementwise(inputs[0], (x) =>
      graph.op("Clip", [x, graph.scalar(attributes.min), graph.scalar(attributes.max)]),
    ),
  ),
  gelu: entry(1, "nothing", ({ graph, inputs }) =>
    // x/2 (1 + erf(x / sqrt 2))
    graph.elementwise(inputs[0], (x) => {
      const erf = graph.op("Erf", [graph.op("Mul", [x, graph.scalar(Math.SQRT1_2)])]);
      return graph.op("Mul", [graph.op("Mul", [x, graph.scalar(0.5)]), graph.op("Add", [erf, graph.scalar(1)])]);
    }),
  ),
  rsqrt: entry(1, "nothing", ({ graph, inputs }) =>
    graph.elementwise(inputs[0], (x) => graph.op("Reciprocal", [graph.op("Sqrt", [x])])),
  ),
  silu: entry(1, "nothing", ({ graph, inputs }) =>
    graph.elementwise(inputs[0], (x) => graph.op("Mul", [x, graph.op("Sigmoid", [x])])),
  ),
  square: entry(1, "nothing", ({ graph, inputs }) => graph.elementwise(inputs[0], (x) => graph.op("Mul", [x, x]))),
  saturatingSigmoid: entry(1, "nothing", ({ graph, inputs }) =>
    graph.elementwise(inputs[0], (x) => saturatingSigmoid(graph, x)),
  ),
  saturatingTanh: entry(1, "nothing", ({ graph, inputs }) =>
    graph.elementwise(inputs[0], (x) => saturatingTanh(graph, x)),
  ),
  dropout,
  stopGradient: entry(1, "nothing", same),
  customGrad: entry(ANY, ["backward"], same), // its forward pass is on the tape, op by op
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
  where: entry<typeof ops.whereOp>(3, "nothing", ({ graph, named: { condition, a, b } }) =>
    graph.op("Where", [graph.op("Cast", [condition], { to: 9 }), a, b]),
  ),
  lerp: entry<typeof ops.lerpOp>(3, "nothing", ({ graph, named: { a, b, t } }) =>
    graph.op("Add", [a, graph.op("Mul", [t, graph.op("Sub", [b, a])])]),
  ),
  // along axes
  sum: reduction("ReduceSum"),
  mean: reduction("ReduceMean"),
  max: reduction("ReduceMax"),
  min: reduction("ReduceMin"),
  norm,
  logSumExp: reduction("ReduceLogSumExp"),
  prod,
  argMax: extreme("ArgMax"),
  argMin: extreme("ArgMin"),
  cumsum: entry(1, "number", ({ graph, inputs, record }) =>
    graph.op("CumSum", [inputs[0], graph.integer(record.attributes)]),
  ),
  softmax: entry(1, "nothing", ({ graph, inputs }) => graph.op("Softmax", [inputs[0]], { axis: -1 })),
  logSoftmax: entry(1, "number", (context) => context.graph.op("LogSoftmax", context.inputs, axisOf(context))),
  // elsewhere
  reshape: entry(1, "numbers", ({ graph, inputs, dimensions }) => graph.reshape(inputs[0], dimensions)),
  transpose: entry(1, "numbers", ({ graph, inputs, record }) => graph.transpose(inputs[0], record.attributes)),
  slice,
  reverse,
  pad,
  concat: entry(ANY, "number", (context) => context.graph.op("Concat", context.inputs, axisOf(context))),
  stack: entry(ANY, "number", (context) => {
    const { graph, inputs, record } = context;
    const parts = inputs.map((x) => graph.op("Unsqueeze", [x, graph.integers([record.attributes])]));
    return graph.op("Concat", parts, axisOf(context));
  }),
  broadcastTo: entry(1, "numbers", ({ graph, inputs, dimensions }) =>
    graph.op("Expand", [inputs[0], graph.shape(dimensions)]),
  ),
  gather: entry(2, "number", (context) => context.graph.op("Gather", context.inputs, axisOf(context))),
  takeAlongAxis: entry(2, "number", (context) => context.graph.op("GatherElements", context.inputs, axisOf(context))),
  oneHot,
  scatterAdd,
  ...layerEntries,
  ...lossEntries,
  ...recurrentEntries,
} satisfies { readonly [op in Exclude<OpName, keyof typeof refusals>]: OnnxEntry };
