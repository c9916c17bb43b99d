// Bytes from whatever holds a file: buffers, views, a Blob, a Response; unzipped where they are gzipped.
import { asBytes, type Bytes, noBytes } from "../base/bytes.js";
import { DataError, kindOf } from "../base/errors.js";
import { gunzip, isGzip } from "./gzip.js";

/** What a Blob, a File, a Response and their like of other realms and libraries have in common. */
interface Body {
  arrayBuffer(): Promise<ArrayBuffer>;
  readonly ok?: boolean;
  readonly status?: number;
  readonly url?: string;
  readonly bodyUsed?: boolean;
}

/** What a data file can be read from: buffers and views, a Blob, a File, a Response. */
export type ByteSource = Bytes | Body;

async function rawBytes(source: unknown, name: string): Promise<Uint8Array> {
  const given = asBytes(name, source);
  if (given) return given;
  const body = source as Body | null | undefined;
  if (typeof body?.arrayBuffer !== "function" || kindOf(source) !== undefined)
    return noBytes(name, source, "%", "Uint8Array, ArrayBuffer, Blob or Response");
  const from = body.url ? body.url : "the response";
  if (body.ok === false) throw new DataError(`${name}: ${from} answered with status ${body.status}`);
  if (body.bodyUsed) throw new TypeError(`${name}: the body of the response has already been read`);
  try {
    return new Uint8Array(await body.arrayBuffer());
  } catch (cause) {
    if ((cause as { name?: unknown } | null)?.name === "AbortError") throw cause;
    throw new DataError(`${name}: ${body.url === undefined ? "it" : from} broke off before its end`, { cause });
  }
}

/**
 * The bytes of `source`, gunzipped if they begin with the gzip magic number 1f 8b.
 *
 * Throws: DataError if a response is not ok or breaks off, or if the gzip data is truncated or corrupt.
 *
 * Example: `await readBytes(await fetch("train-labels-idx1-ubyte.gz"), "train-labels-idx1-ubyte.gz")`
 */
export async function readBytes(
  source: ByteSource,
  name = "data",
  sizeOf?: (start: Uint8Array) => number | undefined,
): Promise<Uint8Array> {
  const bytes = await rawBytes(source, name);
  return isGzip(bytes) ? gunzip(bytes, name, sizeOf) : bytes;
}
