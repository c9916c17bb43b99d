// Ops that move elements: reshape and slices of the leading axis are views, everything else is a strided copy.
import { ShapeError, show } from "../../base/errors.js";
import { checkAxis, checkShape, type Shape, sameShape, showShape, sizeOf, stridesOf } from "../../base/shape.js";
import type { OpRecord } from "../../core/op.js";
import { isTensor, type Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import type { Runtime } from "../../wasm/runtime.js";
import { defineOp, run, runNamed, type TensorLike } from "../define.js";
import { rankOf, sumTo } from "../reduce/reduce.js";

/** target[i . to] = source[i . from] for every index i of `shape`; strides in elements, addresses in bytes. */
export function copyStrided(
  runtime: Runtime,
  shape: Shape,
  source: number,
  from: readonly number[],
  target: number,
  to: readonly number[],
): void {
  if (sizeOf(shape) === 0) return;
  if (shape.length === 0) {
    runtime.kernels.copy(1, source, target);
    return;
  }
  const { i32 } = runtime.memory;
  const { table } = runtime;
  // neighbouring axes that are contiguous on both sides become one
  let rank = 0;
  shape.forEach((size, d) => {
    if (size === 1 && shape.length > 1 && (rank > 0 || d < shape.length - 1)) return;
    const last = table + rank - 1;
    if (rank > 0 && i32[last + 8] === from[d] * size && i32[last + 16] === to[d] * size) {
      i32[last] *= size;
      i32[last + 8] = from[d];
      i32[last + 16] = to[d];
    } else {
      i32[table + rank] = size;
      i32[table + 8 + rank] = from[d];
      i32[table + 16 + rank] = to[d];
      rank++;
    }
  });
  runtime.kernels.copyStrided(rank, source, target);
}

export const reshapeOp = defineOp({
  name: "reshape",
  inputs: { x: "any" },
  moves: true,
  mixes: true,
  shape: ({ x }, shape: Shape) => {
    const known = shape.reduce((n, size) => (size === -1 ? n : n * size), 1);
    const open = shape.filter((size) => size === -1).length;
    const out = open === 1 && known > 0 ? shape.map((size) => (size === -1 ? x.size / known : size)) : shape;
    if (open > 1 || out.some((size) => !Number.isInteger(size) || size < 0) || sizeOf(out) !== x.size)
      throw new ShapeError(
        `reshape: ${showShape(x.shape)} holds ${x.size} elements, which do not fill ${showShape(shape)}`,
      );
    return checkShape("reshape", out);
  },
  view: () => 0,
  forward: () => {},
  backward: (r) => r.kernels.copy(r.output.size, r.gradientOut, r.gradients.x),
});

/**
 * The same elements under another shape. A view.
 * Shapes: [2, 3] with [3, 2] -> [3, 2]; one size may be -1, the rest then decides it.
 * Throws ShapeError when the sizes do not match. Example: `reshape(x, [3, -1])`
 */
export const reshape = (x: TensorLike, shape: Shape): Tensor => run(reshapeOp, listOf("reshape", "shape", shape), x);

/** A copy of a list of sizes: the caller may go on to use its own. Throws TypeError for anything else. */
function listOf(op: string, name: string, value: unknown): number[] {
  if (!Array.isArray(value)) throw new TypeError(`${op}: "${name}" expected an array, got ${show(value)}`);
  return [...value];
}

type X = { x: "any" };

function permutedCopy(r: OpRecord<X>, axes: readonly number[], x: number, out: number, inverse: boolean): void {
  const { shape } = r.inputs.x;
  const own = stridesOf(shape);
  const other = stridesOf(r.output.shape);
  const permuted = axes.map((axis) => own[axis]);
  if (inverse) copyStrided(r.runtime, r.output.shape, x, other, out, permuted);
  else copyStrided(r.runtime, r.output.shape, x, permuted, out, other);
}

export const transposeOp = defineOp({
  name: "transpose",
  inputs: { x: "any" },
  moves: true,
  mixes: true,
  shape: ({ x }, axes: readonly number[]) => axes.map((axis) => x.shape[axis]),
  forward: (r, axes) => {
    const { x } = r.inputs;
    if (isOfMatrix(axes)) r.kernels.transpose(x.shape[0], x.shape[1], x.pointer, r.output.pointer);
    else permutedCopy(r, axes, x.pointer, r.output.pointer, false);
  },
  backward: (r, axes) => {
    const { shape } = r.inputs.x;
    if (isOfMatrix(axes)) r.kernels.transpose(shape[1], shape[0], r.gradientOut, r.gradients.x);
    else permutedCopy(r, axes, r.gradientOut, r.gradients.x, true);
  },
});

const isOfMatrix = (axes: readonly number[]): boolean => axes.length === 2 && axes[0] === 1;

/**
 * Reorders axes; reverses them by default. Shapes: [a, b, c] with axes [0, 2, 1] -> [a, c, b].
 * Throws RangeError for axes that are no permutation. Example: `transpose(zeros([2, 3, 4]), [0, 2, 1])`; `transpose(x)`
 */
export function transpose(x: TensorLike, axes?: readonly number[]): Tensor {
  const rank = rankOf(x);
  const list =
    (axes && listOf("transpose", "axes", axes))?.map((axis) => checkAxis("transpose", axis, rank)) ??
    Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (list.length !== rank || new Set(list).size !== rank)
    throw new RangeError(`transpose: axes ${show(axes)} are no permutation of the ${rank} axes`);
  return run(transposeOp, list, x);
}

interface SliceAttributes {
  start: readonly number[];
  size: readonly number[];
}

/** Whether only the leading axis is cut, which leaves the elements next to each other. */
const isLeading = (x: { readonly shape: Shape }, { size }: SliceAttributes): boolean =>
  x.shape.every((n, d) => d === 0 || size[d] === n);

const startOf = (x: Value, start: readonly number[]): number =>
  stridesOf(x.shape).reduce((at, stride, d) => at + stride * start[d], 0);

const sliceShape = ({ x }: { readonly x: Value }, { start, size }: SliceAttributes): Shape => {
  if (start.length !== x.rank || size.length !== x.rank)
    throw new ShapeError(
      `slice: start ${show(start)} and size ${show(size)} must name every axis of ${showShape(x.shape)}`,
    );
  start.forEach((from, d) => {
    if (!Number.isInteger(from) || !Number.isInteger(size[d]) || from < 0 || size[d] < 0 || from + size[d] > x.shape[d])
      throw new RangeError(
        `slice: ${from}..${from + size[d]} at axis ${d} is outside 0..${x.shape[d]} of ${showShape(x.shape)}`,
      );
  });
  return size;
};

function sliceBackward(r: OpRecord<X>, { start }: SliceAttributes): void {
  const { x } = r.inputs;
  const { shape } = r.output;
  const dx = r.gradients.x;
  r.kernels.fill(x.size, 0, dx);
  copyStrided(r.runtime, shape, r.gradientOut, stridesOf(shape), dx + startOf(x, start) * 4, stridesOf(x.shape));
}

export const sliceViewOp = defineOp({
  name: "slice",
  inputs: { x: "any" },
  moves: true,
  shape: sliceShape,
  view: ({ x }, { start }) => startOf(x, start),
  forward: () => {},
  backward: sliceBackward,
});

export const sliceOp = defineOp({
  name: "slice",
  inputs: { x: "any" },
  moves: true,
  shape: sliceShape,
  forward: ({ runtime, inputs: { x }, output: { shape, pointer } }, { start }) =>
    copyStrided(runtime, shape, x.pointer + startOf(x, start) * 4, stridesOf(x.shape), pointer, stridesOf(shape)),
  backward: sliceBackward,
});

/**
 * A block of `size` elements from `start` along every axis. A view where only the leading axis is cut, else a copy.
 * Shapes: [a, b] with size [c, d] -> [c, d]. float32 and int32.
 * Throws RangeError outside the tensor, ShapeError unless both name every axis. Example: `slice(x, [0, 1], [2, 2])`
 */
export function slice(x: TensorLike, start: readonly number[], size: readonly number[]): Tensor {
  const attributes = { start: listOf("slice", "start", start), size: listOf("slice", "size", size) };
  const view = isTensor(x) && start.length === x.rank && size.length === x.rank && isLeading(x, attributes);
  return run(view ? sliceViewOp : sliceOp, attributes, x);
}

export const concatOp = defineOp({
  name: "concat",
  inputs: { tensors: "same[]" },
  moves: true,
  mixes: true,
  shape: ({ tensors }, axis: number) => {
    const [first] = tensors;
    let total = 0;
    for (const t of tensors) {
      if (t.rank !== first.rank || t.shape.some((n, d) => d !== axis && n !== first.shape[d]))
        throw new ShapeError(
          `concat: ${showShape(first.shape)} and ${showShape(t.shape)} must agree on every axis but ${axis}`,
        );
      total += t.shape[axis];
    }
    return first.shape.map((n, d) => (d === axis ? total : n));
  },
  forward: ({ runtime, inputs, output }, axis) => {
    const to = stridesOf(output.shape);
    let at = output.pointer;
    for (const t of inputs.tensors) {
      copyStrided(runtime, t.shape, t.pointer, stridesOf(t.shape), at, to);
      at += t.shape[axis] * to[axis] * 4;
    }
  },
  backward: ({ runtime, inputs, output, gradientOut, gradients }, axis) => {
    const from = stridesOf(output.shape);
    let at = gradientOut;
    inputs.tensors.forEach((t, i) => {
      const dx = gradients.tensors[i];
      if (dx !== 0) copyStrided(runtime, t.shape, at, from, dx, stridesOf(t.shape));
      at += t.shape[axis] * from[axis] * 4;
    });
  },
});

/**
 * Tensors one after another along an axis. Shapes: [a, n], [b, n] with axis 0 -> [a + b, n]. float32 or int32, all the same.
 * Throws ShapeError when other axes differ, TypeError for no tensors, RangeError for an axis that is not there.
 * Example: `concat([x, y], 1)`
 */
export function concat(tensors: readonly TensorLike[], axis = 0): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new TypeError(`concat: expected a list of tensors, got ${show(tensors)}`);
  return runNamed(concatOp, checkAxis("concat", axis, rankOf(tensors[0])), { tensors });
}

