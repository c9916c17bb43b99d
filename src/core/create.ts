// Host tensors from what people have: numbers, nested arrays, typed arrays of any realm, and tensors that have been through
// structuredClone or JSON.
import { DataError, isPlain, ShapeError, show, tagOf } from "../base/errors.js";
import { anything, oneOf, readOptions } from "../base/options.js";
import { checkShape, type Shape, showShape, sizeOf } from "../base/shape.js";
import {
  byteTensor,
  type DataType,
  type HostArray,
  hostTensor,
  isTensor,
  type NestedNumbers,
  type Tensor,
} from "./tensor.js";

/** A tensor as structuredClone, postMessage or JSON left it. */
export interface TensorForm {
  readonly shape: Shape;
  readonly dtype: DataType;
  /** The elements: in JSON `data`, in a structured clone `host`. */
  readonly data?: ArrayLike<number | string>;
  readonly host?: ArrayLike<number>;
  /** Bytes that nobody has asked for their elements yet. */
  readonly source?: { readonly bytes: Uint8Array; readonly divisor: number };
}

/** Numbers in one array of any kind. */
export type TypedArray = ArrayLike<number> & ArrayBufferView;

const isArray = (v: unknown): v is ArrayLike<unknown> =>
  Array.isArray(v) || (ArrayBuffer.isView(v) && tagOf(v) !== "DataView");

/** Whether `value` is what a tensor becomes on its way through structuredClone or JSON. */
export function isTensorForm(value: unknown): value is TensorForm {
  if (!isPlain(value) || !Array.isArray(value.shape)) return false;
  if (value.dtype !== "float32" && value.dtype !== "int32") return false;
  return isArray(value.data) || isArray(value.host) || isPlain(value.source);
}

/** A leaf of a tree that a user gives: a tensor, or what became of one. */
export const isLeaf = (value: unknown): value is Tensor | TensorForm => isTensor(value) || isTensorForm(value);

/** The tensor that a form was, or the value itself where it is none. */
export function revive(value: unknown): unknown {
  if (!isTensorForm(value)) return value;
  const shape = checkShape("tensor", value.shape);
  const { data, host, source, dtype } = value;
  const values = data ?? host;
  if (values === undefined) {
    checkSize(source!.bytes.length, shape);
    return byteTensor(new Uint8Array(source!.bytes), shape, source!.divisor);
  }
  checkSize(values.length, shape);
  const numbers = Array.from(values, (v) => (typeof v === "string" ? Number(v) : v));
  return hostTensor(typed(numbers, dtype), shape);
}

/**
 * A host tensor from numbers, nested arrays, a typed array of any kind, or a tensor that has been through structuredClone or
 * JSON.
 *
 * Shapes: nested arrays give their own shape; flat data take `shape`, by default [length]. Arrays of numbers become float32,
 * typed arrays of integers int32; `dtype` says otherwise. A Float32Array or Int32Array is kept, not copied.
 * Throws ShapeError for ragged arrays or a shape of another size, TypeError for values that are no numbers and for unknown
 * options, DataError for a value that the dtype does not hold.
 * Example: `tensor([[1, 2], [3, 4]])`; `tensor(new Float32Array(6), [2, 3])`; `tensor([0, 2], { dtype: "int32" })`
 */
