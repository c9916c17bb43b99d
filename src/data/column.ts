// A column of a dataset from whatever people have: tensors, nested arrays, typed arrays of any kind and realm, rows of
// bytes. Whole-number arrays become int32, floats float32 (doubles rounded); anything else is named with its place.
import { asBytes } from "../base/bytes.js";
import { DataError, isPlain, kindOf, ShapeError, show, tagOf } from "../base/errors.js";
import { anything, readOptions } from "../base/options.js";
import { checkShape, type Shape, sameShape, showShape, sizeOf } from "../base/shape.js";
import { byteTensor, type HostArray, hostTensor, isTensor, type NestedNumbers, type Tensor } from "../core/tensor.js";

/** Rows of bytes divided by one number, kept as bytes: images as their files hold them. */
export interface ByteColumn {
  /** One after another, row by row. */
  readonly bytes: Uint8Array | Uint8ClampedArray;
  /** Of the column: [examples, ..]. */
  readonly shape: readonly number[];
  /** What each byte is divided by, exactly rounded to float32. */
  readonly divisor: number;
}

/** A typed array of numbers; whole ones become int32, floats float32. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** What a column can be made of: rows along the first axis. */
export type ColumnLike = Tensor | ByteColumn | NumberArray | NestedNumbers | readonly (NumberArray | Tensor)[];

/** The column as a host tensor. Throws naming `what`, which begins every message. */
export function columnOf(what: string, column: unknown): Tensor {
  if (isTensor(column)) return column.source ? column : hostTensor(column.data, column.shape);
  if (ArrayBuffer.isView(column)) {
    const data = valuesOf(what, column);
    return hostTensor(data, Object.freeze([data.length]));
  }
  if (Array.isArray(column)) return nested(what, column);
  if (isPlain(column) && ("bytes" in column || "shape" in column || "divisor" in column))
    return byteColumn(what, column as unknown as ByteColumn);
  throw new TypeError(`${what} expected a tensor, an array or a typed array, got ${describe(column)}`);
}

function describe(value: unknown): string {
  if (kindOf(value) === "tensor")
    return "a tensor of a second copy of gradnoise. Import one copy alone, or give its data";
  if (/^(Shared)?ArrayBuffer$/.test(tagOf(value)))
    return `${show(value)}. Write { bytes: new Uint8Array(buffer), shape, divisor: 255 }`;
  return show(value);
}

/** A typed array as float32 or int32: itself where it is one of them in this realm, else a copy. */
function valuesOf(what: string, view: ArrayBufferView): HostArray {
  if (view instanceof Float32Array || view instanceof Int32Array) return view;
  const tag = tagOf(view);
  if (tag === "DataView") throw new TypeError(`${what} expected numbers, got ${show(view)}. Make a typed array of it`);
  const values = view as unknown as ArrayLike<number | bigint>;
  if (tag.startsWith("Float")) {
    const out = new Float32Array(values.length);
    for (let i = 0; i < out.length; i++) {
      out[i] = values[i] as number;
      if (Math.abs(out[i]) === Infinity && Math.abs(values[i] as number) !== Infinity)
        throw new DataError(`${what} holds ${values[i]} at position ${i}, which is beyond float32`);
    }
    return out;
  }
  if (!/32|64/.test(tag)) return Int32Array.from(values as ArrayLike<number>);
  const out = new Int32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = Number(values[i]);
    if (out[i] !== Number(values[i]))
      throw new DataError(`${what} holds ${values[i]} at position ${i}, which is beyond int32`);
  }
  return out;
}

