// The header of a safetensors file: a u64 length, then JSON (name -> dtype, shape, data_offsets).
// One idea: the tensors must tile the data exactly, so a file that decodes has no byte left unexplained.
// Source: huggingface/safetensors, README.md ("Format") and safetensors/src/tensor.rs (Metadata::validate).
import { DataError, show } from "../base/errors.js";
import { fileKind } from "../base/file-kind.js";
import { showShape } from "../base/shape.js";

/** A tensor as the header describes it: where its bytes are, of whatever dtype. */
export interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: number[];
  readonly size: number;
  /** Of its bytes, counted from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the order of their data. */
  readonly entries: readonly Entry[];
  readonly metadata: Record<string, string>;
  /** Where the data begin in the file. */
  readonly dataStart: number;
}

/** Bytes of an element, where they are whole ones; other dtypes are passed over unless they are asked for. */
const bytesPerElement = new Map(
  "F32:4 I32:4 F16:2 BF16:2 F64:8 I64:8 BOOL:1 I8:1 U8:1 I16:2 U16:2 U32:4 U64:8 F8_E4M3:1 F8_E5M2:1 F8_E8M0:1 C64:8"
    .split(" ")
    .map((row) => row.split(":"))
    .map(([dtype, width]) => [dtype, Number(width)] as const),
);
export const headerLimit = 100_000_000; // that of the reference reader
export const metadataKey = "__metadata__";

/** Reads and checks the header of a whole file. Throws DataError, one line that begins with `name`. */
export function readHeader(file: Uint8Array, name: string): Header {
  const other = fileKind(file);
  if (other && other.kind !== "safetensors")
    throw new DataError(
      `${name}: expected a safetensors file, this is ${other.what}. ${other.wayOut ?? "Look at it, and at where it came from"}`,
    );
  const text = readHeaderText(file, name);
  const header = parseHeader(text, name);
  const dataStart = 8 + new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  let metadata: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header))
    if (key === metadataKey) metadata = checkMetadata(value, name);
    else entries.push(readEntry(key, value, `${name}: tensor ${show(key)}`));
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw new DataError(`${name}: the header gives the key ${show(twice)} twice`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkTiling(entries, dataStart, file.length, name);
  return { entries, metadata, dataStart };
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
  if (typeof dtype !== "string") throw new DataError(`${what}: dtype expected a text, got ${brief(dtype)}`);
  const width = bytesPerElement.get(dtype);
  if (!Array.isArray(shape)) throw new DataError(`${what}: shape expected an array of sizes, got ${brief(shape)}`);
  let size = 1;
  for (const [axis, axisSize] of shape.entries()) {
    if (!Number.isSafeInteger(axisSize) || axisSize < 0)
      throw new DataError(`${what}: shape[${axis}] expected an integer >= 0, got ${brief(axisSize)}`);
    size *= axisSize;
    if (size * (width ?? 1) > Number.MAX_SAFE_INTEGER)
      throw new DataError(`${what}: ${showSizes(shape)} has over 2^53 bytes`);
  }
  const isOffset = (offset: unknown) => Number.isSafeInteger(offset) && (offset as number) >= 0;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isOffset) || offsets[0] > offsets[1])
    throw new DataError(
      `${what}: data_offsets expected two integers with 0 <= begin <= end, got ${
        Array.isArray(offsets) && offsets.length === 2 ? offsets.map(brief).join(" and ") : brief(offsets)
      }`,
    );
  const [begin, end] = offsets as [number, number];
  if (width !== undefined && end - begin !== size * width)
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
