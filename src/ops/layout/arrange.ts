// Putting tensors together and taking them apart: stack, split, pad, and axes of size 1. All of it moves float32 and int32.
import { checkInteger, ShapeError, show } from "../../base/errors.js";
import { checkAxes, checkAxis, checkShape, showShape, sizeOf, stridesOf } from "../../base/shape.js";
import type { OpRecord } from "../../core/tape.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike, tensorOf } from "../define.js";
import { rankOf } from "../reduce/reduce.js";
import { copyStrided, reshape, slice } from "./layout.js";

/** Input i, as [outer, block], beside its place in the stack, [outer, inputs, block]. */
function eachPlace(
  r: OpRecord<number>,
  move: (i: number, shape: number[], own: number[], place: number[]) => void,
): void {
  const block = sizeOf(r.a.shape.slice(r.attributes));
  const shape = [sizeOf(r.a.shape.slice(0, r.attributes)), block];
  for (let i = 0; i < r.inputs.length; i++) move(i, shape, [block, 1], [r.inputs.length * block, 1]);
}

const placeOf = (r: OpRecord<number>, base: number, i: number): number =>
  base + i * sizeOf(r.a.shape.slice(r.attributes)) * 4;

export const stackOp = defineOp<number>({
  name: "stack",
  moves: true,
  shape: (inputs, axis) => {
    const [first] = inputs;
    for (const t of inputs)
      if (showShape(t.shape) !== showShape(first.shape))
        throw new ShapeError(`stack: ${showShape(first.shape)} and ${showShape(t.shape)} must be the same`);
    return checkShape("stack", [...first.shape.slice(0, axis), inputs.length, ...first.shape.slice(axis)]);
  },
  forward: (r) =>
    eachPlace(r, (i, shape, own, place) =>
      copyStrided(r.runtime, shape, r.inputs[i].pointer, own, placeOf(r, r.output.pointer, i), place),
    ),
  backward: (r) =>
    eachPlace(r, (i, shape, own, place) => {
      if (r.gradientIn[i] !== 0)
        copyStrided(r.runtime, shape, placeOf(r, r.gradientOut, i), place, r.gradientIn[i], own);
    }),
});

/**
 * Tensors of one shape side by side along a new axis. float32 or int32, all the same.
 *
 * Shapes: two of [a, b] with axis 0 -> [2, a, b], with axis 2 or -1 -> [a, b, 2].
 * Throws ShapeError when the shapes differ, TypeError for no tensors, RangeError for an axis that the result has not.
 * Example: `stack([x, y])`; `stack([x, y], -1)`
 */
export function stack(tensors: readonly TensorLike[], axis = 0): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new TypeError(`stack: expected a list of tensors, got ${show(tensors)}`);
  const at = checkAxis("stack", axis, rankOf(tensors[0]) + 1);
  return run(stackOp, at, tensors[0], undefined, undefined, tensors.slice(1));
}

/**
 * The tensor cut along an axis, into equal parts or parts of the sizes listed; views where the axis is the first.
 * float32 and int32.
 *
 * Shapes: [6, b] in 3 parts -> three of [2, b]; in [1, 5] -> [1, b] and [5, b].
 * Throws ShapeError when the parts do not fill the axis, RangeError for a number of parts that is none.
 * Example: `split(x, 3, 1)`; `split(x, [1, 2], -1)`
 */
export function split(x: TensorLike, parts: number | readonly number[], axis = 0): Tensor[] {
  const t = tensorOf("split", x);
  const at = checkAxis("split", axis, t.rank);
  const whole = t.shape[at];
  if (typeof parts === "number") checkInteger("split", "parts", parts, 1);
  else if (!Array.isArray(parts))
    throw new TypeError(`split: "parts" expected an integer or a list of sizes, got ${show(parts)}`);
  else for (const size of parts) checkInteger("split", "size", size);
  const sizes = typeof parts === "number" ? Array<number>(parts).fill(whole / parts) : parts;
  if (!Number.isInteger(sizes[0] ?? 0) || sizes.reduce((sum, size) => sum + size, 0) !== whole)
    throw new ShapeError(
      `split: ${typeof parts === "number" ? `${parts} equal parts` : `parts of ${show(parts)}`} do not fill the ${whole} of axis ${at} of ${showShape(t.shape)}`,
    );
  let from = 0;
  return sizes.map((size) => {
    const start = t.shape.map((_, d) => (d === at ? from : 0));
    from += size;
    return slice(
      t,
      start,
      t.shape.map((n, d) => (d === at ? size : n)),
    );
  });
}

