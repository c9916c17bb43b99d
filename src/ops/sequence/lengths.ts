// Sequences of their own lengths in one batch: past its end an example's state stands still, its outputs are 0, and nothing that
// stands in the padding is read. Source: PyTorch's pack_padded_sequence, whose values these are.
import { ShapeError, show } from "../../base/errors.js";
import { flag, type Rule, type Rules } from "../../base/options.js";
import { showShape } from "../../base/shape.js";
import type { OpRecord } from "../../core/op.js";
import { isTensor, type NestedNumbers, type Tensor, tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import type { Runtime } from "../../wasm/runtime.js";
import { defineOp, run } from "../define.js";
import { gather, type Indices } from "../layout/gather.js";
import { reshape, reverse } from "../layout/layout.js";

/** How much of each sequence counts, and from which end it is read. */
export interface SequenceOptions {
  /**
   * Steps of every example, int32 [batch], each in 0..time: later ones are padding, whatever stands there. Outputs past an
   * example's end are 0, and its last state is that of its own last step (of length 0: the initial state).
   */
  readonly lengths?: Indices;
  /**
   * Read every example from its own last step to its first; outputs stay at the steps they belong to. Two directions are
   * `concat([forwards.outputs, backwards.outputs], -1)`.
   */
  readonly reverse?: boolean;
}

const lengthsRule: Rule = (owner, name, value) => {
  if (isTensor(value) || Array.isArray(value) || ArrayBuffer.isView(value)) return value;
  throw new TypeError(`${owner}: "${name}" expected an int32 tensor or an array of whole numbers, got ${show(value)}`);
};
/** Of every whole-sequence op. @internal */
export const SEQUENCE_RULES: Rules<SequenceOptions> = { lengths: lengthsRule, reverse: flag };

/** Lengths as an int32 tensor [batch], each in 0..time. */
export function lengthsOf(owner: string, lengths: Indices, time: number, batch: number): Tensor {
  const t = isTensor(lengths) ? lengths : wholes(owner, Array.from(lengths as ArrayLike<number>));
  if (t.dtype !== "int32")
    throw new TypeError(
      `${owner}: "lengths" ${showShape(t.shape)} are float32, expected int32. Use cast(lengths, "int32")`,
    );
  if (t.rank !== 1 || t.size !== batch)
    throw new ShapeError(`${owner}: "lengths" ${showShape(t.shape)} must be [${batch}], one per example`);
  const { data } = t;
  for (let b = 0; b < batch; b++)
    if (data[b] < 0 || data[b] > time)
      throw new RangeError(`${owner}: length ${data[b]} at position ${b} is outside 0..${time}`);
  return t;
}

function wholes(owner: string, values: readonly unknown[]): Tensor {
  const bad = values.findIndex((v) => v !== (Number(v) | 0));
  if (bad >= 0) throw new TypeError(`${owner}: length ${show(values[bad])} at position ${bad} is no whole number`);
  return tensor(values as NestedNumbers, { dtype: "int32" });
}

/** What is done to `count` neighbouring examples, of which the first lies `at` bytes into a state [batch, n]. */
type Part = (count: number, at: number) => void;

/** Runs of neighbouring examples that step t still has, or has no more; without lengths it has all. */
export function eachRun(
  { memory }: Runtime,
  lengths: Value | undefined,
  t: number,
  batch: number,
  n: number,
  going: Part,
  ended: Part,
): void {
  if (lengths === undefined) going(batch, 0);
  else splitRuns(memory.i32, lengths.pointer >>> 2, t, batch, n, going, ended);
}

function splitRuns(
  i32: Int32Array,
  first: number,
  t: number,
  batch: number,
  n: number,
  going: Part,
  ended: Part,
): void {
  for (let b = 0; b < batch; ) {
    const active = i32[first + b] > t;
    let end = b + 1;
    while (end < batch && i32[first + end] > t === active) end++;
    (active ? going : ended)(end - b, b * n * 4);
    b = end;
  }
}

const keep: Part = () => {};

type Cut = { x: "float32"; lengths: "int32" };

/** out = x [time, batch, n], 0 past each example's end. */
function cut({ runtime, kernels, inputs: { x, lengths } }: OpRecord<Cut>, from: number, out: number): void {
  const [time, batch, n] = x.shape;
  kernels.copy(x.size, from, out);
  let row = out;
  const blank = (count: number, at: number): void => kernels.fill(count * n, 0, row + at);
  for (let t = 0; t < time; t++) {
    eachRun(runtime, lengths, t, batch, n, keep, blank);
    row += batch * n * 4;
  }
}

/** x [time, batch, n] and checked lengths. */
export const cutOp = defineOp({
  name: "cut",
  inputs: { x: "float32", lengths: "int32" },
  shape: ({ x }) => x.shape,
  forward: (r) => cut(r, r.inputs.x.pointer, r.output.pointer),
  backward: (r) => cut(r, r.gradientOut, r.gradients.x),
});

export const cutAt = (x: Tensor, lengths: Tensor): Tensor => run(cutOp, undefined, x, lengths);

/** Every example of x [time, batch, n] turned around, of its own length where there are lengths; padding stays where it is. */
export function turned(x: Tensor, lengths?: Tensor): Tensor {
  if (lengths === undefined) return reverse(x);
  const [time, batch, n] = x.shape;
  const { data } = lengths;
  const from = Int32Array.from({ length: time * batch }, (_, i) => {
    const [t, b] = [Math.floor(i / batch), i % batch];
    return (t < data[b] ? data[b] - 1 - t : t) * batch + b;
  });
  return reshape(gather(reshape(x, [time * batch, n]), tensor(from)), x.shape);
}