export function tensor(
  values: NestedNumbers | TypedArray | readonly TypedArray[] | TensorForm,
  shapeOrOptions?: Shape | { shape?: Shape; dtype?: DataType },
): Tensor {
  if (typeof shapeOrOptions === "number")
    throw new TypeError(`tensor: a shape is an array of sizes, got ${shapeOrOptions}. Write tensor(values, [...])`);
  const options = Array.isArray(shapeOrOptions)
    ? { shape: shapeOrOptions as Shape, dtype: undefined }
    : readOptions<{ shape?: Shape; dtype?: DataType }>("tensor", shapeOrOptions as { shape?: Shape }, {
        shape: anything,
        dtype: oneOf("float32", "int32"),
      });
  if (isTensor(values))
    throw new TypeError(
      "tensor: expected numbers, got a tensor. It is one already; for a copy take tensor(t.data.slice(), t.shape)",
    );
  const whole = isTensorForm(values) ? (revive(values) as Tensor) : undefined;
  const data: unknown = whole ? whole.data : values;
  if (ArrayBuffer.isView(data) && isArray(data)) {
    const shape = checkShape("tensor", options.shape ?? whole?.shape ?? [data.length]);
    checkSize(data.length, shape);
    return hostTensor(fromTyped(data as TypedArray, options.dtype), shape);
  }
  const inferred: number[] = [];
  for (let v = data; isArray(v); v = v[0]) inferred.push(v.length);
  const flat: number[] = [];
  const walk = (v: unknown, axis: number): void => {
    if (isArray(v)) {
      if (axis >= inferred.length || v.length !== inferred[axis])
        throw new ShapeError(
          `tensor: ragged array: an array of ${v.length} stands where ${inferred[axis] ?? "a number"} is expected at axis ${axis}`,
        );
      for (let i = 0; i < v.length; i++) walk(v[i], axis + 1);
    } else if (typeof v !== "number") throw new TypeError(`tensor: expected numbers, got ${show(v)}`);
    else if (axis !== inferred.length)
      throw new ShapeError(`tensor: ragged array: a number stands where an array is expected at axis ${axis}`);
    else flat.push(v);
  };
  walk(data, 0);
  const shape = checkShape("tensor", options.shape ?? inferred);
  checkSize(flat.length, shape);
  return hostTensor(typed(flat, options.dtype ?? "float32"), shape);
}

/** A typed array as it is where it has the dtype, else a converted copy. */
function fromTyped(data: TypedArray, dtype: DataType | undefined): HostArray {
  const kind = tagOf(data);
  const own = kind === "Float32Array" ? "float32" : kind === "Int32Array" ? "int32" : undefined;
  if (own !== undefined && dtype !== undefined && dtype !== own)
    throw new TypeError(`tensor: ${show(data)} makes a tensor of ${own}, not ${dtype}`);
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  return typed(Array.from(data, Number), dtype ?? own ?? (kind.startsWith("Float") ? "float32" : "int32"));
}

const LARGEST = 3.4028235677973366e38; // from here on a double becomes Infinity as a float32

/** Numbers as an array of the dtype. Throws DataError naming the first that it does not hold. */
function typed(numbers: readonly number[], dtype: DataType): HostArray {
  const bad = numbers.findIndex((v) =>
    dtype === "int32" ? v !== (v | 0) : Math.abs(v) >= LARGEST && Number.isFinite(v),
  );
  if (bad >= 0)
    throw new DataError(
      `tensor: value ${numbers[bad]} at position ${bad} ${dtype === "int32" ? "is no 32-bit integer" : "does not fit float32"}`,
    );
  return dtype === "int32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
}

function checkSize(count: number, shape: Shape): void {
  if (count !== sizeOf(shape))
    throw new ShapeError(
      `tensor: ${count} values do not fill the shape ${showShape(shape)}, which holds ${sizeOf(shape)}`,
    );
}

/**
 * A host tensor of zeros.
 * Throws ShapeError for a size that is no integer >= 0 or more than 8 axes, TypeError for a shape that is no array.
 * Example: `zeros([2, 3])`
 */
export function zeros(shape: Shape): Tensor {
  const checked = checkShape("zeros", shape);
  return hostTensor(new Float32Array(sizeOf(checked)), checked);
}

/**
 * A host tensor of one value.
 * Throws as zeros, TypeError for a value that is no number, DataError for one that float32 does not hold.
 * Example: `full([2, 3], 0.1)`
 */
export function full(shape: Shape, value: number): Tensor {
  const checked = checkShape("full", shape);
  if (typeof value !== "number") throw new TypeError(`full: "value" expected a number, got ${show(value)}`);
  if (Math.abs(value) >= LARGEST && Number.isFinite(value))
    throw new DataError(`full: value ${value} does not fit float32`);
  return hostTensor(new Float32Array(sizeOf(checked)).fill(value), checked);
}