interface PadAttributes {
  padding: readonly (readonly [number, number])[];
  value: number;
}

/** Offset of x in the padded tensor, in elements. */
const startOf = (r: OpRecord<PadAttributes>): number =>
  stridesOf(r.output.shape).reduce((at, stride, d) => at + stride * r.attributes.padding[d][0], 0);

export const padOp = defineOp<PadAttributes>({
  name: "pad",
  moves: true,
  shape: ([x], { padding, value }) => {
    if (padding.length !== x.rank)
      throw new ShapeError(
        `pad: ${padding.length} pairs of [before, after] for ${showShape(x.shape)}, which needs one for each of its ${x.rank} axes`,
      );
    if (x.dtype === "int32" && value !== (value | 0))
      throw new RangeError(`pad: value ${value} is no 32-bit integer, which padding of int32 needs`);
    return x.shape.map((n, d) => padding[d][0] + n + padding[d][1]);
  },
  forward: (r) => {
    const { a, output, runtime } = r;
    const { memory } = runtime;
    const at = output.pointer >>> 2;
    if (a.dtype === "int32") memory.i32.fill(r.attributes.value, at, at + output.size);
    else r.kernels.fill(output.size, r.attributes.value, output.pointer);
    const to = stridesOf(output.shape);
    copyStrided(runtime, a.shape, a.pointer, stridesOf(a.shape), output.pointer + startOf(r) * 4, to);
  },
  backward: (r) => {
    const from = stridesOf(r.output.shape);
    const { shape } = r.a;
    copyStrided(r.runtime, shape, r.gradientOut + startOf(r) * 4, from, r.gradientIn[0], stridesOf(shape));
  },
});

/**
 * The tensor with `value` before and after it along each axis. float32 and int32.
 *
 * Shapes: [a, b] with [[1, 2], [0, 3]] -> [1 + a + 2, b + 3].
 * Throws ShapeError unless there is a pair for every axis, RangeError for widths that are no integers >= 0.
 * Example: `pad(x, [[0, 0], [1, 1]])`; `pad(x, [[1, 0], [0, 0]], -1)`
 */
export function pad(x: TensorLike, padding: readonly (readonly [before: number, after: number])[], value = 0): Tensor {
  if (typeof value !== "number") throw new TypeError(`pad: "value" expected a number, got ${show(value)}`);
  if (!Array.isArray(padding) || padding.some((pair) => !Array.isArray(pair) || pair.length !== 2))
    throw new TypeError(`pad: expected a list of [before, after], got ${show(padding)}`);
  for (const [before, after] of padding) {
    checkInteger("pad", "before", before);
    checkInteger("pad", "after", after);
  }
  return run(padOp, { padding: padding.map(([before, after]) => [before, after] as const), value }, x);
}

/**
 * The tensor with a new axis of size 1. A view. float32 and int32.
 *
 * Shapes: [a, b] with axis 0 -> [1, a, b], with axis 2 or -1 -> [a, b, 1].
 * Throws RangeError for an axis that the result has not.
 * Example: `expandDims(x, -1)`
 */
export function expandDims(x: TensorLike, axis: number): Tensor {
  const t = tensorOf("expandDims", x);
  const at = checkAxis("expandDims", axis, t.rank + 1);
  return reshape(t, [...t.shape.slice(0, at), 1, ...t.shape.slice(at)]);
}

/**
 * The tensor without its axes of size 1, or without those named. A view. float32 and int32.
 *
 * Shapes: [1, a, 1] -> [a]; with axis 0 -> [a, 1].
 * Throws ShapeError when a named axis has another size, RangeError for an axis that is not there.
 * Example: `squeeze([[1], [2]])`; `squeeze([[1], [2]], -1)`
 */
export function squeeze(x: TensorLike, axis?: number | readonly number[]): Tensor {
  const t = tensorOf("squeeze", x);
  const named = axis === undefined ? undefined : checkAxes("squeeze", axis, t.rank);
  for (const d of named ?? [])
    if (t.shape[d] !== 1)
      throw new ShapeError(`squeeze: axis ${d} of ${showShape(t.shape)} has size ${t.shape[d]}, not 1`);
  return reshape(
    t,
    t.shape.filter((n, d) => (named ? !named.includes(d) : n !== 1)),
  );
}
