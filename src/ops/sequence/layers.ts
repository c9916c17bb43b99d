// The recurrent layers' records: a whole sequence is one op. The input's part of all steps is one product, a step is one product
// that starts from it and one pointwise kernel, and the weights' gradients are one product over all steps.
// The output holds one row more than the sequence, so that the states before every step lie together:
// [initial state, state 1 .. state T], and for the LSTM the last cell state after them.
import { defineOp } from "../define.js";
import { FLUSH, multiply } from "../product/matmul.js";
import { eachRun } from "./lengths.js";
import {
  checkShapes,
  firstState,
  inputGradients,
  lengthsIn,
  multiplyShared,
  prepareShared,
  SEQUENCE_INPUTS,
  type SequenceAttributes,
  sizesOf,
  stateIn,
  stateSize,
  transposedHidden,
  weightGradient,
} from "./products.js";

/** Inputs x, inputWeight, hiddenWeight, bias, (h, c). Workspace: gates | c of steps 0..T | tanh(c) of steps 1..T. */
export const lstmOp = defineOp<SequenceAttributes>({
  name: "lstm",
  inputs: SEQUENCE_INPUTS,
  needs: ["x", "inputWeight", "hiddenWeight"],
  shape: (inputs, attributes) => {
    const { time, batch, hidden } = checkShapes("lstm", 4, inputs, [4], attributes);
    return [time + 2, batch, hidden];
  },
  workspace: ([x, , { shape }]) => x.shape[1] * shape[0] * (6 * x.shape[0] + 1),
  forward: (r) => {
    const { kernels, runtime, output } = r;
    const s = sizesOf(r);
    const lengths = lengthsIn(r);
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
      if (t > 0 || stateIn(r, 4)) multiplyShared(runtime, s, columns, hidden, h, w, gates, columns, 0, gates);
      if (lengths === undefined) kernels.lstmForward(batch, hidden, c, gates, c + state, tanhC, h + state);
      else
        eachRun(r, lengths, t, (from, count, active) => {
          const o = from * hidden * 4;
          if (active) kernels.lstmForward(count, hidden, c + o, gates + 4 * o, c + state + o, tanhC + o, h + state + o);
          else {
            kernels.copy(count * hidden, c + o, c + state + o);
            kernels.copy(count * hidden, h + o, h + state + o);
          }
        });
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
    const lengths = lengthsIn(r);
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
      if (lengths === undefined) kernels.lstmBackward(batch, hidden, c, tanhC, dh, dc, gates);
      else
        eachRun(r, lengths, t - 1, (from, count, active) => {
          const o = from * hidden * 4;
          if (active) kernels.lstmBackward(count, hidden, c + o, tanhC + o, dh + o, dc + o, gates + 4 * o);
          else {
            kernels.fill(4 * count * hidden, 0, gates + 4 * o);
            kernels.accumulate(count * hidden, dh + o, dh - state + o);
          }
        });
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
export const gruOp = defineOp<SequenceAttributes>({
  name: "gru",
  inputs: SEQUENCE_INPUTS,
  needs: ["x", "inputWeight", "hiddenWeight"],
  shape: (inputs, attributes) => {
    const { time, batch, hidden } = checkShapes("gru", 3, inputs, [3, 1], attributes);
    return [time + 1, batch, hidden];
  },
  workspace: ([x, , { shape }]) => 3 * shape[0] * (2 * x.shape[0] * x.shape[1] + 1),
  forward: (r) => {
    const { kernels, runtime, output } = r;
    const s = sizesOf(r);
    const lengths = lengthsIn(r);
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
      if (lengths === undefined) kernels.gruForward(batch, hidden, h, u, x, h + state);
      else
        eachRun(r, lengths, t, (from, count, active) => {
          const o = from * hidden * 4;
          if (active) kernels.gruForward(count, hidden, h + o, u + 3 * o, x + 3 * o, h + state + o);
          else kernels.copy(count * hidden, h + o, h + state + o);
        });
      x += 3 * state;
      u += 3 * state;
      h += state;
    }
    memory.top = held;
  },
  backward: (r) => {
    const { kernels, runtime, gradientIn, gradientOut } = r;
    const s = sizesOf(r);
    const lengths = lengthsIn(r);
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
      if (lengths === undefined) kernels.gruBackward(batch, hidden, h, dh, dh - state, u, x);
      else
        eachRun(r, lengths, t - 1, (from, count, active) => {
          const o = from * hidden * 4;
          if (active) kernels.gruBackward(count, hidden, h + o, dh + o, dh - state + o, u + 3 * o, x + 3 * o);
          else {
            kernels.fill(3 * count * hidden, 0, x + 3 * o);
            kernels.fill(3 * count * hidden, 0, u + 3 * o);
            kernels.accumulate(count * hidden, dh + o, dh - state + o);
          }
        });
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
export const simpleRnnOp = defineOp<SequenceAttributes>({
  name: "simpleRnn",
  inputs: SEQUENCE_INPUTS,
  needs: ["x", "inputWeight", "hiddenWeight"],
  shape: (inputs, attributes) => {
    const { time, batch, hidden } = checkShapes("simpleRnn", 1, inputs, [1], attributes);
    return [time + 1, batch, hidden];
  },
  forward: (r) => {
    const { kernels, runtime, output } = r;
    const s = sizesOf(r);
    const lengths = lengthsIn(r);
    const { time, batch, hidden, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    let h = output.pointer;
    firstState(r, 4, stateSize(s), h);
    multiply(runtime, 0, time * batch, hidden, s.nIn, r.a.pointer, r.b!.pointer, r.rest![0].pointer, 0, h + state);
    const w = prepareShared(runtime, s, hidden, hidden, r.c!.pointer);
    for (let t = 0; t < time; t++) {
      const next = h + state;
      if (t > 0 || stateIn(r, 4)) multiplyShared(runtime, s, hidden, hidden, h, w, next, hidden, 0, next);
      if (lengths === undefined) kernels.tanhKernel(stateSize(s), next, next);
      else
        eachRun(r, lengths, t, (from, count, active) => {
          const o = from * hidden * 4;
          if (active) kernels.tanhKernel(count * hidden, next + o, next + o);
          else kernels.copy(count * hidden, h + o, next + o);
        });
      h = next;
    }
    memory.top = held;
  },
  // the gradients before the tanh take the place of those after it
  backward: (r) => {
    const { kernels, runtime, gradientIn, gradientOut } = r;
    const s = sizesOf(r);
    const lengths = lengthsIn(r);
    const { time, hidden, state } = s;
    const { memory } = runtime;
    const held = memory.top;
    const w = transposedHidden(r, s);
    let h = r.output.pointer + time * state;
    let dh = gradientOut + time * state;
    for (let t = time; t > 0; t--) {
      const before = dh - state;
      if (lengths === undefined) kernels.tanhBackward(stateSize(s), h, dh, dh);
      else
        eachRun(r, lengths, t - 1, (from, count, active) => {
          const o = from * hidden * 4;
          if (active) kernels.tanhBackward(count * hidden, h + o, dh + o, dh + o);
          else {
            kernels.accumulate(count * hidden, dh + o, before + o);
            kernels.fill(count * hidden, 0, dh + o);
          }
        });
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
