// The IDX files of MNIST, from bytes that may be gzipped: a magic number, big-endian sizes, then the values.
// One idea: a file is checked to the last byte before anything is believed, and pixels are a view, never a copy.
// Source: LeCun, Cortes, Burges, THE MNIST DATABASE, "File formats for the MNIST database".
import { type Bytes, bytesOf } from "../base/bytes.js";
import { DataError } from "../base/errors.js";
import { fileKind } from "../base/file-kind.js";
import { anything, integer, readOptions } from "../base/options.js";
import { type ByteSource, readBytes } from "./source.js";

/** Images of 8-bit pixels: `pixels` is [count, rows, columns], row by row. */
export interface IdxImages {
  count: number;
  rows: number;
  columns: number;
  pixels: Uint8Array;
}

/** What an IDX file holds: bytes as they are, whole numbers as int32, floats as float32. */
export interface IdxArray {
  shape: number[];
  /** Row by row; bytes are a view of the file. */
  data: Uint8Array | Int32Array | Float32Array;
}

const unsignedByte = 0x08;
const kinds = { images: 3, labels: 1 } as const; // rank of each

/** Element types by their number; unsigned bytes need no reading. */
const elements: { readonly [type: number]: { readonly width: number; read?(view: DataView, at: number): number } } = {
  [unsignedByte]: { width: 1 },
  9: { width: 1, read: (view, at) => view.getInt8(at) },
  11: { width: 2, read: (view, at) => view.getInt16(at) },
  12: { width: 4, read: (view, at) => view.getInt32(at) },
  13: { width: 4, read: (view, at) => view.getFloat32(at) },
  14: { width: 8, read: (view, at) => view.getFloat64(at) },
};

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

function describe(kind: keyof typeof kinds): string {
  return `${kind} (idx${kinds[kind]}-ubyte`;
}

// The element type and the rank that the magic number states: bytes 0, 0, element type, rank.
function readMagic(bytes: Uint8Array, name: string, kind?: keyof typeof kinds): { type: number; rank: number } {
  const found = bytes[0] === 0 && bytes[1] === 0 && bytes[2] in elements ? undefined : fileKind(bytes);
  if (found)
    throw new DataError(
      `${name}: expected an IDX file, this is ${found.what}. ${found.kind === "gzip" ? "Unzip it, or use readIdxImages and readIdxLabels, which do" : (found.wayOut ?? "Get the file again")}`,
    );
  if (bytes.length < 4)
    throw new DataError(
      `${name}: expected an IDX header of at least 8 bytes, got ${bytes.length}: the file is truncated`,
    );
  const [zero0, zero1, type, rank] = bytes;
  const magic = hex(((zero0 << 24) | (zero1 << 16) | (type << 8) | rank) >>> 0, 8);
  if (zero0 !== 0 || zero1 !== 0)
    throw new DataError(`${name}: magic number ${magic} is not that of an IDX file, expected 0x00000801 to 0x00000804`);
  if (kind !== undefined && rank !== kinds[kind]) {
    const other = kind === "images" ? "labels" : "images";
    const what = rank === kinds[other] && type === unsignedByte ? `is that of ${describe(other)}), ` : "is unknown, ";
    throw new DataError(
      `${name}: magic number ${magic} ${what}expected ${describe(kind)}, ${hex((unsignedByte << 8) | kinds[kind], 8)})`,
    );
  }
  if (!(type in elements))
    throw new DataError(
      `${name}: element type ${hex(type, 2)} is unknown, expected 0x08 (uint8), 0x09 (int8), 0x0b (int16), 0x0c (int32), 0x0d (float32) or 0x0e (float64)`,
    );
  if (rank < 1 || rank > 4) throw new DataError(`${name}: rank ${rank} is outside 1..4`);
  return { type, rank };
}

/** What the header announces; undefined where the bytes are a beginning that does not hold all of it. */
function readHeader(bytes: Uint8Array, name: string, kind?: keyof typeof kinds) {
  const { type, rank } = readMagic(bytes, name, kind);
  const header = 4 + 4 * rank;
  if (bytes.length < header) return { type, header };
  const view = new DataView(bytes.buffer, bytes.byteOffset, header);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.push(view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, axisSize) => product * axisSize, 1);
  return { type, header, shape, size, length: header + size * elements[type].width };
}

/**
 * Reads an IDX file: of unsigned bytes, or of the other element types there are.
 *
 * Shapes: `data` holds the product of `shape` values, last axis fastest. Unsigned bytes are a view of `bytes`; other whole
 * numbers become an Int32Array, float32 and float64 a Float32Array.
 *
 * Throws: DataError if the magic number, the rank (1 to 4), a size or the length of the file is wrong, for a double
 * beyond float32, and for another file, which it names; TypeError for what holds no bytes.
 *
 * Example: `parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9), "labels").data[1] // 9`
 *
 * Source: THE MNIST DATABASE, "The IDX file format".
 */
