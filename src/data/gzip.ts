// gzip files, with the same result on every engine: one member or several, and padding of zeros after the last.
// Checked to the last byte: sizes, checksums, and that nothing else follows.
// Source: RFC 1952, section 2.3.
import { DataError } from "../base/errors.js";
import { crc32, InflateError, inflate, type Sink } from "../base/inflate.js";
import { pause } from "../base/pause.js";

const SLICE_MS = 12; // less than a frame: a page stays alive

/** Whether the bytes begin as a gzip file does. */
export const isGzip = (bytes: Uint8Array): boolean => bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Where the deflate data of a member begin, behind its header and the optional fields; -1 where it is none. */
function dataStart(bytes: Uint8Array, at: number): number {
  const flags = bytes[at + 3];
  if (!isGzip(bytes.subarray(at)) || bytes[at + 2] !== 8 || flags > 31) return -1;
  let start = at + 10;
  if (flags & 4) start += 2 + (bytes[start] | (bytes[start + 1] << 8)); // extra field
  for (const flag of [8, 16]) if (flags & flag) while (start < bytes.length && bytes[start++] !== 0); // name, comment
  return flags & 2 ? start + 2 : start; // the header's own checksum, which few write and nobody reads
}

/**
 * The contents of a gzip file. `sizeOf` is given the first bytes of them, and may tell how many there are to be: no more are
 * inflated, so that a small file cannot fill the memory.
 * Throws DataError for anything that is not whole, and for more bytes than `sizeOf` told.
 */
export async function gunzip(
  bytes: Uint8Array,
  name: string,
  sizeOf?: (start: Uint8Array) => number | undefined,
): Promise<Uint8Array> {
  const broken = (): DataError =>
    new DataError(`${name}: the gzip data of ${bytes.length} bytes is truncated or corrupt`);
  const sink: Sink = { bytes: new Uint8Array(65536), length: 0, limit: Infinity };
  sink.plan = () => {
    sink.limit = sizeOf?.(sink.bytes.subarray(0, sink.length)) ?? Infinity;
    sink.plan = undefined;
  };
  let since = performance.now();
  const breathe = async (): Promise<void> => {
    if (performance.now() - since < SLICE_MS) return;
    await pause();
    since = performance.now();
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    if (at > 0 && bytes[at] === 0) {
      if (bytes.subarray(at).some((byte) => byte !== 0)) break;
      return sink.bytes.subarray(0, sink.length);
    }
    if (at > 0 && !isGzip(bytes.subarray(at))) break;
    const begin = sink.length;
    try {
      const start = dataStart(bytes, at);
      if (start < 0) throw broken();
      const blocks = inflate(bytes, start, sink);
      let next = blocks.next();
      for (; !next.done; next = blocks.next()) await breathe();
      at = next.value;
    } catch (cause) {
      if (cause instanceof InflateError && cause.reason === "limit")
        throw new DataError(
          `${name}: its header announces ${sink.limit} bytes, the gzip data hold more: the file is too long`,
        );
      if (cause instanceof RangeError)
        throw new DataError(`${name}: unzipped it takes more bytes than this engine gives one array`, { cause });
      throw cause instanceof InflateError ? broken() : cause;
    }
    if (at + 8 > bytes.length) throw broken();
    let crc = 0;
    for (let from = begin; from < sink.length; from += 1 << 21, await breathe())
      crc = crc32(sink.bytes, from, Math.min(from + (1 << 21), sink.length), crc);
    if (view.getUint32(at, true) !== crc || view.getUint32(at + 4, true) !== (sink.length - begin) % 2 ** 32)
      throw broken();
    at += 8;
  }
  if (at < bytes.length)
    throw new DataError(
      `${name}: after the gzip data follow ${bytes.length - at} bytes that are neither another member nor padding. Get the file again`,
    );
  return sink.bytes.subarray(0, sink.length);
}
