// Putting tensors together and taking them apart: stack, split, pad, and axes of size 1. All of it moves float32 and int32.
import { checkInteger, ShapeError, show } from "../../base/errors.js";
import { checkAxes, checkAxis, checkShape, showShape, sizeOf, stridesOf } from "../../base/shape.js";
import type { OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, runNamed, type TensorLike, tensorOf } from "../define.js";
import { rankOf } from "../reduce/reduce.js";
import { copyStrided, reshape, slice } from "./layout.js";

/** Input i, as [outer, block], beside its place in the stack, [outer, inputs, block]. */
function eachPlace(
  { inputs: { tensors } }: OpRecord<Tensors>,
  axis: number,
  base: number,
  move: (i: number, shape: number[], own: number[], place: number[], at: number) => void,
): void {
  const [{ shape: one }] = tensors;
  const block = sizeOf(one.slice(axis));
  const shape = [sizeOf(one.slice(0, axis)), block];
  for (let i = 0; i < tensors.length; i++)
    move(i, shape, [block, 1], [tensors.length * block, 1], base + i * block * 4);
}

type Tensors = { tensors: "same[]" };

export const stackOp = defineOp({
  name: "stack",
  inputs: { tensors: "same[]" },
  moves: true,
  shape: ({ tensors }, axis: number) => {
    const [first] = tensors;
    for (const t of tensors)
      if (showShape(t.shape) !== showShape(first.shape))
        throw new ShapeError(`stack: ${showShape(first.shape)} and ${showShape(t.shape)} must be the same`);
    return checkShape("stack", [...first.shape.slice(0, axis), tensors.length, ...first.shape.slice(axis)]);
  },
  forward: (r, axis) =>
    eachPlace(r, axis, r.output.pointer, (i, shape, own, place, at) =>
      copyStrided(r.runtime, shape, r.inputs.tensors[i].pointer, own, at, place),
    ),
  backward: (r, axis) =>
    eachPlace(r, axis, r.gradientOut, (i, shape, own, place, at) => {
      const dx = r.gradients.tensors[i];
      if (dx !== 0) copyStrided(r.runtime, shape, at, place, dx, own);
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
  return runNamed(stackOp, at, { tensors });
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
const startOf = (output: Value, { padding }: PadAttributes): number =>
  stridesOf(output.shape).reduce((at, stride, d) => at + stride * padding[d][0], 0);

export const padOp = defineOp({
  name: "pad",
  inputs: { x: "any" },
  moves: true,
  shape: ({ x }, { padding, value }: PadAttributes) => {
    if (padding.length !== x.rank)
      throw new ShapeError(
        `pad: ${padding.length} pairs of [before, after] for ${showShape(x.shape)}, which needs one for each of its ${x.rank} axes`,
      );
    if (x.dtype === "int32" && value !== (value | 0))
      throw new RangeError(`pad: value ${value} is no 32-bit integer, which padding of int32 needs`);
    return x.shape.map((n, d) => padding[d][0] + n + padding[d][1]);
  },
  forward: ({ runtime, kernels, inputs: { x }, output }, attributes) => {
    const { memory } = runtime;
    const at = output.pointer >>> 2;
    if (x.dtype === "int32") memory.i32.fill(attributes.value, at, at + output.size);
    else kernels.fill(output.size, attributes.value, output.pointer);
    const to = stridesOf(output.shape);
    const start = output.pointer + startOf(output, attributes) * 4;
    copyStrided(runtime, x.shape, x.pointer, stridesOf(x.shape), start, to);
  },
  backward: ({ runtime, inputs: { x }, output, gradientOut, gradients }, attributes) => {
    const start = gradientOut + startOf(output, attributes) * 4;
    copyStrided(runtime, x.shape, start, stridesOf(output.shape), gradients.x, stridesOf(x.shape));
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
