// Recurrent layers over a whole sequence, each as one op. The input's part of all steps is one product, a step is one product
// that starts from it and one pointwise kernel, and the weights' gradients are one product over all steps.
// The output holds one row more than the sequence, so that the states before every step lie together:
// [initial state, state 1 .. state T], and for the LSTM the last cell state after them.
import type { Op } from "../core/tape.js";
import type { Tensor } from "../core/tensor.js";
import { defineOp, run, type TensorLike } from "./define.js";
import { reshape, slice } from "./layout.js";
import { FLUSH, multiply } from "./matmul.js";
import {
  checkShapes,
  firstState,
  inputGradients,
  multiplyShared,
  prepareShared,
  sizesOf,
  stateSize,
  transposedHidden,
  weightGradient,
} from "./recurrent-products.js";

/** Inputs x, inputWeight, hiddenWeight, bias, (h, c). Workspace: gates | c of steps 0..T | tanh(c) of steps 1..T. */
export const lstmOp = defineOp({
  name: "lstm",
  needs: ["x", "inputWeight", "hiddenWeight"],
  shape: (inputs) => {
    const { time, batch, hidden } = checkShapes("lstm", 4, inputs, [4]);
    return [time + 2, batch, hidden];
  },
  workspace: ([x, , { shape }]) => x.shape[1] * shape[0] * (6 * x.shape[0] + 1),
  forward: (r) => {
    const { kernels, runtime, output } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let gates = r.workspace;
    let c = gates + time * 4 * state;
    let tanhC = c + (time + 1) * state;
    let h = output.pointer;
    firstState(r, 4, stateSize(s), h);
    firstState(r, 5, stateSize(s), c);
    multiply(runtime, 0, time * batch, columns, s.nIn, r.a.pointer, r.b!.pointer, r.rest![0].pointer, 0, gates);
    const w = prepareShared(runtime, s, columns, hidden, r.c!.pointer);
    for (let t = 0; t < time; t++) {
      if (t > 0 || r.inputs.length > 4) multiplyShared(runtime, s, columns, hidden, h, w, gates, columns, 0, gates);
      kernels.lstmForward(batch, hidden, c, gates, c + state, tanhC, h + state);
      gates += 4 * state;
      c += state;
      tanhC += state;
      h += state;
    }
    kernels.copy(stateSize(s), c, h + state);
    memory.top = held;
  },
  // dh and dc live in gradientOut, the gradients of the gates take the gates' place
  backward: (r) => {
    const { kernels, runtime, gradientIn, gradientOut } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    const w = transposedHidden(r, s);
    let gates = r.workspace + time * 4 * state;
    let c = gates + time * state;
    let tanhC = c + (time + 1) * state;
    let dh = gradientOut + time * state;
    const dc = dh + state;
    for (let t = time; t > 0; t--) {
      gates -= 4 * state;
      c -= state;
      tanhC -= state;
      kernels.lstmBackward(batch, hidden, c, tanhC, dh, dc, gates);
      dh -= state;
      if (t > 1 || gradientIn[4]) multiplyShared(runtime, s, hidden, columns, gates, w, dh, hidden, FLUSH, dh);
    }
    inputGradients(r, s, gates);
    weightGradient(r, s, hidden, r.output.pointer, gates, gradientIn[2]);
    if (gradientIn[4]) kernels.copy(stateSize(s), dh, gradientIn[4]);
    if (gradientIn[5]) kernels.copy(stateSize(s), dc, gradientIn[5]);
    memory.top = held;
  },
});

/**
 * Inputs x, inputWeight, hiddenWeight, bias, hiddenBias, (h).
 * Workspace: the input's part x and the hidden state's part u of r, z, n for steps 1..T | the row that u starts from.
 */
