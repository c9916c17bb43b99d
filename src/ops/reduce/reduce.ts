// Reductions over any axes: neighbouring axes are merged, then reduced one group at a time, the last group first.
import { ShapeError, show } from "../../base/errors.js";
import { anything, flag, readOptions } from "../../base/options.js";
import { checkAxes, type Shape, showShape, sizeOf } from "../../base/shape.js";
import type { Named, Op, OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import type { Runtime } from "../../wasm/runtime.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { broadcastBinary } from "../elementwise/broadcast.js";

type Kind = "sum" | "max" | "min" | "norm";

/** [outer, count, inner] of every pass that reduces `axes` (sorted) of `shape`. */
function passes(shape: Shape, axes: readonly number[]): [number, number, number][] {
  const sizes = [...shape];
  const list: [number, number, number][] = [];
  for (let i = axes.length - 1; i >= 0; ) {
    const last = axes[i];
    let first = last;
    while (i > 0 && axes[i - 1] === first - 1) first = axes[--i];
    i--;
    const count = sizeOf(sizes.slice(first, last + 1));
    list.push([sizeOf(sizes.slice(0, first)), count, sizeOf(sizes.slice(last + 1))]);
    for (let d = first; d <= last; d++) sizes[d] = 1;
  }
  return list;
}

/** out = reduction of x over axes, the sum times `scale`. */
export function reduceAxes(
  runtime: Runtime,
  kind: Kind,
  x: number,
  shape: Shape,
  axes: readonly number[],
  scale: number,
  out: number,
): void {
  const { kernels, memory } = runtime;
  const list = passes(shape, axes);
  const held = memory.top;
  let source = x;
  list.forEach(([outer, count, inner], i) => {
    const last = i === list.length - 1;
    const target = last ? out : memory.allocate(outer * inner * 4);
    if (kind !== "sum") kernels[`${kind}Columns`](outer, count, inner, source, target);
    else if (inner === 1) kernels.sumRows(outer, count, source, last ? scale : 1, target);
    else kernels.sumColumns(outer, count, inner, source, last ? scale : 1, target);
    source = target;
  });
  if (list.length === 0) {
    kernels.copy(sizeOf(shape), x, out);
    if (scale !== 1) kernels.scale(sizeOf(shape), scale, out);
  }
  memory.top = held;
}

/** out [target] = x [shape] summed over the axes along which `target` was stretched. */
export function sumTo(runtime: Runtime, x: number, shape: Shape, target: Shape, out: number): void {
  const lead = shape.length - target.length;
  const axes = shape.map((_, d) => d).filter((d) => d < lead || (target[d - lead] === 1 && shape[d] !== 1));
  reduceAxes(runtime, "sum", x, shape, axes, 1, out);
}

type Axes = readonly number[];

export interface ReduceAttributes {
  axes: Axes;
  keepDims: boolean;
}

/** The shape with reduced axes of size 1. */
export const kept = (x: Value, axes: readonly number[]): number[] =>
  x.shape.map((size, d) => (axes.includes(d) ? 1 : size));

export function reducedShape({ x }: { readonly x: Value }, { axes, keepDims }: ReduceAttributes): Shape {
  return keepDims ? kept(x, axes) : x.shape.filter((_, d) => !axes.includes(d));
}

/** Which axes a reduction takes, and whether they stay. */
export interface ReduceOptions {
  /** Axes to reduce, negative from the end; all of them by default. */
  axis?: number | readonly number[] | null;
  /** Keep reduced axes with size 1. */
  keepDims?: boolean;
}

/** Axes by position, as numpy and PyTorch have them, or options. */
export type Reduction = number | readonly number[] | null | ReduceOptions;

const isAxes = (given: unknown): given is number | readonly number[] | null | undefined =>
  given === undefined || given === null || typeof given === "number" || Array.isArray(given);

/** What a reduction was given, checked. */
export function readReduction(name: string, given: Reduction | undefined, rank: number): ReduceAttributes {
  const options = isAxes(given)
    ? { axis: given }
    : readOptions<ReduceOptions>(name, given, { axis: anything, keepDims: flag });
  return { axes: checkAxes(name, options.axis, rank), keepDims: options.keepDims ?? false };
}

type X = { x: "float32" };
export type ReduceOp<N extends string = string> = Op<ReduceAttributes, Reduction | undefined, X, N>;

/** The rules that all reductions share. */
export function reduction<const N extends string>(
  name: N,
  { shape = reducedShape, ...rules }: Pick<ReduceOp, "forward" | "backward" | "guard"> & { shape?: ReduceOp["shape"] },
): ReduceOp<N> {
  const read = (given: Reduction | undefined, { x }: Named<X>) => readReduction(name, given, x.rank);
  return defineOp({ name, inputs: { x: "float32" }, read, shape, ...rules });
}

/** dx = dy stretched over the reduced axes, times `scale`. */
function spread(
  { kernels, runtime, inputs: { x }, gradientOut, gradients }: OpRecord<X>,
  axes: Axes,
  scale: number,
): void {
  const dx = gradients.x;
  kernels.fill(x.size, scale, dx);
  broadcastBinary(runtime, "mul", dx, x.shape, gradientOut, kept(x, axes), dx, x.shape);
}

const countOf = (r: OpRecord<X>): number => r.inputs.x.size / Math.max(1, r.output.size);

/** out = sum over axes, times `scale`. */
const total = ({ runtime, inputs: { x }, output }: OpRecord<X>, axes: Axes, scale: number): void =>
  reduceAxes(runtime, "sum", x.pointer, x.shape, axes, scale, output.pointer);

export const sumOp = reduction("sum", {
  forward: (r, { axes }) => total(r, axes, 1),
  backward: (r, { axes }) => spread(r, axes, 1),
});

export const meanOp = reduction("mean", {
  forward: (r, { axes }) => total(r, axes, 1 / countOf(r)),
  backward: (r, { axes }) => spread(r, axes, 1 / countOf(r)),
});

/** The largest or the least value. */
function extreme<const N extends "max" | "min">(kind: N, word: string): ReduceOp<N> {
  return reduction(kind, {
    shape: (inputs, attributes) => {
      const { x } = inputs;
      if (attributes.axes.some((d) => x.shape[d] === 0))
        throw new ShapeError(`${kind}: an axis of ${showShape(x.shape)} is empty, and nothing has no ${word} value`);
      return reducedShape(inputs, attributes);
    },
    forward: ({ runtime, inputs: { x }, output }, { axes }) =>
      reduceAxes(runtime, kind, x.pointer, x.shape, axes, 1, output.pointer),
    // ties share the gradient evenly
    backward: ({ runtime, kernels, inputs: { x }, output, gradientOut, gradients: { x: dx } }, { axes }) => {
      const { memory } = runtime;
      const shape = kept(x, axes);
      const held = memory.top;
      const count = memory.allocate(output.size * 4);
      broadcastBinary(runtime, "equal", x.pointer, x.shape, output.pointer, shape, dx, x.shape);
      reduceAxes(runtime, "sum", dx, x.shape, axes, 1, count);
      kernels.divKernel(output.size, gradientOut, 1, count, 1, count);
      broadcastBinary(runtime, "mul", dx, x.shape, count, shape, dx, x.shape);
      memory.top = held;
    },
  });
}

export const maxOp = extreme("max", "largest");
export const minOp = extreme("min", "least");

/** An axis and `keepDims` by position as one. */
export function withKept(name: string, axis: Reduction | undefined, keepDims: boolean | undefined) {
  if (keepDims === undefined) return axis;
  if (isAxes(axis)) return { axis, keepDims };
  throw new TypeError(`${name}: give either options or axis and keepDims, got ${show(axis)} and ${show(keepDims)}`);
}

/** Runs `op` over the axes that are named, by position or in options. */
export const reduce = (op: ReduceOp, x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor =>
  run(op, withKept(op.name, axis, keepDims), x);

/** How many axes the tensor will have. */
export function rankOf(x: TensorLike): number {
  if (typeof x === "object" && x !== null && "shape" in x) return x.shape.length;
  let rank = 0;
  for (let v: any = x; Array.isArray(v) || ArrayBuffer.isView(v); v = (v as ArrayLike<unknown>)[0]) rank++;
  return rank;
}

/**
 * Sum over axes, in the order that assembly/reduce.ts states.
 * Shapes: [..] -> without the reduced axes. Throws RangeError for axes that are not there, TypeError for unknown
 * options. Example: `sum(x, 1)`; `sum(x, { axis: 0, keepDims: true })`
 */
export const sum = (x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor => reduce(sumOp, x, axis, keepDims);
/**
 * Mean over axes: the sum times 1 / count.
 * Shapes: as sum. Throws RangeError for axes that are not there. Example: `mean(x, { axis: [0, 1], keepDims: true })`
 */
export const mean = (x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor => reduce(meanOp, x, axis, keepDims);
/**
 * Largest value over axes; NaN where one is met. Equal ones share the gradient evenly.
 * Shapes: as sum. Throws ShapeError for an empty axis, RangeError for axes that are not there. Example: `max(x, { axis: -1 })`
 */
export const max = (x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor => reduce(maxOp, x, axis, keepDims);
/**
 * Least value over axes; NaN where one is met. Equal ones share the gradient evenly.
 * Shapes: as sum. Throws ShapeError for an empty axis, RangeError for axes that are not there. Example: `min(x, { axis: -1 })`
 */
export const min = (x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor => reduce(minOp, x, axis, keepDims);
