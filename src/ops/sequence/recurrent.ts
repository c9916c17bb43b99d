// Recurrent layers over a whole sequence, of one length or of many.
import { isPlain, show } from "../../base/errors.js";
import { readOptions } from "../../base/options.js";
import { isTensor, type Tensor, tensor } from "../../core/tensor.js";
import { runNamed, type TensorLike } from "../define.js";
import { reshape, slice } from "../layout/layout.js";
import { gruOp, lstmOp, simpleRnnOp } from "./layers.js";
import { cutAt, lengthsOf, SEQUENCE_RULES, type SequenceOptions, turned } from "./lengths.js";

/** Weights of a recurrent layer, [.., gates * hidden]: the cells of nn and the whole-sequence ops share them. */
export interface RecurrentWeights {
  /** [nIn, gates * hidden] */
  readonly inputWeight: TensorLike;
  /** [hidden, gates * hidden] */
  readonly hiddenWeight: TensorLike;
  /** [gates * hidden] */
  readonly bias: TensorLike;
}

/** A GRU's weights: gates r, z, n, and a second bias [hidden] inside the product that the reset gate scales. */
export interface GruWeights extends RecurrentWeights {
  readonly hiddenBias: TensorLike;
}

/** What an LSTM carries from step to step. */
export interface LstmState {
  /** Hidden state, the output of the last step. */
  h: Tensor;
  /** Cell state. */
  c: Tensor;
}

/** Every step's output [time, batch, hidden], and the state after the last step. */
export interface SequenceResult<S> {
  outputs: Tensor;
  state: S;
}

/** Names what is missing, and options in the state's place. */
function checkGiven(
  name: string,
  weights: object,
  wanted: readonly string[],
  state: unknown,
  parts: readonly string[],
): void {
  const missing = (what: string, value: unknown) =>
    new TypeError(
      `${name}: "${what}" expected a tensor, a number or an array of numbers, got ${show(value)}. Check the name it is read from`,
    );
  if (typeof weights !== "object" || weights === null || isTensor(weights))
    throw new TypeError(`${name}: "weights" expected { ${wanted.join(", ")} }, got ${show(weights)}`);
  for (const part of wanted) {
    const value = (weights as Record<string, unknown>)[part];
    if (value === undefined) throw missing(part, value);
  }
  if (state === undefined) return;
  const options = isPlain(state) && Object.keys(state).some((key) => key in SEQUENCE_RULES);
  const form = parts.length > 0 ? `{ ${parts.join(", ")} }` : "a tensor";
  const whole = parts.length > 0 ? isPlain(state) : isTensor(state) || Array.isArray(state);
  if (options || !whole)
    throw new TypeError(
      `${name}: "state" expected ${form}, got ${show(state)}${options ? ". Options come after it: pass undefined for the state" : ""}`,
    );
  for (const part of parts) {
    const value = (state as Record<string, unknown>)[part];
    if (value === undefined) throw missing(`state.${part}`, value);
  }
}

/**
 * Runs a whole-sequence op, whose output has `more` rows than the sequence, on the input and the lengths that it is to see; gives
 * the outputs, and a reader of the rows' states.
 */
function runSequence(
  name: string,
  more: number,
  x: TensorLike,
  options: SequenceOptions | undefined,
  call: (x: TensorLike, lengths: Tensor | undefined) => Tensor,
): { outputs: Tensor; stateAt: (row: number) => Tensor } {
  const { lengths: given, reverse: backwards } = readOptions(name, options, SEQUENCE_RULES);
  let input = x;
  let lengths: Tensor | undefined;
  if (given !== undefined || backwards) {
    const t = isTensor(x) ? x : tensor(x);
    if (t.rank === 3) {
      if (given !== undefined) lengths = lengthsOf(name, given, t.shape[0], t.shape[1]);
      const whole = lengths === undefined ? t : cutAt(t, lengths);
      input = backwards ? turned(whole, lengths) : whole;
    } else input = t; // the op refuses it
  }
  const all = call(input, lengths);
  const [rows, batch, hidden] = all.shape;
  let outputs = slice(all, [1, 0, 0], [rows - more, batch, hidden]);
  if (lengths !== undefined) outputs = cutAt(outputs, lengths);
  if (backwards) outputs = turned(outputs, lengths);
  return {
    outputs,
    stateAt: (row) => reshape(slice(all, [rows + row, 0, 0], [1, batch, hidden]), [batch, hidden]),
  };
}