export const gruOp = defineOp({
  name: "gru",
  needs: ["x", "inputWeight", "hiddenWeight"],
  shape: (inputs) => {
    const { time, batch, hidden } = checkShapes("gru", 3, inputs, [3, 1]);
    return [time + 1, batch, hidden];
  },
  workspace: ([x, , { shape }]) => 3 * shape[0] * (2 * x.shape[0] * x.shape[1] + 1),
  forward: (r) => {
    const { kernels, runtime, output } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let x = r.workspace;
    let u = x + time * 3 * state;
    const bias = u + time * 3 * state;
    let h = output.pointer;
    firstState(r, 5, stateSize(s), h);
    kernels.fill(2 * hidden, 0, bias);
    kernels.copy(hidden, r.rest![1].pointer, bias + 8 * hidden);
    multiply(runtime, 0, time * batch, columns, s.nIn, r.a.pointer, r.b!.pointer, r.rest![0].pointer, 0, x);
    const w = prepareShared(runtime, s, columns, hidden, r.c!.pointer);
    for (let t = 0; t < time; t++) {
      multiplyShared(runtime, s, columns, hidden, h, w, bias, 0, 0, u);
      kernels.gruForward(batch, hidden, h, u, x, h + state);
      x += 3 * state;
      u += 3 * state;
      h += state;
    }
    memory.top = held;
  },
  backward: (r) => {
    const { kernels, runtime, gradientIn, gradientOut } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    const w = transposedHidden(r, s);
    let x = r.workspace + time * 3 * state;
    let u = x + time * 3 * state;
    let h = r.output.pointer + time * state;
    let dh = gradientOut + time * state;
    for (let t = time; t > 0; t--) {
      x -= 3 * state;
      u -= 3 * state;
      h -= state;
      kernels.gruBackward(batch, hidden, h, dh, dh - state, u, x);
      dh -= state;
      if (t > 1 || gradientIn[5]) multiplyShared(runtime, s, hidden, columns, u, w, dh, hidden, FLUSH, dh);
    }
    inputGradients(r, s, x);
    weightGradient(r, s, hidden, h, u, gradientIn[2]);
    if (gradientIn[4] !== 0) {
      const sums = memory.allocate(columns * 4);
      kernels.sumColumns(1, time * batch, columns, u, 1, sums);
      kernels.copy(hidden, sums + 8 * hidden, gradientIn[4]);
    }
    if (gradientIn[5]) kernels.copy(stateSize(s), dh, gradientIn[5]);
    memory.top = held;
  },
});

