// Shapes: sizes, strides, axes and the broadcasting rule (numpy's: align at the right, 1 stretches).
import { ShapeError, show } from "./errors.js";

/** Sizes of the axes, at most 8 of them; [] is a scalar. */
export type Shape = readonly number[];

const MOST = 2 ** 30; // elements of 4 bytes in the 4 GiB that wasm32 addresses

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Checks that every size is an integer >= 0 and that the rank is at most 8; returns a frozen copy. */
export function checkShape(owner: string, shape: unknown): Shape {
  if (!Array.isArray(shape)) throw new TypeError(`${owner}: a shape is an array of sizes, got ${show(shape)}`);
  if (shape.length > 8) throw new ShapeError(`${owner}: rank ${shape.length} is above 8: ${showShape(shape)}`);
  for (const size of shape)
    if (!Number.isSafeInteger(size) || size < 0)
      throw new ShapeError(`${owner}: every size is an integer >= 0, got ${show(size)} in ${showShape(shape)}`);
  if (sizeOf(shape) > MOST)
    throw new ShapeError(
      `${owner}: ${showShape(shape)} holds ${sizeOf(shape)} elements; the 4 GiB of WebAssembly hold 2^30 at most`,
    );
  return Object.freeze(shape.slice());
}

/** The shape that `a` and `b` broadcast to. */
export function broadcastShapes(owner: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? a[a.length - i] : 1;
    const y = i <= b.length ? b[b.length - i] : 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(
        `${owner}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast: ${x} against ${y} at axis ${-i}. Sizes must be equal or 1, counted from the right`,
      );
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** Strides that read a tensor of `shape` as if it had `target`: 0 where it is stretched. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((size, i) => (i < lead || (shape[i - lead] === 1 && size !== 1) ? 0 : own[i - lead]));
}

/** One axis, negative counted from the end, as an index 0..rank-1. */
export function checkAxis(owner: string, axis: unknown, rank: number): number {
  if (typeof axis !== "number") {
    const named = typeof axis === "object" && axis !== null ? (axis as { axis?: unknown }).axis : undefined;
    const hint = typeof named === "number" ? `. Write it by position: ${owner}(x, ${named})` : "";
    throw new TypeError(`${owner}: "axis" expected an integer, got ${show(axis)}${hint}`);
  }
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new RangeError(
      `${owner}: axis ${show(axis)} is outside ${rank === 0 ? "a scalar, which has no axes" : `${-rank}..${rank - 1}`}`,
    );
  return axis < 0 ? axis + rank : axis;
}

/** A sorted list of distinct axes; all of them when none is named. */
export function checkAxes(owner: string, axes: number | readonly number[] | undefined | null, rank: number): number[] {
  if (axes === undefined || axes === null) return Array.from({ length: rank }, (_, i) => i);
  if (typeof axes !== "number" && !Array.isArray(axes))
    throw new TypeError(`${owner}: "axis" expected an integer or a list of them, got ${show(axes)}`);
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((axis) => checkAxis(owner, axis, rank));
  list.sort((a, b) => a - b);
  for (let i = 1; i < list.length; i++)
    if (list[i] === list[i - 1]) throw new RangeError(`${owner}: axis ${list[i]} is named twice in ${show(axes)}`);
  return list;
}
