// Recurrent layers in ONNX: LSTM, GRU and RNN over [time, batch, nIn]. Their weights are ours transposed, a block of rows a
// gate, in another order: LSTM i, o, f, c (ours i, f, g, o), GRU z, r, h (ours r, z, n, with the second bias inside the
// product that the reset gate scales: linear_before_reset).
// Source: onnx/docs/Operators.md; gates of ours: ops/recurrent.ts.
import { showShape } from "../base/shape.js";
import { entry, type OnnxContext, type OnnxEntry } from "./entry.js";
import type { Dimension } from "./graph.js";

interface Layer {
  readonly kind: "LSTM" | "GRU" | "RNN";
  /** Our gate for each of ONNX's. */
  readonly gates: readonly number[];
  /** Names of the op's inputs behind x and the weights. */
  readonly biases: 1 | 2;
  readonly states: 1 | 2;
}

const fixed = (size: number): Dimension => ({ size, batches: 0, extra: size });
const plus = ({ size, batches, extra }: Dimension, more: number): Dimension => ({
  size: size + more,
  batches,
  extra: extra + more,
});

function write({ kind, gates, biases, states }: Layer, context: OnnxContext): string {
  const { graph, inputs, record } = context;
  const hidden = record.inputs[2].shape[0];
  const [time, batch] = context.inputDimensions(0);
  const given = inputs.length - 3 - biases;
  const strange = record.inputs.slice(3 + biases).find((t) => t.rank !== 2 || t.dtype !== "float32");
  if ((given !== 0 && given !== states) || strange)
    throw new TypeError(
      `toONNX: ${record.op.name} with ${given} inputs behind its weights${strange ? `, one of them ${strange.dtype} ${showShape(strange.shape)}` : ""} has no ONNX form here: it takes an initial state or none. Export the function without them`,
    );
  const order = gates.flatMap((gate) => Array.from({ length: hidden }, (_, j) => gate * hidden + j));
  const weight = (value: string): string => graph.leading(graph.transpose(graph.columns(value, order), [1, 0]));
  const [x, inputWeight, hiddenWeight, bias] = inputs;
  const second = biases === 2 ? [graph.zeros(2 * hidden), inputs[4]] : [graph.zeros(order.length)];
  const both = graph.leading(graph.joined([graph.columns(bias, order), ...second]));
  const zeros = (): string => graph.op("Expand", [graph.scalar(0), graph.shape([fixed(1), batch, fixed(hidden)])]);
  const initial = inputs.slice(3 + biases).map((state) => graph.leading(state));
  const [all, ...last] = graph.ops(
    kind,
    // "" stands for the lengths of the sequences, which are all the same
    [x, weight(inputWeight), weight(hiddenWeight), both, ...(given > 0 ? ["", ...initial] : [])],
    { hidden_size: hidden, ...(kind === "GRU" ? { linear_before_reset: 1 } : {}) },
    1 + states,
  );
  // the op's rows: the initial state, the state after every step, for the LSTM the last cell state
  const end = plus(time, 1);
  return graph.concatRows(
    [
      { value: initial[0] ?? zeros(), start: fixed(0), end: fixed(1) },
      { value: graph.op("Squeeze", [all, graph.integers([1])]), start: fixed(1), end },
      ...(states === 2 ? [{ value: last[1], start: end, end: plus(end, 1) }] : []),
    ],
    [{ value: last[0], start: time, end }],
  );
}

const layer = (form: Layer): OnnxEntry =>
  entry(3 + form.biases + form.states, "nothing", (context) => write(form, context));

export const recurrentEntries = {
  lstm: layer({ kind: "LSTM", gates: [0, 3, 1, 2], biases: 1, states: 2 }),
  gru: layer({ kind: "GRU", gates: [1, 0, 2], biases: 2, states: 1 }),
  simpleRnn: layer({ kind: "RNN", gates: [0], biases: 1, states: 1 }),
};
