// The products that recurrent layers share: a step's with a weight that all steps use, and the gradients over all steps at once.
import { ShapeError } from "../../base/errors.js";
import { sameShape, showShape } from "../../base/shape.js";
import type { Named, OpRecord } from "../../core/op.js";
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

/** What every whole-sequence op computes with. A state is of any dtype here: one that does not fit is told as a state. */
export const SEQUENCE = {
  x: "float32",
  inputWeight: "float32",
  hiddenWeight: "float32",
  bias: "float32",
} as const;
export const OPTIONAL = { h: "any?", lengths: "int32?" } as const;

type Sequence = OpRecord<typeof SEQUENCE>;

export function sizesOf({ inputs: { x, hiddenWeight } }: Sequence): Sizes {
  const [time, batch, nIn] = x.shape;
  const [hidden, columns] = hiddenWeight.shape;
  return { time, batch, nIn, hidden, columns, state: batch * hidden * 4 };
}

/** Sizes of the operands; throws where they do not fit. */
export function checkShapes(
  name: string,
  gates: number,
  {
    x,
    inputWeight,
    hiddenWeight,
    bias,
    hiddenBias,
    h,
    c,
  }: Named<typeof SEQUENCE> & {
    readonly [state in "hiddenBias" | "h" | "c"]?: Value;
  },
): Sizes {
  if (x.rank !== 3)
    throw new ShapeError(`${name}: the input must be [time, batch, nIn], got ${showShape(x.shape)}. Use .reshape(...)`);
  const [time, batch, nIn] = x.shape;
  if (time === 0)
    throw new ShapeError(`${name}: the sequence ${showShape(x.shape)} is empty. It needs at least one time step`);
  const hidden = hiddenWeight.shape[0] ?? 0;
  const columns = gates * hidden;
  const expect = (what: string, t: Value | undefined, shape: readonly number[]) => {
    if (t === undefined) return;
    if (t.dtype !== "float32") throw new TypeError(`${name}: ${what} ${showShape(t.shape)} is int32, expected float32`);
    if (!sameShape(t.shape, shape))
      throw new ShapeError(
        `${name}: ${what} ${showShape(t.shape)} must be ${showShape(shape)} for the input ${showShape(x.shape)} and ${hidden} hidden units`,
      );
  };
  expect("hiddenWeight", hiddenWeight, [hidden, columns]);
  expect("inputWeight", inputWeight, [nIn, columns]);
  expect("bias", bias, [columns]);
  expect("hiddenBias", hiddenBias, [hidden]);
  for (const state of [h, c]) expect("the initial state", state, [batch, hidden]);
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
export function transposedHidden(r: Sequence, s: Sizes): number {
  const { kernels, memory } = r.runtime;
  const flipped = memory.allocate(s.hidden * s.columns * 4);
  kernels.transpose(s.hidden, s.columns, r.inputs.hiddenWeight.pointer, flipped);
  return prepareShared(r.runtime, s, s.hidden, s.columns, flipped);
}

/** dW [m, columns] = rows' d over all steps: rows [time batch, m] are transposed first, so that the large kernel serves. */
export function weightGradient(r: OpRecord, s: Sizes, m: number, rows: number, d: number, out: number): void {
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
export function inputGradients(r: Sequence, s: Sizes, d: number): void {
  const count = s.time * s.batch;
  const { inputs, gradients } = r;
  if (gradients.x !== 0)
    multiply(r.runtime, TRANSPOSE_B, count, s.nIn, s.columns, d, inputs.inputWeight.pointer, 0, FLUSH, gradients.x);
  weightGradient(r, s, s.nIn, inputs.x.pointer, d, gradients.inputWeight);
  if (gradients.bias !== 0) r.kernels.sumColumns(1, count, s.columns, d, 1, gradients.bias);
}

/** The input's part of all steps: out [time batch, columns] = x inputWeight + bias. */
export function inputProduct({ runtime, inputs: { x, inputWeight, bias } }: Sequence, s: Sizes, out: number): void {
  multiply(runtime, 0, s.time * s.batch, s.columns, s.nIn, x.pointer, inputWeight.pointer, bias.pointer, 0, out);
}

/** The first state: the one given, or zeros. */
export function firstState({ kernels }: OpRecord, s: Sizes, initial: Value | undefined, out: number): void {
  if (initial) kernels.copy(stateSize(s), initial.pointer, out);
  else kernels.fill(stateSize(s), 0, out);
}

export const stateSize = (s: Sizes): number => s.batch * s.hidden;
