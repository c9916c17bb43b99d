// The recurrent layers' records: a whole sequence is one op. The input's part of all steps is one product, a step is one product
// that starts from it and one pointwise kernel, and the weights' gradients are one product over all steps.
// The output holds one row more than the sequence, so that the states before every step lie together:
// [initial state, state 1 .. state T], and for the LSTM the last cell state after them.
import { defineOp } from "../define.js";
import { FLUSH } from "../product/matmul.js";
import { eachRun } from "./lengths.js";
import {
  checkShapes,
  firstState,
  inputGradients,
  inputProduct,
  multiplyShared,
  OPTIONAL,
  prepareShared,
  SEQUENCE,
  sizesOf,
  stateSize,
  transposedHidden,
  weightGradient,
} from "./products.js";

/** Workspace: gates | c of steps 0..T | tanh(c) of steps 1..T. */
export const lstmOp = defineOp({
  name: "lstm",
  inputs: { ...SEQUENCE, h: "any?", c: "any?", lengths: "int32?" },
  shape: (inputs) => {
    const { time, batch, hidden } = checkShapes("lstm", 4, inputs);
    return [time + 2, batch, hidden];
  },
  workspace: ({ x, hiddenWeight }) => x.shape[1] * hiddenWeight.shape[0] * (6 * x.shape[0] + 1),
  forward: (r) => {
    const { kernels, runtime, inputs, output } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let gates = r.workspace;
    let c = gates + time * 4 * state;
    let tanhC = c + (time + 1) * state;
    let h = output.pointer;
    const step = (n: number, o: number): void =>
      kernels.lstmForward(n, hidden, c + o, gates + 4 * o, c + state + o, tanhC + o, h + state + o);
    const stand = (n: number, o: number): void => {
      kernels.copy(n * hidden, c + o, c + state + o);
      kernels.copy(n * hidden, h + o, h + state + o);
    };
    firstState(r, s, inputs.h, h);
    firstState(r, s, inputs.c, c);
    inputProduct(r, s, gates);
    const w = prepareShared(runtime, s, columns, hidden, inputs.hiddenWeight.pointer);
    for (let t = 0; t < time; t++) {
      if (t > 0 || inputs.h) multiplyShared(runtime, s, columns, hidden, h, w, gates, columns, 0, gates);
      eachRun(runtime, inputs.lengths, t, batch, hidden, step, stand);
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
    const { kernels, runtime, inputs, gradients, gradientOut } = r;
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
    const step = (n: number, o: number): void =>
      kernels.lstmBackward(n, hidden, c + o, tanhC + o, dh + o, dc + o, gates + 4 * o);
    const stand = (n: number, o: number): void => {
      kernels.fill(4 * n * hidden, 0, gates + 4 * o);
      kernels.accumulate(n * hidden, dh + o, dh - state + o);
    };
    for (let t = time; t > 0; t--) {
      gates -= 4 * state;
      c -= state;
      tanhC -= state;
      eachRun(runtime, inputs.lengths, t - 1, batch, hidden, step, stand);
      dh -= state;
      if (t > 1 || gradients.h) multiplyShared(runtime, s, hidden, columns, gates, w, dh, hidden, FLUSH, dh);
    }
    inputGradients(r, s, gates);
    weightGradient(r, s, hidden, r.output.pointer, gates, gradients.hiddenWeight);
    if (gradients.h) kernels.copy(stateSize(s), dh, gradients.h);
    if (gradients.c) kernels.copy(stateSize(s), dc, gradients.c);
    memory.top = held;
  },
});

/** Workspace: the input's part x and the hidden state's part u of r, z, n for steps 1..T | the row that u starts from. */
export const gruOp = defineOp({
  name: "gru",
  inputs: { ...SEQUENCE, hiddenBias: "any", ...OPTIONAL },
  shape: (inputs) => {
    const { time, batch, hidden } = checkShapes("gru", 3, inputs);
    return [time + 1, batch, hidden];
  },
  workspace: ({ x, hiddenWeight }) => 3 * hiddenWeight.shape[0] * (2 * x.shape[0] * x.shape[1] + 1),
  forward: (r) => {
    const { kernels, runtime, inputs, output } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let x = r.workspace;
    let u = x + time * 3 * state;
    const bias = u + time * 3 * state;
    let h = output.pointer;
    const step = (n: number, o: number): void =>
      kernels.gruForward(n, hidden, h + o, u + 3 * o, x + 3 * o, h + state + o);
    const stand = (n: number, o: number): void => kernels.copy(n * hidden, h + o, h + state + o);
    firstState(r, s, inputs.h, h);
    kernels.fill(2 * hidden, 0, bias);
    kernels.copy(hidden, inputs.hiddenBias.pointer, bias + 8 * hidden);
    inputProduct(r, s, x);
    const w = prepareShared(runtime, s, columns, hidden, inputs.hiddenWeight.pointer);
    for (let t = 0; t < time; t++) {
      multiplyShared(runtime, s, columns, hidden, h, w, bias, 0, 0, u);
      eachRun(runtime, inputs.lengths, t, batch, hidden, step, stand);
      x += 3 * state;
      u += 3 * state;
      h += state;
    }
    memory.top = held;
  },
  backward: (r) => {
    const { kernels, runtime, inputs, gradients, gradientOut } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, columns, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    const w = transposedHidden(r, s);
    let x = r.workspace + time * 3 * state;
    let u = x + time * 3 * state;
    let h = r.output.pointer + time * state;
    let dh = gradientOut + time * state;
    const step = (n: number, o: number): void =>
      kernels.gruBackward(n, hidden, h + o, dh + o, dh - state + o, u + 3 * o, x + 3 * o);
    const stand = (n: number, o: number): void => {
      kernels.fill(3 * n * hidden, 0, x + 3 * o);
      kernels.fill(3 * n * hidden, 0, u + 3 * o);
      kernels.accumulate(n * hidden, dh + o, dh - state + o);
    };
    for (let t = time; t > 0; t--) {
      x -= 3 * state;
      u -= 3 * state;
      h -= state;
      eachRun(runtime, inputs.lengths, t - 1, batch, hidden, step, stand);
      dh -= state;
      if (t > 1 || gradients.h) multiplyShared(runtime, s, hidden, columns, u, w, dh, hidden, FLUSH, dh);
    }
    inputGradients(r, s, x);
    weightGradient(r, s, hidden, h, u, gradients.hiddenWeight);
    if (gradients.hiddenBias !== 0) {
      const sums = memory.allocate(columns * 4);
      kernels.sumColumns(1, time * batch, columns, u, 1, sums);
      kernels.copy(hidden, sums + 8 * hidden, gradients.hiddenBias);
    }
    if (gradients.h) kernels.copy(stateSize(s), dh, gradients.h);
    memory.top = held;
  },
});

/** The output itself holds all that backward needs. */
export const simpleRnnOp = defineOp({
  name: "simpleRnn",
  inputs: { ...SEQUENCE, ...OPTIONAL },
  shape: (inputs) => {
    const { time, batch, hidden } = checkShapes("simpleRnn", 1, inputs);
    return [time + 1, batch, hidden];
  },
  forward: (r) => {
    const { kernels, runtime, inputs, output } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let h = output.pointer;
    let next = h + state;
    const step = (n: number, o: number): void => kernels.tanhKernel(n * hidden, next + o, next + o);
    const stand = (n: number, o: number): void => kernels.copy(n * hidden, h + o, next + o);
    firstState(r, s, inputs.h, h);
    inputProduct(r, s, next);
    const w = prepareShared(runtime, s, hidden, hidden, inputs.hiddenWeight.pointer);
    for (let t = 0; t < time; t++) {
      if (t > 0 || inputs.h) multiplyShared(runtime, s, hidden, hidden, h, w, next, hidden, 0, next);
      eachRun(runtime, inputs.lengths, t, batch, hidden, step, stand);
      h = next;
      next += state;
    }
    memory.top = held;
  },
  // the gradients before the tanh take the place of those after it
  backward: (r) => {
    const { kernels, runtime, inputs, gradients, gradientOut } = r;
    const s = sizesOf(r);
    const { time, batch, hidden, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    const w = transposedHidden(r, s);
    let h = r.output.pointer + time * state;
    let dh = gradientOut + time * state;
    let before = dh - state;
    const step = (n: number, o: number): void => kernels.tanhBackward(n * hidden, h + o, dh + o, dh + o);
    const stand = (n: number, o: number): void => {
      kernels.accumulate(n * hidden, dh + o, before + o);
      kernels.fill(n * hidden, 0, dh + o);
    };
    for (let t = time; t > 0; t--) {
      eachRun(runtime, inputs.lengths, t - 1, batch, hidden, step, stand);
      if (t > 1 || gradients.h) multiplyShared(runtime, s, hidden, hidden, dh, w, before, hidden, FLUSH, before);
      h -= state;
      dh = before;
      before -= state;
    }
    inputGradients(r, s, dh + state);
    weightGradient(r, s, hidden, h, dh + state, gradients.hiddenWeight);
    if (gradients.h) kernels.copy(stateSize(s), dh, gradients.h);
    memory.top = held;
  },
});
