// The IDX files of MNIST, from bytes that may be gzipped: a magic number, big-endian sizes, then raw bytes.
// One idea: a file is checked to the last byte before anything is believed, and pixels are a view, never a copy.
// Source: LeCun, Cortes, Burges, THE MNIST DATABASE, "File formats for the MNIST database".
import { checkInteger, DataError, show } from "../base/errors.js";

/** What a data file can be read from. */
export type ByteSource = Uint8Array | ArrayBuffer | Blob | Response;

/** Images of 8-bit pixels: `pixels` is [count, rows, columns], row by row. */
export interface IdxImages {
  count: number;
  rows: number;
  columns: number;
  pixels: Uint8Array;
}

const unsignedByte = 0x08;
const kinds = { images: 3, labels: 1 } as const; // rank of each

async function bytesOf(source: ByteSource, name: string): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (!(source instanceof Response))
    throw new TypeError(`${name}: expected a Uint8Array, ArrayBuffer, Blob or Response, got ${show(source)}`);
  const from = source.url === "" ? "the response" : source.url;
  if (!source.ok) throw new DataError(`${name}: ${from} answered with status ${source.status}`);
  if (source.bodyUsed) throw new TypeError(`${name}: the body of the response has already been read`);
  try {
    return new Uint8Array(await source.arrayBuffer());
  } catch (cause) {
    if ((cause as { name?: unknown } | null)?.name === "AbortError") throw cause;
    throw new DataError(`${name}: ${from} broke off before its end`, { cause });
  }
}

/**
 * The bytes of `source`, gunzipped if they begin with the gzip magic number 1f 8b.
 *
 * Throws: DataError if a response is not ok or breaks off, or if the gzip data is truncated or corrupt.
 *
 * Example: `await readBytes(await fetch("train-labels-idx1-ubyte.gz"), "train-labels-idx1-ubyte.gz")`
 */
export async function readBytes(source: ByteSource, name = "data"): Promise<Uint8Array> {
  const bytes = await bytesOf(source, name);
  if (bytes.length < 2 || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  if (typeof DecompressionStream === "undefined")
    throw new Error(`${name}: this engine has no DecompressionStream to unzip with; give the unzipped bytes`);
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new DataError(`${name}: the gzip data of ${bytes.length} bytes is truncated or corrupt`, { cause });
  }
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

function describe(kind: keyof typeof kinds): string {
  return `${kind} (idx${kinds[kind]}-ubyte`;
}

// The rank that the magic number states: bytes 0, 0, element type, rank.
function readRank(bytes: Uint8Array, name: string, kind?: keyof typeof kinds): number {
  if (bytes.length < 4)
    throw new DataError(
      `${name}: expected an IDX header of at least 8 bytes, got ${bytes.length}: the file is truncated`,
    );
  const [zero0, zero1, type, rank] = bytes;
  const magic = hex(((zero0 << 24) | (zero1 << 16) | (type << 8) | rank) >>> 0, 8);
  if (kind !== undefined && (zero0 !== 0 || zero1 !== 0 || type !== unsignedByte || rank !== kinds[kind])) {
    const other = kind === "images" ? "labels" : "images";
    const isOther = zero0 === 0 && zero1 === 0 && type === unsignedByte && rank === kinds[other];
    const what = isOther ? `is that of ${describe(other)}), ` : "is unknown, ";
    throw new DataError(
      `${name}: magic number ${magic} ${what}expected ${describe(kind)}, ${hex((unsignedByte << 8) | kinds[kind], 8)})`,
    );
  }
  if (zero0 !== 0 || zero1 !== 0)
    throw new DataError(`${name}: magic number ${magic} is not that of an IDX file, expected 0x00000801 to 0x00000804`);
  if (type !== unsignedByte)
    throw new DataError(`${name}: element type ${hex(type, 2)} is not supported, expected unsigned byte (0x08)`);
  if (rank < 1 || rank > 4) throw new DataError(`${name}: rank ${rank} is outside 1..4`);
  return rank;
}

/**
 * Reads an IDX file of unsigned bytes.
 *
 * Shapes: `data` holds the product of `shape` bytes, last axis fastest, and is a view of `bytes`.
 *
 * Throws: DataError if the magic number, the rank (1 to 4), a size or the length of the file is wrong.
 *
 * Example: `parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9), "labels").data[1] // 9`
 *
 * Source: THE MNIST DATABASE, "The IDX file format".
 */
export function parseIdx(bytes: Uint8Array, name: string): { shape: number[]; data: Uint8Array } {
  const rank = readRank(bytes, name);
  const header = 4 + 4 * rank;
  if (bytes.length < header)
    throw new DataError(
      `${name}: expected a header of ${header} bytes for rank ${rank}, got ${bytes.length}: the file is truncated`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, header);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.push(view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, axisSize) => product * axisSize, 1);
  if (bytes.length !== header + size) {
    const what = rank === kinds.images ? "images" : rank === kinds.labels ? "labels" : "bytes";
    const verdict = bytes.length < header + size ? "truncated" : "too long";
    throw new DataError(
      `${name}: expected ${header + size} bytes for ${shape.join(" x ")} ${what}, ` +
        `got ${bytes.length}: the file is ${verdict}`,
    );
  }
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + header, size) };
}

/**
 * Reads images in the form of MNIST's idx3-ubyte files, gzipped or not.
 *
 * Shapes: `pixels` is [count, rows, columns].
 *
 * Throws: DataError as `readBytes` and `parseIdx` do, or if the file holds something else than images.
 *
 * Example: `const { count, rows, columns, pixels } = await readIdxImages(await fetch(url), "train images")`
 */
export async function readIdxImages(source: ByteSource, name = "images"): Promise<IdxImages> {
  const bytes = await readBytes(source, name);
  readRank(bytes, name, "images");
  const { shape, data } = parseIdx(bytes, name);
  return { count: shape[0], rows: shape[1], columns: shape[2], pixels: data };
}

/**
 * Reads labels in the form of MNIST's idx1-ubyte files, gzipped or not.
 *
 * Throws: DataError as `readBytes` and `parseIdx` do, or if the file holds something else than labels.
 *
 * Example: `const labels = await readIdxLabels(await fetch(url), "train labels")`
 */
export async function readIdxLabels(source: ByteSource, name = "labels"): Promise<Uint8Array> {
  const bytes = await readBytes(source, name);
  readRank(bytes, name, "labels");
  return parseIdx(bytes, name).data;
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
export async function readIdxPair({
  images,
  labels,
  imagesName = "images",
  labelsName = "labels",
  classes = 10,
}: {
  images: ByteSource;
  labels: ByteSource;
  imagesName?: string;
  labelsName?: string;
  classes?: number;
}): Promise<IdxImages & { labels: Uint8Array }> {
  checkInteger("readIdxPair", "classes", classes, 1);
  const [pictures, marks] = await Promise.all([readIdxImages(images, imagesName), readIdxLabels(labels, labelsName)]);
  if (marks.length !== pictures.count)
    throw new DataError(`${labelsName}: ${marks.length} labels for the ${pictures.count} images of ${imagesName}`);
  for (let i = 0; i < marks.length; i++)
    if (marks[i] >= classes)
      throw new DataError(`${labelsName}: label ${marks[i]} at position ${i} is outside 0..${classes - 1}`);
  return { ...pictures, labels: marks };
}