/** Inputs x, inputWeight, hiddenWeight, bias, (h). The output itself holds all that backward needs. */
export const simpleRnnOp = defineOp({
  name: "simpleRnn",
  needs: ["x", "inputWeight", "hiddenWeight"],
  shape: (inputs) => {
    const { time, batch, hidden } = checkShapes("simpleRnn", 1, inputs, [1]);
    return [time + 1, batch, hidden];
  },
  forward: (r) => {
    const { kernels, runtime, output } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let h = output.pointer;
    firstState(r, 4, stateSize(s), h);
    multiply(runtime, 0, time * batch, hidden, s.nIn, r.a.pointer, r.b!.pointer, r.rest![0].pointer, 0, h + state);
    const w = prepareShared(runtime, s, hidden, hidden, r.c!.pointer);
    for (let t = 0; t < time; t++) {
      const next = h + state;
      if (t > 0 || r.inputs.length > 4) multiplyShared(runtime, s, hidden, hidden, h, w, next, hidden, 0, next);
      kernels.tanhKernel(stateSize(s), next, next);
      h = next;
    }
    memory.top = held;
  },
  // the gradients before the tanh take the place of those after it
  backward: (r) => {
    const { kernels, runtime, gradientIn, gradientOut } = r;
    const s = sizesOf(r);
    const { time, hidden, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    const w = transposedHidden(r, s);
    let h = r.output.pointer + time * state;
    let dh = gradientOut + time * state;
    for (let t = time; t > 0; t--) {
      kernels.tanhBackward(stateSize(s), h, dh, dh);
      const before = dh - state;
      if (t > 1 || gradientIn[4]) multiplyShared(runtime, s, hidden, hidden, dh, w, before, hidden, FLUSH, before);
      h -= state;
      dh = before;
    }
    inputGradients(r, s, dh + state);
    weightGradient(r, s, hidden, h, dh + state, gradientIn[2]);
    if (gradientIn[4]) kernels.copy(stateSize(s), dh, gradientIn[4]);
    memory.top = held;
  },
});

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

function runSequence(op: Op<undefined>, x: TensorLike, w: RecurrentWeights, rest: TensorLike[]): Tensor {
  return run(op, undefined, x, w.inputWeight, w.hiddenWeight, rest);
}

/** Row `index` of all [rows, batch, hidden], as [batch, hidden]. A view. */
function stateAt(all: Tensor, index: number): Tensor {
  const [, batch, hidden] = all.shape;
  return reshape(slice(all, [index, 0, 0], [1, batch, hidden]), [batch, hidden]);
}

function outputsOf(all: Tensor, time: number): Tensor {
  const [, batch, hidden] = all.shape;
  return slice(all, [1, 0, 0], [time, batch, hidden]);
}

/**
 * A long short-term memory over a whole sequence; gates in the order i, f, g, o, as PyTorch's.
 * c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').
 *
 * Shapes: x [time, batch, nIn], inputWeight [nIn, 4 hidden], hiddenWeight [hidden, 4 hidden], bias [4 hidden], state h and
 * c [batch, hidden], zeros by default -> outputs [time, batch, hidden], state { h, c } after the last step.
 * Throws ShapeError when they do not fit or the sequence is empty.
 * Example: `lstm(zeros([5, 2, 3]), { inputWeight: zeros([3, 16]), hiddenWeight: zeros([4, 16]), bias: zeros([16]) })`
 * Source: Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000
 */
export function lstm(x: TensorLike, weights: RecurrentWeights, state?: LstmState): SequenceResult<LstmState> {
  const all = runSequence(lstmOp, x, weights, state ? [weights.bias, state.h, state.c] : [weights.bias]);
  const time = all.shape[0] - 2;
  return { outputs: outputsOf(all, time), state: { h: stateAt(all, time), c: stateAt(all, time + 1) } };
}

/**
 * A gated recurrent unit over a whole sequence; gates in the order r, z, n, as PyTorch's.
 * n = tanh(x W_n + b_n + r (h U_n + hiddenBias)), h' = n + z (h - n).
 *
 * Shapes: x [time, batch, nIn], inputWeight [nIn, 3 hidden], hiddenWeight [hidden, 3 hidden], bias [3 hidden], hiddenBias
 * [hidden], state [batch, hidden], zeros by default -> outputs [time, batch, hidden], state [batch, hidden].
 * Throws ShapeError when they do not fit or the sequence is empty.
 * Example:
 * `gru(zeros([5, 2, 3]), { inputWeight: zeros([3, 12]), hiddenWeight: zeros([4, 12]), bias: zeros([12]), hiddenBias: zeros([4]) })`
 * Source: Cho et al. 2014, arXiv 1406.1078, with the reset gate after the product
 */
export function gru(x: TensorLike, weights: GruWeights, state?: Tensor): SequenceResult<Tensor> {
  const { bias, hiddenBias } = weights;
  const all = runSequence(gruOp, x, weights, state ? [bias, hiddenBias, state] : [bias, hiddenBias]);
  const time = all.shape[0] - 1;
  return { outputs: outputsOf(all, time), state: stateAt(all, time) };
}

/**
 * A recurrent layer h' = tanh(x W + h U + b) over a whole sequence.
 *
 * Shapes: x [time, batch, nIn], inputWeight [nIn, hidden], hiddenWeight [hidden, hidden], bias [hidden], state [batch, hidden],
 * zeros by default -> outputs [time, batch, hidden], state [batch, hidden].
 * Throws ShapeError when they do not fit or the sequence is empty.
 * Example: `simpleRnn(zeros([5, 2, 3]), { inputWeight: zeros([3, 4]), hiddenWeight: zeros([4, 4]), bias: zeros([4]) })`. Source: Elman 1990
 */
export function simpleRnn(x: TensorLike, weights: RecurrentWeights, state?: Tensor): SequenceResult<Tensor> {
  const all = runSequence(simpleRnnOp, x, weights, state ? [weights.bias, state] : [weights.bias]);
  const time = all.shape[0] - 1;
  return { outputs: outputsOf(all, time), state: stateAt(all, time) };
}