export function parseIdx(bytes: Bytes, name = "parseIdx"): IdxArray {
  const file = bytesOf(name, bytes, "parseIdx(%)");
  const { type, header, shape, size, length } = readHeader(file, name);
  if (shape === undefined)
    throw new DataError(`${name}: expected a header of ${header} bytes, got ${file.length}: the file is truncated`);
  if (file.length !== length) {
    const what = shape.length === kinds.images ? "images" : shape.length === kinds.labels ? "labels" : "values";
    const verdict = file.length < length ? "truncated" : "too long";
    throw new DataError(
      `${name}: expected ${length} bytes for ${shape.join(" x ")} ${what}, got ${file.length}: the file is ${verdict}`,
    );
  }
  const { width, read } = elements[type];
  if (!read) return { shape, data: file.subarray(header) };
  const view = new DataView(file.buffer, file.byteOffset + header);
  const data = type < 13 ? new Int32Array(size) : new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const value = read(view, i * width);
    data[i] = value;
    if (type === 14 && Number.isFinite(value) && !Number.isFinite(data[i]))
      throw new DataError(`${name}: value ${value} at position ${i} does not fit float32`);
  }
  return { shape, data };
}

/** Images or labels as bytes, of any whole-number element type whose values are bytes. */
async function readKind(
  source: ByteSource,
  name: string,
  kind: keyof typeof kinds,
): Promise<IdxArray & { data: Uint8Array }> {
  const bytes = await readBytes(source, name, (start) => readHeader(start, name, kind).length);
  const { type } = readMagic(bytes, name, kind);
  const { shape, data } = parseIdx(bytes, name);
  if (type === unsignedByte) return { shape, data: data as Uint8Array };
  const at = data.findIndex((value) => value !== (value & 255));
  if (at >= 0)
    throw new DataError(
      `${name}: value ${data[at]} at position ${at} of element type ${hex(type, 2)} is no byte. Read such a file with parseIdx`,
    );
  return { shape, data: Uint8Array.from(data) };
}

/**
 * Reads images in the form of MNIST's idx3-ubyte files, gzipped or not.
 *
 * Shapes: `pixels` is [count, rows, columns].
 *
 * Throws: DataError for a response that failed, broken gzip data and as `parseIdx` does, or if the file holds something else than images.
 *
 * Example: `const { count, rows, columns, pixels } = await readIdxImages(await fetch(url), "train images")`
 */
export async function readIdxImages(source: ByteSource, name = "images"): Promise<IdxImages> {
  const { shape, data } = await readKind(source, name, "images");
  return { count: shape[0], rows: shape[1], columns: shape[2], pixels: data };
}

/**
 * Reads labels in the form of MNIST's idx1-ubyte files, gzipped or not.
 *
 * Throws: DataError for a response that failed, broken gzip data and as `parseIdx` does, or if the file holds something else than labels.
 *
 * Example: `const labels = await readIdxLabels(await fetch(url), "train labels")`
 */
export async function readIdxLabels(source: ByteSource, name = "labels"): Promise<Uint8Array> {
  return (await readKind(source, name, "labels")).data;
}

/**
 * Reads images and their labels, and checks that they belong together.
 *
 * Shapes: `pixels` is [count, rows, columns], `labels` is [count].
 *
 * Throws: DataError as the two readers do, or if the counts differ, or at the first label that is not below `classes`.
 *
 * Example: `await readIdxPair({ images: await fetch(imagesUrl), labels: await fetch(labelsUrl) })`
 */
export async function readIdxPair(pair: {
  images: ByteSource;
  labels: ByteSource;
  imagesName?: string;
  labelsName?: string;
  classes?: number;
}): Promise<IdxImages & { labels: Uint8Array }> {
  const read = readOptions("readIdxPair", pair, {
    images: anything,
    labels: anything,
    imagesName: anything,
    labelsName: anything,
    classes: integer(1),
  });
  const { images, labels, imagesName = "images", labelsName = "labels", classes = 10 } = read;
  const [pictures, marks] = await Promise.all([readIdxImages(images, imagesName), readIdxLabels(labels, labelsName)]);
  if (marks.length !== pictures.count)
    throw new DataError(`${labelsName}: ${marks.length} labels for the ${pictures.count} images of ${imagesName}`);
  for (let i = 0; i < marks.length; i++)
    if (marks[i] >= classes)
      throw new DataError(`${labelsName}: label ${marks[i]} at position ${i} is outside 0..${classes - 1}`);
  return { ...pictures, labels: marks };
}