const WEIGHTS = ["inputWeight", "hiddenWeight", "bias"];
const GRU_WEIGHTS = [...WEIGHTS, "hiddenBias"];

/**
 * A long short-term memory over a whole sequence; gates in the order i, f, g, o, as PyTorch's.
 * c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').
 *
 * Shapes: x [time, batch, nIn], inputWeight [nIn, 4 hidden], hiddenWeight [hidden, 4 hidden], bias [4 hidden], state h and
 * c [batch, hidden], zeros by default, lengths int32 [batch] -> outputs [time, batch, hidden], state { h, c } after the last step.
 * Throws ShapeError when they do not fit or the sequence is empty, RangeError for a length outside 0..time, TypeError for options
 * that are none.
 * Example: `lstm(zeros([5, 2, 3]), { inputWeight: zeros([3, 16]), hiddenWeight: zeros([4, 16]), bias: zeros([16]) })`;
 * with padding, `lstm(zeros([5, 2, 3]), nn.lstm(3, 4).init(key), undefined, { lengths: [5, 3] })`.
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000
 */
export function lstm(
  x: TensorLike,
  weights: RecurrentWeights,
  state?: LstmState,
  options?: SequenceOptions,
): SequenceResult<LstmState> {
  checkGiven("lstm", weights, WEIGHTS, state, ["h", "c"]);
  const { inputWeight, hiddenWeight, bias } = weights;
  const { outputs, stateAt } = runSequence("lstm", 2, x, options, (x, lengths) =>
    runNamed(lstmOp, undefined, { x, inputWeight, hiddenWeight, bias, h: state?.h, c: state?.c, lengths }),
  );
  return { outputs, state: { h: stateAt(-2), c: stateAt(-1) } };
}

/**
 * A gated recurrent unit over a whole sequence; gates in the order r, z, n, as PyTorch's.
 * n = tanh(x W_n + b_n + r (h U_n + hiddenBias)), h' = n + z (h - n).
 *
 * Shapes: x [time, batch, nIn], inputWeight [nIn, 3 hidden], hiddenWeight [hidden, 3 hidden], bias [3 hidden], hiddenBias
 * [hidden], state [batch, hidden], zeros by default, lengths int32 [batch] -> outputs [time, batch, hidden], state [batch, hidden].
 * Throws as lstm.
 * Example:
 * `gru(zeros([5, 2, 3]), { inputWeight: zeros([3, 12]), hiddenWeight: zeros([4, 12]), bias: zeros([12]), hiddenBias: zeros([4]) })`
 * Source: Cho et al. 2014, arXiv 1406.1078, with the reset gate after the product
 */
export function gru(
  x: TensorLike,
  weights: GruWeights,
  state?: Tensor,
  options?: SequenceOptions,
): SequenceResult<Tensor> {
  checkGiven("gru", weights, GRU_WEIGHTS, state, []);
  const { inputWeight, hiddenWeight, bias, hiddenBias } = weights;
  const { outputs, stateAt } = runSequence("gru", 1, x, options, (x, lengths) =>
    runNamed(gruOp, undefined, { x, inputWeight, hiddenWeight, bias, hiddenBias, h: state, lengths }),
  );
  return { outputs, state: stateAt(-1) };
}

/**
 * A recurrent layer h' = tanh(x W + h U + b) over a whole sequence.
 *
 * Shapes: x [time, batch, nIn], inputWeight [nIn, hidden], hiddenWeight [hidden, hidden], bias [hidden], state [batch, hidden],
 * zeros by default, lengths int32 [batch] -> outputs [time, batch, hidden], state [batch, hidden].
 * Throws as lstm.
 * Example: `simpleRnn(zeros([5, 2, 3]), { inputWeight: zeros([3, 4]), hiddenWeight: zeros([4, 4]), bias: zeros([4]) })`. Source: Elman 1990
 */
export function simpleRnn(
  x: TensorLike,
  weights: RecurrentWeights,
  state?: Tensor,
  options?: SequenceOptions,
): SequenceResult<Tensor> {
  checkGiven("simpleRnn", weights, WEIGHTS, state, []);
  const { inputWeight, hiddenWeight, bias } = weights;
  const { outputs, stateAt } = runSequence("simpleRnn", 1, x, options, (x, lengths) =>
    runNamed(simpleRnnOp, undefined, { x, inputWeight, hiddenWeight, bias, h: state, lengths }),
  );
  return { outputs, state: stateAt(-1) };
}
