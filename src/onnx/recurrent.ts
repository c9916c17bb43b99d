// Recurrent layers in ONNX: LSTM, GRU and RNN over [time, batch, nIn]. Their weights are ours transposed, a block of rows a
// gate, in another order: LSTM i, o, f, c (ours i, f, g, o), GRU z, r, h (ours r, z, n, with the second bias inside the
// product that the reset gate scales: linear_before_reset).
// Source: onnx/docs/Operators.md; gates of ours: ops/sequence.
import type { Op } from "../core/op.js";
import type { lstmOp } from "../ops/sequence/layers.js";
import { entry, type OnnxContext, type OnnxEntry } from "./entry.js";
import type { Dimension } from "./graph.js";

interface Layer {
  readonly kind: "LSTM" | "GRU" | "RNN";
  /** Our gate for each of ONNX's. */
  readonly gates: readonly number[];
  /** How many there are: with c, and with hiddenBias, one more. */
  readonly states: 1 | 2;
  readonly biases: 1 | 2;
}

/** An op with the operands of all three. */
type Recurrent = Op<any, any, (typeof lstmOp)["inputs"] & { readonly hiddenBias: "any?" }>;

const fixed = (size: number): Dimension => ({ size, batches: 0, extra: size });
const plus = ({ size, batches, extra }: Dimension, more: number): Dimension => ({
  size: size + more,
  batches,
  extra: extra + more,
});

function write({ kind, gates, states }: Layer, context: OnnxContext<Recurrent>): string {
  const { graph, named, record } = context;
  const hidden = record.inputs.hiddenWeight.shape[0];
  const [time, batch] = context.inputDimensions(0);
  const { x, inputWeight, hiddenWeight, bias, hiddenBias, h, c, lengths } = named;
  if (lengths)
    throw new TypeError(`toONNX: ${record.op.name} with lengths has no ONNX form here. Export the function without it`);
  const order = gates.flatMap((gate) => Array.from({ length: hidden }, (_, j) => gate * hidden + j));
  const weight = (value: string): string => graph.leading(graph.transpose(graph.columns(value, order), [1, 0]));
  const second = hiddenBias ? [graph.zeros(2 * hidden), hiddenBias] : [graph.zeros(order.length)];
  const both = graph.leading(graph.joined([graph.columns(bias, order), ...second]));
  const zeros = (): string => graph.op("Expand", [graph.scalar(0), graph.shape([fixed(1), batch, fixed(hidden)])]);
  const initial = [h, c].flatMap((state) => (state ? [graph.leading(state)] : []));
  const [all, ...last] = graph.ops(
    kind,
    // "" stands for the lengths of the sequences, which are all the same
    [x, weight(inputWeight), weight(hiddenWeight), both, ...(h ? ["", ...initial] : [])],
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
  entry<Recurrent>(3 + form.biases + form.states, "nothing", (context) => write(form, context));

export const recurrentEntries = {
  lstm: layer({ kind: "LSTM", gates: [0, 3, 1, 2], biases: 1, states: 2 }),
  gru: layer({ kind: "GRU", gates: [1, 0, 2], biases: 2, states: 1 }),
  simpleRnn: layer({ kind: "RNN", gates: [0], biases: 1, states: 1 }),
};
