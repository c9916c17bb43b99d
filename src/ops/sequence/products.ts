// The products that recurrent layers share: a step's with a weight that all steps use, and the gradients over all steps at once.
import { ShapeError } from "../../base/errors.js";
import { sameShape, showShape } from "../../base/shape.js";
import type { OpRecord } from "../../core/tape.js";
import type { Value } from "../../core/value.js";
import type { Runtime } from "../../wasm/runtime.js";
import { FLUSH, multiply, TRANSPOSE_B } from "../product/matmul.js";

export interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly nIn: number;
  readonly hidden: number;
  /** gates * hidden */
  readonly columns: number;
  /** Bytes of one state [batch, hidden]. */
  readonly state: number;
}

export function sizesOf(r: OpRecord<any>): Sizes {
  const [time, batch, nIn] = r.a.shape;
  const [hidden, columns] = r.c!.shape;
  return { time, batch, nIn, hidden, columns, state: batch * hidden * 4 };
}

/** Of a whole-sequence op. */
export interface SequenceAttributes {
  /** Whether the last input is the examples' lengths. */
  readonly lengths: boolean;
}

/** dtypes of the inputs: states or lengths come last. */
export const SEQUENCE_INPUTS = ["float32", "float32", "float32", "float32", "any", "any", "any"] as const;

/** The lengths, or undefined. */
export const lengthsIn = (r: OpRecord<SequenceAttributes>): OpRecord["a"] | undefined =>
  r.attributes.lengths ? r.inputs[r.inputs.length - 1] : undefined;

/** The state at `index` of the inputs, or undefined. */
export const stateIn = (r: OpRecord<SequenceAttributes>, index: number): OpRecord["a"] | undefined =>
  index < r.inputs.length - (r.attributes.lengths ? 1 : 0) ? r.inputs[index] : undefined;

/**
 * Sizes of the inputs x, inputWeight, hiddenWeight, biases (of so many times `hidden` each), states and lengths; throws where
 * they do not fit.
 */
export function checkShapes(
  name: string,
  gates: number,
  inputs: readonly Value[],
  biases: readonly number[],
  attributes: SequenceAttributes,
): Sizes {
  const [x, inputWeight, hiddenWeight, ...rest] = attributes.lengths ? inputs.slice(0, -1) : inputs;
  if (x.rank !== 3)
    throw new ShapeError(`${name}: the input must be [time, batch, nIn], got ${showShape(x.shape)}. Use .reshape(...)`);
  const [time, batch, nIn] = x.shape;
  if (time === 0)
    throw new ShapeError(`${name}: the sequence ${showShape(x.shape)} is empty. It needs at least one time step`);
  const hidden = hiddenWeight.shape[0] ?? 0;
  const columns = gates * hidden;
  const expect = (what: string, t: Value, shape: readonly number[]) => {
    if (t.dtype !== "float32") throw new TypeError(`${name}: ${what} ${showShape(t.shape)} is int32, expected float32`);
    if (!sameShape(t.shape, shape))
      throw new ShapeError(
        `${name}: ${what} ${showShape(t.shape)} must be ${showShape(shape)} for the input ${showShape(x.shape)} and ${hidden} hidden units`,
      );
  };
  expect("hiddenWeight", hiddenWeight, [hidden, columns]);
  expect("inputWeight", inputWeight, [nIn, columns]);
  rest.forEach((t, i) => {
    if (i < biases.length) expect(i === 0 ? "bias" : "hiddenBias", t, [biases[i] * hidden]);
    else expect("the initial state", t, [batch, hidden]);
  });
  return { time, batch, nIn, hidden, columns, state: batch * hidden * 4 };
}

/** Whether a weight [.., n] that many products share is worth packing once. */
const isPacked = (s: Sizes, n: number): boolean => s.time > 1 && s.batch >= 4 && n >= 8;

/** Address of B [k, n] in the form that `multiplyShared` takes; allocates. */
export function prepareShared(runtime: Runtime, s: Sizes, n: number, k: number, b: number): number {
  if (!isPacked(s, n)) return b;
  const packed = runtime.memory.allocate(Math.ceil(n / 8) * 32 * k);
  runtime.kernels.packPanels(n, k, b, packed);
  return packed;
}

/** c [batch, n] = start + a [batch, k] B, with B from `prepareShared`. */
export function multiplyShared(
  runtime: Runtime,
  s: Sizes,
  n: number,
  k: number,
  a: number,
  b: number,
  start: number,
  startStep: number,
  finish: number,
  c: number,
): void {
  const { kernels, memory } = runtime;
  if (isPacked(s, n)) {
    kernels.matmulPacked(s.batch, n, k, a, b, start, startStep, finish, c);
    return;
  }
  const scratch = memory.temporary(kernels.matmulScratch(s.batch, n, k, 0) * 4);
  kernels.matmul(s.batch, n, k, a, b, start, startStep, 0, finish, scratch, c);
}

/** hiddenWeight' for the products of the walk back, transposed once. */
export function transposedHidden(r: OpRecord<any>, s: Sizes): number {
  const { kernels, memory } = r.runtime;
  const flipped = memory.allocate(s.hidden * s.columns * 4);
  kernels.transpose(s.hidden, s.columns, r.c!.pointer, flipped);
  return prepareShared(r.runtime, s, s.hidden, s.columns, flipped);
}

/** dW [m, columns] = rows' d over all steps: rows [time batch, m] are transposed first, so that the large kernel serves. */
export function weightGradient(r: OpRecord<any>, s: Sizes, m: number, rows: number, d: number, out: number): void {
  if (out === 0) return;
  const { kernels, memory } = r.runtime;
  const held = memory.top;
  const count = s.time * s.batch;
  const flipped = memory.allocate(count * m * 4);
  kernels.transpose(count, m, rows, flipped);
  multiply(r.runtime, 0, m, s.columns, count, flipped, d, 0, 0, out);
  memory.top = held;
}

/** Gradients by x, inputWeight and bias from d [time batch, columns], that by the input's part of the gates. */
export function inputGradients(r: OpRecord<any>, s: Sizes, d: number): void {
  const count = s.time * s.batch;
  const { gradientIn } = r;
  if (gradientIn[0] !== 0)
    multiply(r.runtime, TRANSPOSE_B, count, s.nIn, s.columns, d, r.b!.pointer, 0, FLUSH, gradientIn[0]);
  weightGradient(r, s, s.nIn, r.a.pointer, d, gradientIn[1]);
  if (gradientIn[3] !== 0) r.kernels.sumColumns(1, count, s.columns, d, 1, gradientIn[3]);
}

/** The first state: the input at `index`, or zeros. */
export function firstState(r: OpRecord<SequenceAttributes>, index: number, size: number, out: number): void {
  const initial = stateIn(r, index);
  if (initial) r.kernels.copy(size, initial.pointer, out);
  else r.kernels.fill(size, 0, out);
}

export const stateSize = (s: Sizes): number => s.batch * s.hidden;
