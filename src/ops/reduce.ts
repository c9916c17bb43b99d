// Reductions over any axes: neighbouring axes are merged, then reduced one group at a time, the last group first.
import { ShapeError } from "../base/errors.js";
import { checkAxes, type Shape, showShape, sizeOf } from "../base/shape.js";
import type { OpRecord } from "../core/tape.js";
import type { Tensor } from "../core/tensor.js";
import type { Runtime } from "../wasm/runtime.js";
import { broadcastBinary } from "./broadcast.js";
import { defineOp, run, type TensorLike } from "./define.js";

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

export interface ReduceAttributes {
  axes: readonly number[];
  keepDims: boolean;
}

/** The shape with reduced axes of size 1. */
export const kept = (x: Tensor, axes: readonly number[]): number[] =>
  x.shape.map((size, d) => (axes.includes(d) ? 1 : size));

export function reducedShape([x]: readonly Tensor[], { axes, keepDims }: ReduceAttributes): Shape {
  return keepDims ? kept(x, axes) : x.shape.filter((_, d) => !axes.includes(d));
}

/** dx = dy stretched over the reduced axes, times `scale`. */
function spread(r: OpRecord<ReduceAttributes>, scale: number): void {
  const { kernels, runtime, a } = r;
  kernels.fill(a.size, scale, r.gradientIn[0]);
  broadcastBinary(
    runtime,
    "mul",
    r.gradientIn[0],
    a.shape,
    r.gradientOut,
    kept(a, r.attributes.axes),
    r.gradientIn[0],
    a.shape,
  );
}

const countOf = (r: OpRecord<ReduceAttributes>): number => r.a.size / Math.max(1, r.output.size);

export const sumOp = defineOp<ReduceAttributes>({
  name: "sum",
  shape: reducedShape,
  forward: (r) => reduceAxes(r.runtime, "sum", r.a.pointer, r.a.shape, r.attributes.axes, 1, r.output.pointer),
  backward: (r) => spread(r, 1),
});

export const meanOp = defineOp<ReduceAttributes>({
  name: "mean",
  shape: reducedShape,
  forward: (r) =>
    reduceAxes(r.runtime, "sum", r.a.pointer, r.a.shape, r.attributes.axes, 1 / countOf(r), r.output.pointer),
  backward: (r) => spread(r, 1 / countOf(r)),
});

/** The largest or the least value. */
function extreme(kind: "max" | "min", word: string): typeof sumOp {
  return defineOp<ReduceAttributes>({
    name: kind,
    shape: (inputs, attributes) => {
      const [x] = inputs;
      if (attributes.axes.some((d) => x.shape[d] === 0))
        throw new ShapeError(`${kind}: an axis of ${showShape(x.shape)} is empty, and nothing has no ${word} value`);
      return reducedShape(inputs, attributes);
    },
    forward: (r) => reduceAxes(r.runtime, kind, r.a.pointer, r.a.shape, r.attributes.axes, 1, r.output.pointer),
    // ties share the gradient evenly
    backward: (r) => {
      const { a, runtime, kernels } = r;
      const { memory } = runtime;
      const shape = kept(a, r.attributes.axes);
      const held = memory.top;
      const count = memory.allocate(r.output.size * 4);
      const [dx] = r.gradientIn;
      broadcastBinary(runtime, "equal", a.pointer, a.shape, r.output.pointer, shape, dx, a.shape);
      reduceAxes(runtime, "sum", dx, a.shape, r.attributes.axes, 1, count);
      kernels.divKernel(r.output.size, r.gradientOut, 1, count, 1, count);
      broadcastBinary(runtime, "mul", dx, a.shape, count, shape, dx, a.shape);
      memory.top = held;
    },
  });
}

export const maxOp = extreme("max", "largest");
export const minOp = extreme("min", "least");

/** Which axes a reduction takes, and whether they stay. */
export interface ReduceOptions {
  /** Axes to reduce, negative from the end; all of them by default. */
  axis?: number | readonly number[] | null;
  /** Keep reduced axes with size 1. */
  keepDims?: boolean;
}

/** Runs `op` over the axes that the options name. */
export function reduce(op: typeof sumOp, x: TensorLike, options: ReduceOptions = {}): Tensor {
  const rank = rankOf(x);
  return run(op, { axes: checkAxes(op.name, options.axis, rank), keepDims: options.keepDims ?? false }, x);
}

/** How many axes the tensor will have. */
export function rankOf(x: TensorLike): number {
  if (typeof x === "object" && x !== null && "shape" in x) return x.shape.length;
  let rank = 0;
  for (let v: unknown = x; Array.isArray(v); v = v[0]) rank++;
  return rank;
}

/**
 * Sum over axes, in the order that assembly/reduce.ts states.
 * Shapes: [..] -> without the reduced axes. Throws RangeError for axes that are not there. Example: `sum(x, { axis: 0 })`
 */
export const sum = (x: TensorLike, options?: ReduceOptions): Tensor => reduce(sumOp, x, options);
/**
 * Mean over axes: the sum times 1 / count.
 * Shapes: as sum. Throws RangeError for axes that are not there. Example: `mean(x, { axis: [0, 1], keepDims: true })`
 */
export const mean = (x: TensorLike, options?: ReduceOptions): Tensor => reduce(meanOp, x, options);
/**
 * Largest value over axes; NaN where one is met. Equal ones share the gradient evenly.
 * Shapes: as sum. Throws ShapeError for an empty axis, RangeError for axes that are not there. Example: `max(x, { axis: -1 })`
 */
export const max = (x: TensorLike, options?: ReduceOptions): Tensor => reduce(maxOp, x, options);
/**
 * Least value over axes; NaN where one is met. Equal ones share the gradient evenly.
 * Shapes: as sum. Throws ShapeError for an empty axis, RangeError for axes that are not there. Example: `min(x, { axis: -1 })`
 */
export const min = (x: TensorLike, options?: ReduceOptions): Tensor => reduce(minOp, x, options);
