// The values of a safetensors tensor as float32 or int32, from any dtype that the format knows, or a refusal that names
// the first that does not fit: floats may be rounded (F64), whole numbers never.
// Source: the format's dtypes; F8 as in Micikevicius et al. 2022, arXiv 2209.05433, table 1.
import { DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import type { DataType, HostArray } from "../core/tensor.js";
import type { Entry } from "./safetensors-header.js";

/** How a value of a dtype is read, at element i; whole numbers beyond 2^53 as they are. */
type Read = (view: DataView, i: number) => number | bigint;

const wholes: { readonly [dtype: string]: Read } = {
  BOOL: (view, i) => view.getUint8(i),
  U8: (view, i) => view.getUint8(i),
  I8: (view, i) => view.getInt8(i),
  U16: (view, i) => view.getUint16(2 * i, true),
  I16: (view, i) => view.getInt16(2 * i, true),
  U32: (view, i) => view.getUint32(4 * i, true),
  I32: (view, i) => view.getInt32(4 * i, true),
  U64: (view, i) => narrow(view.getBigUint64(8 * i, true)),
  I64: (view, i) => narrow(view.getBigInt64(8 * i, true)),
};

const narrow = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** Bits of the float32 that is the float of fewer bits: NaN stays as it is. */
const floats: { readonly [dtype: string]: (view: DataView, i: number) => number } = {
  F32: (view, i) => view.getUint32(4 * i, true),
  F16: (view, i) => widenHalf(view.getUint16(2 * i, true)),
  BF16: (view, i) => view.getUint16(2 * i, true) << 16,
  F8_E5M2: (view, i) => widenHalf(view.getUint8(i) << 8), // half a half: the same exponent
  F8_E4M3: (view, i) => widenE4M3(view.getUint8(i)),
};

const doesNotFit = (what: string, value: number | bigint, i: number, entry: Entry, dtype: DataType): DataError => {
  const isWhole = Object.hasOwn(wholes, entry.dtype);
  const turned = isWhole === (dtype === "int32") ? "" : ` the file's ${entry.dtype} is wanted as ${dtype}:`;
  return new DataError(`${what}:${turned} value ${value} at position ${i} does not fit ${dtype}`);
};

/**
 * The values of a tensor, whose bytes begin at `start` of `file`, as `wanted`; by default int32 for whole numbers and
 * booleans, float32 for floats. F32 and I32 as they are are a view of `file` where they lie at a multiple of 4.
 * Throws DataError for a dtype that is unknown, a rank above 8, and a value that does not fit.
 */
export function readValues(file: Uint8Array, start: number, entry: Entry, what: string, wanted?: DataType): HostArray {
  const { dtype, size, shape } = entry;
  if (shape.length > 8) throw new DataError(`${what}: rank ${shape.length} is above 8, the most a tensor has here`);
  const large = shape.find((axisSize) => axisSize >= 2 ** 31);
  if (large !== undefined) throw new DataError(`${what}: ${showShape(shape)} has an axis of 2^31 or more`);
  const isWhole = Object.hasOwn(wholes, dtype); // a name such as "constructor" is in every object
  if (!isWhole && !Object.hasOwn(floats, dtype) && dtype !== "F64") {
    const known = [...Object.keys(floats), "F64", ...Object.keys(wholes)].join(", ");
    throw new DataError(
      `${what}: dtype ${show(dtype)} has no counterpart here, known are ${known}. Ask for the other tensors with { like }`,
    );
  }
  const target = wanted ?? (isWhole ? "int32" : "float32");
  if ((dtype === "F32" && target === "float32") || (dtype === "I32" && target === "int32")) {
    const position = file.byteOffset + start;
    const aligned = position % 4 === 0;
    const buffer = aligned ? file.buffer : file.slice(start, start + 4 * size).buffer;
    const offset = aligned ? position : 0;
    return target === "float32" ? new Float32Array(buffer, offset, size) : new Int32Array(buffer, offset, size);
  }
  const view = new DataView(file.buffer, file.byteOffset + start, entry.end - entry.begin);
  if (dtype === "F64") return target === "int32" ? toInt32((i) => view.getFloat64(8 * i, true)) : doubles();
  if (isWhole) {
    const read = wholes[dtype];
    if (dtype === "BOOL")
      for (let i = 0; i < size; i++)
        if (view.getUint8(i) > 1) throw new DataError(`${what}: byte ${view.getUint8(i)} at position ${i} is no BOOL`);
    return target === "int32" ? toInt32((i) => read(view, i)) : toFloat32((i) => read(view, i));
  }
  const data = new Float32Array(size);
  const bits = new Uint32Array(data.buffer);
  const read = floats[dtype];
  for (let i = 0; i < size; i++) bits[i] = read(view, i);
  return target === "float32" ? data : toInt32((i) => data[i]);

  function doubles(): Float32Array {
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const value = view.getFloat64(8 * i, true);
      data[i] = value;
      if (Number.isFinite(value) && !Number.isFinite(data[i])) throw doesNotFit(what, value, i, entry, "float32");
    }
    return data;
  }
  function toInt32(read: (i: number) => number | bigint): Int32Array {
    const data = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      const value = read(i);
      if (typeof value === "bigint" || value !== (value | 0)) throw doesNotFit(what, value, i, entry, "int32");
      data[i] = value;
    }
    return data;
  }
  function toFloat32(read: (i: number) => number | bigint): Float32Array {
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const value = read(i);
      data[i] = Number(value);
      if (typeof value === "bigint" ? BigInt(data[i]) !== value : data[i] !== value)
        throw doesNotFit(what, value, i, entry, "float32");
    }
    return data;
  }
}

// The float32 bits of a float16: sign 1, exponent 5 (bias 15), fraction 10 bits. Exact.
function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13); // 112 = 127 - 15
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // a subnormal: moves its leading 1 to bit 10, which float32 leaves out
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

// The float32 bits of an F8_E4M3 (fn): sign 1, exponent 4 (bias 7), fraction 3 bits; no infinities, one NaN. Exact.
function widenE4M3(byte: number): number {
  const sign = (byte & 0x80) << 24;
  const exponent = (byte >> 3) & 15;
  const fraction = byte & 7;
  if ((byte & 0x7f) === 0x7f) return sign | 0x7fc00000;
  if (exponent > 0) return sign | ((exponent + 120) << 23) | (fraction << 20); // 120 = 127 - 7
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 28; // a subnormal: moves its leading 1 to bit 3
  return sign | ((121 - shift) << 23) | (((fraction << shift) & 7) << 20);
}