/** The strides and the first element of x read backwards along one axis. */
function backwards({ shape }: Value, axis: number): { strides: number[]; first: number } {
  const strides = stridesOf(shape);
  const first = strides[axis] * (shape[axis] - 1);
  strides[axis] = -strides[axis];
  return { strides, first };
}

export const reverseOp = defineOp({
  name: "reverse",
  inputs: { x: "any" },
  moves: true,
  shape: ({ x }) => x.shape,
  forward: ({ runtime, inputs: { x }, output }, axis: number) => {
    const { strides, first } = backwards(x, axis);
    copyStrided(runtime, x.shape, x.pointer + first * 4, strides, output.pointer, stridesOf(x.shape));
  },
  backward: ({ runtime, inputs: { x }, gradientOut, gradients }, axis) => {
    const { strides, first } = backwards(x, axis);
    copyStrided(runtime, x.shape, gradientOut + first * 4, strides, gradients.x, stridesOf(x.shape));
  },
});

/**
 * The elements in the opposite order along an axis: a sequence read from its end. Shapes: unchanged.
 * Throws RangeError for an axis that is none. Example: `reverse(x, 1)`
 */
export const reverse = (x: TensorLike, axis = 0): Tensor => run(reverseOp, checkAxis("reverse", axis, rankOf(x)), x);

