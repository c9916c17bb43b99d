// Losses and accuracy in ONNX, of its simplest ops: not every runtime has SoftmaxCrossEntropyLoss.
import type { TapeRecord } from "../core/record.js";
import type { softmaxCrossEntropyRowsOp } from "../ops/loss/softmax.js";
import { entry } from "./entry.js";
import type { OnnxGraph } from "./graph.js";

/** The mean over all rows, where the op has taken it: an op that has not has a result per label. */
const meanOf = (graph: OnnxGraph, losses: string, { operands, output }: TapeRecord): string =>
  output.rank < operands[1].rank ? graph.op("ReduceMean", [losses], { keepdims: 0 }) : losses;

/** -log softmax(x)[label], times the mask; where that is 0 label and x may be anything. */
const softmaxCrossEntropy = entry<typeof softmaxCrossEntropyRowsOp>(3, "nothing", ({ graph, named, record }) => {
  const { logits: x, labels, mask } = named;
  const out = mask && graph.op("Equal", [mask, graph.scalar(0)]);
  const safe = out ? graph.op("Where", [out, graph.scalar(0, "int32"), labels]) : labels;
  const rows = graph.op("LogSoftmax", [x], { axis: -1 });
  const at = graph.op("Unsqueeze", [safe, graph.integers([-1])]);
  const picked = graph.op("Squeeze", [graph.op("GatherElements", [rows, at], { axis: -1 }), graph.integers([-1])]);
  const losses = graph.op("Neg", [picked]);
  if (!out) return meanOf(graph, losses, record);
  return meanOf(graph, graph.op("Mul", [graph.op("Where", [out, graph.scalar(0), losses]), mask]), record);
});

const accuracy = entry(2, "nothing", ({ graph, inputs: [x, labels], record }) => {
  const best = graph.op("ArgMax", [x], { axis: -1, keepdims: 0 });
  const found = graph.op("Equal", [best, graph.op("Cast", [labels], { to: 7 })]);
  return meanOf(graph, graph.op("Cast", [found], { to: 1 }), record);
});

/** max(x, 0) - x t + log(1 + e^-|x|) */
const sigmoidCrossEntropy = entry(2, "nothing", ({ graph, inputs: [x, t] }) => {
  const tail = graph.op("Softplus", [graph.op("Neg", [graph.op("Abs", [x])])]);
  return graph.op("Add", [graph.op("Sub", [graph.op("Relu", [x]), graph.op("Mul", [x, t])]), tail]);
});

const keep = entry(2, "nothing", ({ graph, inputs: [x, mask] }) =>
  graph.op("Where", [graph.op("Cast", [mask], { to: 9 }), x, graph.scalar(0)]),
);

export const lossEntries = { softmaxCrossEntropy, accuracy, sigmoidCrossEntropy, keep };
