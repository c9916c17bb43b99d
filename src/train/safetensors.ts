// The safetensors format: a u64 header length, a JSON header (name -> dtype, shape, data_offsets), then the data.
// One idea: the tensors must tile the data exactly, so a file that decodes has no byte left unexplained.
// Source: huggingface/safetensors, README.md ("Format") and safetensors/src/tensor.rs (Metadata::validate).
import { DataError, ShapeError, show } from "../base/errors.js";
import { checkShape, showShape, sizeOf } from "../base/shape.js";

/** A tensor as a safetensors file holds it: `data` is row-major, and as long as the product of `shape`. */
export interface StoredTensor {
  shape: readonly number[];
  dtype: "float32" | "int32";
  data: Float32Array | Int32Array;
}

interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  size: number;
  begin: number;
  end: number;
}

const bytesPerElement = new Map([
  ["F32", 4],
  ["I32", 4],
  ["F16", 2],
  ["BF16", 2],
  ["F64", 8],
  ["I64", 8],
]);
const headerLimit = 100_000_000; // that of the reference reader
const metadataKey = "__metadata__";

function checkLittleEndian(owner: string): void {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1)
    throw new Error(
      `${owner}: this machine is big-endian; safetensors data is read and written in place as little-endian`,
    );
}

/**
 * The bytes of a safetensors file that holds `tensors`, in the order of the map, and `metadata`.
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
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== "string")
      throw new TypeError(`${owner}: metadata ${show(key)} expected a string, got ${show(value)}`);
  if (Object.keys(metadata).length > 0) entries.push(`"${metadataKey}":${JSON.stringify(metadata)}`);
  let dataLength = 0;
  for (const [name, { shape, dtype, data }] of tensors) {
    const what = `${owner}: tensor ${show(name)}`;
    if (name === metadataKey) throw new RangeError(`${what}: this name is reserved for the metadata`);
    if (/\p{Surrogate}/u.test(name)) throw new RangeError(`${what}: the name holds half of a surrogate pair`);
    const isFloat = dtype === "float32";
    if (!isFloat && dtype !== "int32")
      throw new TypeError(`${what}: dtype expected "float32" or "int32", got ${show(dtype)}`);
    if (!(data instanceof (isFloat ? Float32Array : Int32Array)))
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
  const file = new Uint8Array(8 + headerLength + dataLength);
  new DataView(file.buffer).setUint32(0, headerLength, true); // the upper half stays 0
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, 8 + headerLength);
  let offset = 8 + headerLength;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

/**
 * The tensors of a safetensors file, in the order of their data, and its metadata.
 *
 * F16, BF16 and F64 become float32, I64 becomes int32. F32 and I32 data is a view of `bytes` where its position is a
 * multiple of 4, and a copy elsewhere: copy it if `bytes` is to be written to.
 *
 * Throws: DataError, one line that begins with `name`, for anything but a whole and consistent file, for other dtypes,
 * and for a value that float32 or int32 cannot hold.
 *
 * Example: `const { tensors, metadata } = decodeSafetensors(bytes, "model.safetensors")`
 *
 * Source: huggingface/safetensors, README.md, "Format", and tensor.rs, Metadata::validate.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name = "safetensors",
): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  checkLittleEndian(name);
  // A plain Uint8Array, whatever subclass came in: Node's Buffer has another slice.
  const file = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = readHeaderText(file, name);
  const header = parseHeader(text, name);
  const dataStart = 8 + new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  let metadata: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header))
    if (key === metadataKey) metadata = checkMetadata(value, name);
    else entries.push(readEntry(key, value, `${name}: tensor ${brief(key)}`));
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw new DataError(`${name}: the header gives the key ${brief(twice)} twice`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkTiling(entries, dataStart, file.length, name);
  const tensors = new Map<string, StoredTensor>();
  for (const entry of entries) {
    const data = readData(file, dataStart + entry.begin, entry, `${name}: tensor ${brief(entry.name)}`);
    tensors.set(entry.name, { shape: entry.shape, dtype: data instanceof Float32Array ? "float32" : "int32", data });
  }
  return { tensors, metadata };
}

// A value from a hostile file for a message: short, on one line, and without recursion into deep nests.
function brief(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return show(typeof value === "string" && value.length > 80 ? `${value.slice(0, 80)}...` : value);
}

// Whether JSON gave an object; arrays and null are none.
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readHeaderText(file: Uint8Array, name: string): string {
  if (file.length < 8)
    throw new DataError(`${name}: expected at least 8 bytes, got ${file.length}: the file is truncated`);
  const headerLength = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  if (headerLength > BigInt(headerLimit))
    throw new DataError(`${name}: header length ${headerLength} is above the limit of ${headerLimit} bytes`);
  const end = 8 + Number(headerLength);
  if (end > file.length)
    throw new DataError(
      `${name}: expected a header of ${end - 8} bytes, got ${file.length - 8}: the file is truncated`,
    );
  try {
    // slice, as browsers do not decode shared memory; ignoreBOM, so that a byte order mark is refused as JSON.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file.slice(8, end));
  } catch (cause) {
    throw new DataError(`${name}: the header of ${end - 8} bytes is not valid UTF-8`, { cause });
  }
}

function parseHeader(text: string, name: string): Record<string, unknown> {
  if (text[0] !== "{") throw new DataError(`${name}: the header expected a JSON object, got ${brief(text)}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${name}: the header is not valid JSON: ${brief(text)}`, { cause });
  }
}

// The first key that an object of this valid JSON text gives twice: JSON.parse would keep the last without a word.
function findDuplicateKey(json: string): string | undefined {
  const open: (Set<string> | "{" | "[")[] = []; // each enclosing object or array; an object's keys once it has any
  let isKey = false;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{" || character === "[") {
      isKey = character === "{";
      open.push(character);
    } else if (character === "}" || character === "]") open.pop();
    else if (character === ",") isKey = open[open.length - 1] !== "[";
    else if (character === '"') {
      const start = i++;
      while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
      if (!isKey) continue;
      const key: string = JSON.parse(json.slice(start, i + 1));
      const keys = open[open.length - 1];
      if (typeof keys === "string") open[open.length - 1] = new Set([key]);
      else if (keys.has(key)) return key;
      else keys.add(key);
      isKey = false;
    }
  }
  return undefined;
}

function checkMetadata(value: unknown, name: string): Record<string, string> {
  if (!isObject(value))
    throw new DataError(`${name}: ${metadataKey} expected an object of strings, got ${brief(value)}`);
  for (const [key, text] of Object.entries(value))
    if (typeof text !== "string")
      throw new DataError(`${name}: ${metadataKey} ${brief(key)} expected a string, got ${brief(text)}`);
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown, what: string): Entry {
  if (!isObject(value)) throw new DataError(`${what}: expected an object, got ${brief(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  const width = typeof dtype === "string" ? bytesPerElement.get(dtype) : undefined;
  if (typeof dtype !== "string" || width === undefined) {
    const known = [...bytesPerElement.keys()].join(", ");
    throw new DataError(`${what}: dtype ${brief(dtype)} is not supported, expected one of ${known}`);
  }
  if (!Array.isArray(shape)) throw new DataError(`${what}: shape expected an array of sizes, got ${brief(shape)}`);
  let size = 1;
  for (const [axis, axisSize] of shape.entries()) {
    if (!Number.isSafeInteger(axisSize) || axisSize < 0)
      throw new DataError(`${what}: shape[${axis}] expected an integer >= 0, got ${brief(axisSize)}`);
    size *= axisSize;
    if (size * width > Number.MAX_SAFE_INTEGER) throw new DataError(`${what}: ${showSizes(shape)} has over 2^53 bytes`);
  }
  const isOffset = (offset: unknown) => Number.isSafeInteger(offset) && (offset as number) >= 0;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isOffset) || offsets[0] > offsets[1])
    throw new DataError(
      `${what}: data_offsets expected two integers with 0 <= begin <= end, got ${
        Array.isArray(offsets) && offsets.length === 2 ? offsets.map(brief).join(" and ") : brief(offsets)
      }`,
    );
  const [begin, end] = offsets as [number, number];
  if (end - begin !== size * width)
    throw new DataError(
      `${what}: ${showSizes(shape)} of ${dtype} takes ${size * width} bytes, ` +
        `data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  return { name, dtype, shape: shape.map(Math.abs), size, begin, end }; // abs: JSON can spell -0
}

// The shape for a message; a hostile one may have millions of axes.
function showSizes(shape: readonly number[]): string {
  return shape.length > 8 ? `shape of rank ${shape.length}` : `shape ${showShape(shape)}`;
}

// Throws unless the entries, sorted by position, cover the data with no gap, overlap or remainder.
function checkTiling(entries: readonly Entry[], dataStart: number, fileLength: number, name: string): void {
  const end = entries.reduce((furthest, entry) => Math.max(furthest, entry.end), 0);
  if (dataStart + end > fileLength)
    throw new DataError(`${name}: expected ${dataStart + end} bytes, got ${fileLength}: the file is truncated`);
  let covered = 0;
  let previous = "";
  for (const { name: tensor, begin, end } of entries) {
    const what = `${name}: tensor ${brief(tensor)} begins at byte ${begin} of the data`;
    if (begin < covered) throw new DataError(`${what}, but tensor ${brief(previous)} ends at ${covered}: they overlap`);
    if (begin > covered) throw new DataError(`${what}, but bytes ${covered} to ${begin - 1} belong to no tensor`);
    covered = end;
    previous = tensor;
  }
  if (dataStart + end < fileLength)
    throw new DataError(`${name}: expected ${dataStart + end} bytes, got ${fileLength}: the file is too long`);
}

function readData(file: Uint8Array, start: number, entry: Entry, what: string): Float32Array | Int32Array {
  const { dtype, size } = entry;
  if (dtype === "F32" || dtype === "I32") {
    const position = file.byteOffset + start;
    const aligned = position % 4 === 0;
    const buffer = aligned ? file.buffer : file.slice(start, start + 4 * size).buffer;
    const offset = aligned ? position : 0;
    return dtype === "F32" ? new Float32Array(buffer, offset, size) : new Int32Array(buffer, offset, size);
  }
  const view = new DataView(file.buffer, file.byteOffset + start);
  if (dtype === "I64") {
    const data = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      const low = view.getInt32(8 * i, true);
      if (view.getInt32(8 * i + 4, true) !== low >> 31)
        throw new DataError(`${what}: value ${view.getBigInt64(8 * i, true)} at position ${i} does not fit int32`);
      data[i] = low;
    }
    return data;
  }
  const data = new Float32Array(size);
  if (dtype === "F64") {
    for (let i = 0; i < size; i++) {
      const value = view.getFloat64(8 * i, true);
      data[i] = value;
      if (Number.isFinite(value) && !Number.isFinite(data[i]))
        throw new DataError(`${what}: value ${value} at position ${i} does not fit float32`);
    }
    return data;
  }
  const bits = new Uint32Array(data.buffer); // both 16-bit formats are widened bit by bit, so NaN stays as it is
  if (dtype === "BF16") for (let i = 0; i < size; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  else for (let i = 0; i < size; i++) bits[i] = widenHalf(view.getUint16(2 * i, true));
  return data;
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
