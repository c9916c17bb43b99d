// Safetensors files: from named tensors to bytes and back; anything but a whole and consistent file is refused.
// Source: huggingface/safetensors, README.md ("Format").
import { bytesOf } from "../base/bytes.js";
import { isPlain, ShapeError, show, tagOf } from "../base/errors.js";
import { checkShape, showShape, sizeOf } from "../base/shape.js";
import type { DataType, HostArray } from "../core/tensor.js";
import { type Entry, headerLimit, metadataKey, readHeader } from "./safetensors-header.js";
import { readValues } from "./safetensors-values.js";

/** A tensor as a safetensors file holds it: `data` is row-major, and as long as the product of `shape`. */
export interface StoredTensor {
  shape: readonly number[];
  dtype: DataType;
  data: HostArray;
}

/** A file that has been checked, whose tensors are read one by one. */
export interface SafetensorsFile {
  /** By name, in the order of their data. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: Record<string, string>;
  /** The bytes of a tensor, as the file holds them. */
  raw(entry: Entry): Uint8Array;
  /** A tensor as float32 or int32, as `readValues` does it. */
  read(entry: Entry, wanted?: DataType): StoredTensor;
}

function checkLittleEndian(owner: string): void {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1)
    throw new Error(
      `${owner}: this machine is big-endian; safetensors data is read and written in place as little-endian`,
    );
}

const NAN = 0x7fc00000; // the one that is written: which bits a NaN has depends on the engine and its compiler's tier

/** The same bytes with one NaN for all: as they are where there is none, else a copy. */
export function withOneNaN(data: HostArray): HostArray {
  if (tagOf(data) !== "Float32Array") return data;
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  // without a branch per value: with one, digest took half as long again
  let found = 0;
  for (let i = 0; i < bits.length; i++) found |= 0x7f800000 - (bits[i] & 0x7fffffff);
  if (found >= 0) return data;
  return new Float32Array(bits.map((b) => ((b & 0x7fffffff) > 0x7f800000 ? NAN : b)).buffer);
}

/**
 * The bytes of a safetensors file that holds `tensors`, in the order of the map, and `metadata`. NaN is written as one.
 *
 * Throws: TypeError if a dtype and its data differ or a metadata value is no string; ShapeError if the data does not
 * fill its shape; RangeError for the reserved name "__metadata__" and for names that are not well-formed text.
 *
 * Example: `encodeSafetensors(new Map([["bias", { shape: [2], dtype: "float32", data: Float32Array.of(1, 2) }]]))`
 *
 * Source: huggingface/safetensors, README.md, "Format".
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const owner = "encodeSafetensors";
  checkLittleEndian(owner);
  const entries: string[] = []; // joined by hand: an object would move keys such as "7" to the front
  checkMetadata(owner, metadata);
  if (Object.keys(metadata).length > 0) entries.push(`"${metadataKey}":${JSON.stringify(metadata)}`);
  let dataLength = 0;
  for (const [name, { shape, dtype, data }] of tensors) {
    const what = `${owner}: tensor ${show(name)}`;
    if (name === metadataKey) throw new RangeError(`${what}: this name is reserved for the metadata`);
    if (/\p{Surrogate}/u.test(name)) throw new RangeError(`${what}: the name holds half of a surrogate pair`);
    const isFloat = dtype === "float32";
    if (!isFloat && dtype !== "int32")
      throw new TypeError(`${what}: dtype expected "float32" or "int32", got ${show(dtype)}`);
    if (tagOf(data) !== (isFloat ? "Float32Array" : "Int32Array"))
      throw new TypeError(`${what}: dtype is ${dtype}, but data is ${show(data)}`);
    if (sizeOf(checkShape(what, shape)) !== data.length)
      throw new ShapeError(`${what}: shape ${showShape(shape)} takes ${sizeOf(shape)} values, data has ${data.length}`);
    const end = dataLength + data.byteLength;
    const header = { dtype: isFloat ? "F32" : "I32", shape, data_offsets: [dataLength, end] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(header)}`);
    dataLength = end;
  }
  const header = new TextEncoder().encode(`{${entries.join(",")}}`);
  const headerLength = Math.ceil(header.length / 8) * 8;
  if (headerLength > headerLimit)
    throw new RangeError(`${owner}: the header of ${headerLength} bytes is above the limit of ${headerLimit}`);
  const file = allocate(owner, 8 + headerLength + dataLength);
  new DataView(file.buffer).setUint32(0, headerLength, true); // the upper half stays 0
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, 8 + headerLength);
  let offset = 8 + headerLength;
  for (const { data } of tensors.values()) {
    const { buffer, byteOffset, byteLength } = withOneNaN(data);
    file.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

function allocate(owner: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new RangeError(
      `${owner}: a file of ${length} bytes is more than this engine gives one array. Save the tree in parts`,
      { cause },
    );
  }
}

/** Throws unless the metadata are texts that UTF-8 can spell. */
export function checkMetadata(owner: string, metadata: unknown): asserts metadata is Record<string, string> {
  if (!isPlain(metadata))
    throw new TypeError(`${owner}: metadata expected an object of strings, got ${show(metadata)}`);
  for (const [key, value] of Object.entries(metadata)) {
    const what = `${owner}: metadata ${show(key)}`;
    if (typeof value !== "string")
      throw new TypeError(
        `${what} expected a string, got ${show(value)}${typeof value === "number" ? `. Write String(${value})` : ""}`,
      );
    if (/\p{Surrogate}/u.test(key + value)) throw new RangeError(`${what} holds half of a surrogate pair`);
  }
}

/**
 * A safetensors file, checked but for the values of its tensors, which are read when they are asked for.
 * Throws DataError, one line that begins with `name`, for anything but a whole and consistent file, TypeError for what
 * holds no bytes; `call` is how the caller is called: "load(%)".
 */
export function openSafetensors(bytes: unknown, name: string, call = "%"): SafetensorsFile {
  const file = bytesOf(name, bytes, call);
  checkLittleEndian(name);
  const { entries, metadata, dataStart } = readHeader(file, name);
  return {
    entries: new Map(entries.map((entry) => [entry.name, entry])),
    metadata,
    raw: ({ begin, end }) => file.subarray(dataStart + begin, dataStart + end),
    read(entry, wanted) {
      const data = readValues(file, dataStart + entry.begin, entry, `${name}: tensor ${show(entry.name)}`, wanted);
      return { shape: entry.shape, dtype: data instanceof Float32Array ? "float32" : "int32", data };
    },
  };
}

/**
 * The tensors of a safetensors file, in the order of their data, and its metadata.
 *
 * Floats of other widths become float32, other whole numbers and booleans int32. F32 and I32 data is a view of `bytes`
 * where its position is a multiple of 4, and a copy elsewhere: copy it if `bytes` is to be written to.
 *
 * Throws: DataError, one line that begins with `name`, for anything but a whole and consistent file, for dtypes that are
 * unknown, and for a value that float32 or int32 cannot hold.
 *
 * Example: `const { tensors, metadata } = decodeSafetensors(bytes, "model.safetensors")`
 *
 * Source: huggingface/safetensors, README.md, "Format", and tensor.rs, Metadata::validate.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name = "safetensors",
): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  const { entries, metadata, read } = openSafetensors(bytes, name);
  return { tensors: new Map([...entries].map(([key, entry]) => [key, read(entry)])), metadata };
}