/** Nested arrays; their innermost may be typed arrays or tensors, rows of one shape and dtype. */
function nested(what: string, column: readonly unknown[]): Tensor {
  const outer: number[] = [];
  let first: unknown = column;
  for (; Array.isArray(first) && outer.length <= 8; first = first[0]) outer.push(first.length);
  const isNumbers = first === undefined || typeof first === "number";
  const row = isNumbers ? undefined : leafOf(what, first, "[0]".repeat(outer.length));
  const shape = checkShape(what, row ? [...outer, ...row.shape] : outer);
  const size = sizeOf(shape);
  const data = row?.dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
  const at: number[] = []; // indices of the node that is looked at
  const path = (depth: number): string =>
    at
      .slice(0, depth)
      .map((i) => `[${i}]`)
      .join("");
  const isArray = (node: unknown): boolean => Array.isArray(node) || ArrayBuffer.isView(node) || isTensor(node);
  const ragged = (node: unknown, depth: number, expected: string): ShapeError =>
    new ShapeError(`${what} is ragged: ${shown(node)} stands at ${path(depth)}, where ${expected} is expected`);
  let next = 0;
  const fill = (node: unknown, depth: number): void => {
    if (depth < outer.length) {
      if (!Array.isArray(node) || node.length !== outer[depth])
        throw isArray(node) || typeof node === "number"
          ? ragged(node, depth, `an array of ${outer[depth]}`)
          : noNumber(what, node, path(depth));
      for (let i = 0; i < node.length; i++) {
        at[depth] = i;
        fill(node[i], depth + 1);
      }
    } else if (row === undefined) {
      if (typeof node !== "number")
        throw isArray(node) ? ragged(node, depth, "a number") : noNumber(what, node, path(depth));
      data[next] = node;
      if (Math.abs(data[next]) === Infinity && Number.isFinite(node))
        throw new DataError(`${what} holds ${node} at ${path(depth)}, which is beyond float32`);
      next++;
    } else {
      if (typeof node === "number" || Array.isArray(node)) throw ragged(node, depth, show(first));
      const leaf = leafOf(what, node, path(depth));
      if (!sameShape(leaf.shape, row.shape) || leaf.dtype !== row.dtype)
        throw ragged(leaf, depth, `${showShape(row.shape)} ${row.dtype}`);
      data.set(leaf.data, next);
      next += leaf.size;
    }
  };
  fill(column, 0);
  return hostTensor(data, shape);
}

const shown = (node: unknown): string =>
  Array.isArray(node)
    ? `an array of ${node.length}`
    : isTensor(node)
      ? `${showShape(node.shape)} ${node.dtype}`
      : show(node);

function noNumber(what: string, node: unknown, path: string): TypeError {
  const hint = typeof node === "bigint" ? ". Write Number(...)" : typeof node === "boolean" ? ". Write 1 and 0" : "";
  return new TypeError(`${what} expected numbers, got ${show(node)} at ${path}${hint}`);
}

function leafOf(what: string, node: unknown, path: string): Tensor {
  if (isTensor(node)) return node;
  if (ArrayBuffer.isView(node)) return columnOf(`${what}${path}`, node);
  throw noNumber(what, node, path);
}

const byteRules = { bytes: anything, shape: anything, divisor: anything };

function byteColumn(what: string, column: ByteColumn): Tensor {
  const { bytes, shape, divisor } = readOptions(what, column, byteRules);
  const own =
    ArrayBuffer.isView(bytes) && /^Uint8(Clamped)?Array$/.test(tagOf(bytes)) ? asBytes(what, bytes) : undefined;
  if (!own) throw new TypeError(`${what}: "bytes" expected a Uint8Array, got ${show(bytes)}`);
  if (shape === undefined)
    throw new TypeError(`${what}: "shape" is missing. Write { bytes, shape: [examples, ...], divisor }`);
  const checked: Shape = checkShape(`${what}: "shape"`, shape);
  const expected = sizeOf(checked);
  if (own.length !== expected)
    throw new DataError(`${what} of shape ${showShape(checked)} needs ${expected} bytes, got ${own.length}`);
  if (typeof divisor !== "number")
    throw new TypeError(
      `${what}: "divisor" expected a number > 0, got ${show(divisor)}. Write 255 for 0..1, 1 for the bytes`,
    );
  // so that no byte but 0 is 0, and none is infinite
  if (!(divisor > 0) || Math.fround(1 / divisor) === 0 || Math.fround(255 / divisor) === Infinity)
    throw new RangeError(
      `${what}: "divisor" expected a number > 0${divisor > 0 ? " by which bytes stay within float32" : ""}, got ${divisor}`,
    );
  if (Math.fround(divisor) === divisor) return byteTensor(own, checked, divisor);
  // The runtime divides by a float32; for any other divisor the values are made here, once: float32 of the exact quotient.
  const quotients = Float32Array.from({ length: 256 }, (_, byte) => byte / divisor);
  return hostTensor(
    Float32Array.from(own, (byte) => quotients[byte]),
    checked,
  );
}
