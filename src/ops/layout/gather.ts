// Picking by int32 indices. Each index is checked by the kernel; gradients are added in the order of the indices.
import { checkInteger, ShapeError, show } from "../../base/errors.js";
import { checkShape, type Shape, sameShape, showShape, sizeOf } from "../../base/shape.js";
import { isTensor, type NestedNumbers, type Tensor, tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { axisOf, checkOperand } from "../operand.js";

/** What an op takes for indices: an int32 tensor, nested arrays of whole numbers, or a typed array of such. */
export type Indices = Tensor | NestedNumbers | ArrayLike<number>;

/** Indices as an int32 tensor, from a typed array too. Throws TypeError for what is missing or no whole number. */
function toIndices(owner: string, indices: Indices): Tensor {
  checkOperand(owner, "indices", indices);
  if (isTensor(indices)) return indices;
  const values = ArrayBuffer.isView(indices) ? Array.from(indices as unknown as ArrayLike<number>) : indices;
  if (typeof values !== "number" && !Array.isArray(values))
    throw new TypeError(`${owner}: "indices" expected an int32 tensor or whole numbers, got ${show(indices)}`);
  const flat = [values].flat(Number.POSITIVE_INFINITY) as unknown[];
  const bad = flat.findIndex((v) => v !== (Number(v) | 0));
  if (bad >= 0) throw new TypeError(`${owner}: index ${show(flat[bad])} at position ${bad} is no whole number`);
  return tensor(values, { dtype: "int32" });
}

/** Throws for the first index outside of an axis, which a kernel found at `position` (-1: none). */
function checkFound(op: string, position: number, indices: Value, size: number): void {
  if (position >= 0)
    throw new RangeError(
      `${op}: index ${indices.data[position]} at position ${position} is outside ${size > 0 ? `0..${size - 1}` : "an axis of size 0"}`,
    );
}

type Sizes = [outer: number, size: number, inner: number, count: number];

/** x as [outer, size, inner], with `count` indices a group along the middle axis. */
const along = (x: Shape, axis: number, count: number): Sizes => [
  sizeOf(x.slice(0, axis)),
  x[axis],
  sizeOf(x.slice(axis + 1)),
  count,
];

export const gatherOp = defineOp({
  name: "gather",
  inputs: { x: "any", indices: "int32" },
  moves: true,
  shape: ({ x, indices }, axis: number) =>
    checkShape("gather", [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]),
  forward: ({ kernels, inputs: { x, indices }, output }, axis) => {
    const sizes = along(x.shape, axis, indices.size);
    const bad = kernels.gather(...sizes, x.pointer, indices.pointer, output.pointer);
    checkFound("gather", bad, indices, sizes[1]);
  },
  backward: ({ kernels, inputs: { x, indices }, gradientOut, gradients: { x: dx } }, axis) => {
    kernels.fill(x.size, 0, dx);
    kernels.scatterAdd(...along(x.shape, axis, indices.size), gradientOut, indices.pointer, dx);
  },
});

/**
 * The entries of an axis that `indices` name, in their order: an embedding is `gather(weight, words)`. Its gradient is
 * added up in the order of the indices.
 *
 * Shapes: x [n, ..] with axis 0 and indices int32 [a, b] -> [a, b, ..]; indices of any shape stand in place of the axis.
 * float32 and int32.
 * Throws RangeError naming the first index outside 0..n-1 and its position, TypeError for indices that are not int32.
 * Example: `gather(x, [1, 0, 1])`; `gather(x, tensor([2, 0], { dtype: "int32" }), 1)`
 */
export const gather = (x: TensorLike, indices: Indices, axis = 0): Tensor =>
  run(gatherOp, axisOf("gather", x, axis), x, toIndices("gather", indices));

export const scatterAddOp = defineOp({
  name: "scatterAdd",
  inputs: { x: "float32", indices: "int32", updates: "float32" },
  shape: ({ x, indices, updates }) => {
    if (x.rank < 1) throw new ShapeError("scatterAdd: a scalar has no axis 0 to add along");
    const wanted = [...indices.shape, ...x.shape.slice(1)];
    if (!sameShape(updates.shape, wanted))
      throw new ShapeError(
        `scatterAdd: x ${showShape(x.shape)} with indices ${showShape(indices.shape)} needs updates ${showShape(wanted)}, got ${showShape(updates.shape)}`,
      );
    return x.shape;
  },
  forward: ({ kernels, inputs: { x, indices, updates }, output }) => {
    kernels.copy(x.size, x.pointer, output.pointer);
    const sizes = along(x.shape, 0, indices.size);
    const bad = kernels.scatterAdd(...sizes, updates.pointer, indices.pointer, output.pointer);
    checkFound("scatterAdd", bad, indices, sizes[1]);
  },
  backward: ({ kernels, inputs: { x, indices }, gradientOut, gradients: { x: dx, updates: dUpdates } }) => {
    if (dx !== 0) kernels.copy(x.size, gradientOut, dx);
    if (dUpdates !== 0) kernels.gather(...along(x.shape, 0, indices.size), gradientOut, indices.pointer, dUpdates);
  },
});

/**
 * x with updates[j] added to its entry indices[j], one after another: equal indices add up in their order.
 *
 * Shapes: x [n, ..], indices int32 [a, b], updates [a, b, ..] -> [n, ..].
 * Throws RangeError naming the first index outside 0..n-1 and its position, ShapeError when the updates do not fit.
 * Example: `scatterAdd(x, [1, 1], [[1, 1, 1], [2, 2, 2]])`
 */
export const scatterAdd = (x: TensorLike, indices: Indices, updates: TensorLike): Tensor =>
  run(scatterAddOp, undefined, x, toIndices("scatterAdd", indices), updates);

export const takeAlongAxisOp = defineOp({
  name: "takeAlongAxis",
  inputs: { x: "any", indices: "int32" },
  moves: true,
  shape: ({ x, indices }, axis: number) => {
    if (x.rank !== indices.rank || x.shape.some((n, d) => d !== axis && n !== indices.shape[d]))
      throw new ShapeError(
        `takeAlongAxis: x ${showShape(x.shape)} and indices ${showShape(indices.shape)} must agree on every axis but ${axis}`,
      );
    return indices.shape;
  },
  forward: ({ kernels, inputs: { x, indices }, output }, axis) => {
    const sizes = along(x.shape, axis, indices.shape[axis]);
    const bad = kernels.takeAlong(...sizes, x.pointer, indices.pointer, output.pointer);
    checkFound("takeAlongAxis", bad, indices, sizes[1]);
  },
  backward: ({ kernels, inputs: { x, indices }, gradientOut, gradients: { x: dx } }, axis) => {
    kernels.fill(x.size, 0, dx);
    kernels.takeAlongBackward(...along(x.shape, axis, indices.shape[axis]), gradientOut, indices.pointer, dx);
  },
});

/**
 * Along an axis, the elements that `indices` name, each row its own: what argMax finds, takeAlongAxis reads.
 *
 * Shapes: x [a, n], indices int32 [a, m] with axis 1 -> [a, m]; other axes must agree. float32 and int32.
 * Throws RangeError naming the first index outside 0..n-1 and its position, ShapeError when the shapes do not fit.
 * Example: `takeAlongAxis(x, [[2], [0]], 1)`. Source: numpy.take_along_axis.
 */
export const takeAlongAxis = (x: TensorLike, indices: Indices, axis = -1): Tensor =>
  run(takeAlongAxisOp, axisOf("takeAlongAxis", x, axis), x, toIndices("takeAlongAxis", indices));

export const oneHotOp = defineOp({
  name: "oneHot",
  inputs: { indices: "int32" },
  shape: ({ indices }, classes: number) => checkShape("oneHot", [...indices.shape, classes]),
  forward: ({ kernels, inputs: { indices }, output }, classes) => {
    const bad = kernels.oneHot(indices.size, classes, indices.pointer, output.pointer);
    checkFound("oneHot", bad, indices, classes);
  },
  backward: null,
});

/**
 * Rows of zeros with a 1 at the index, as float32. No gradient.
 *
 * Shapes: int32 [..] -> [.., classes].
 * Throws RangeError naming the first index outside 0..classes-1 and its position.
 * Example: `oneHot([2, 0], 3)`
 */
export function oneHot(indices: Indices, classes: number): Tensor {
  checkInteger("oneHot", "classes", classes);
  return run(oneHotOp, classes, toIndices("oneHot", indices));
}