export const broadcastToOp = defineOp({
  name: "broadcastTo",
  inputs: { x: "any" },
  moves: true,
  shape: ({ x }, wanted: Shape) => {
    const shape = checkShape("broadcastTo", wanted);
    const lead = shape.length - x.rank;
    if (lead < 0 || x.shape.some((n, d) => n !== shape[d + lead] && n !== 1))
      throw new ShapeError(`broadcastTo: ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`);
    return shape;
  },
  forward: ({ runtime, inputs: { x }, output: { shape, pointer } }) => {
    const own = stridesOf(x.shape);
    const lead = shape.length - x.rank;
    const from = shape.map((n, d) => (d < lead || (x.shape[d - lead] === 1 && n !== 1) ? 0 : own[d - lead]));
    copyStrided(runtime, shape, x.pointer, from, pointer, stridesOf(shape));
  },
  backward: (r) => sumTo(r.runtime, r.gradientOut, r.output.shape, r.inputs.x.shape, r.gradients.x),
});

/**
 * The tensor stretched to `shape`: sizes of 1, and missing leading axes, are repeated.
 * Shapes: [2] -> [3, 2]; [3, 1] -> [3, 2]. Throws ShapeError where it does not broadcast.
 * Example: `broadcastTo([1, 2], [3, 2])`
 */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  const list = listOf("broadcastTo", "shape", shape);
  return isTensor(x) && sameShape(x.shape, shape) ? x : run(broadcastToOp, list, x);
}
