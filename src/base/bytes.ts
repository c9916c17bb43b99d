// What callers hand over as the bytes of a file: buffers and views of any realm (frame, vm context), and what else they
// try, each with the words that turn it into bytes.
import { kindOf, show, tagOf } from "./errors.js";

/** Bytes as `fetch`, `readFile` and typed arrays give them. */
export type Bytes = ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/**
 * The bytes of a buffer or a view as a plain Uint8Array (Node's Buffer has another slice), not copied.
 * Throws TypeError for anything else, naming the way out; `call` shows how the caller is to be called: "load(%)".
 */
export function bytesOf(owner: string, value: unknown, call: string): Uint8Array {
  return asBytes(owner, value) ?? noBytes(owner, value, call);
}

/** The TypeError for what holds no bytes; `kinds` are those that are taken. */
export function noBytes(owner: string, value: unknown, call: string, kinds = "Uint8Array, ArrayBuffer"): never {
  throw new TypeError(`${owner}: expected bytes (${kinds}), got ${describe(value, call)}`);
}

/** As `bytesOf`, or undefined for what is no buffer and no view. */
export function asBytes(owner: string, value: unknown): Uint8Array | undefined {
  const isView = ArrayBuffer.isView(value);
  const buffer = isView ? value.buffer : value;
  if (!isView && !/^(Shared)?ArrayBuffer$/.test(tagOf(value))) return undefined;
  try {
    return isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value as any);
  } catch (cause) {
    const gone = `${owner}: the ${tagOf(buffer)} has been transferred (by postMessage or structuredClone) and holds nothing any more. Keep a copy: buffer.slice(0)`;
    throw new TypeError(gone, { cause });
  }
}

/** What it is, and what to write instead. */
function describe(value: unknown, call: string): string {
  const write = (expression: string): string => call.replace("%", expression);
  if (typeof value === "string" && /^\s*[{<]|\n/.test(value))
    return `a text. A file read as text has lost its bytes: read it as an ArrayBuffer`;
  if (typeof value === "string" || tagOf(value) === "URL") {
    const path = String(value);
    const read = /^(https?|blob|data):/.test(path)
      ? `fetch it: ${write("await (await fetch(url)).arrayBuffer()")}`
      : `read the file: ${write("await readFile(path)")} in Node, ${write("await (await fetch(path)).arrayBuffer()")} in a page`;
    return `the path ${show(path)}. First ${read}`;
  }
  const tag = tagOf(value);
  if (tag === "Promise") return `a Promise. Write ${write("await ...")}`;
  if (tag === "ReadableStream") return `a ReadableStream. Write ${write("await new Response(stream).arrayBuffer()")}`;
  if (typeof (value as Blob | null | undefined)?.arrayBuffer === "function" && kindOf(value) === undefined)
    return `${/^[AEIOU]/.test(tag) ? "an" : "a"} ${tag}. Write ${write(`await ${tag.toLowerCase()}.arrayBuffer()`)}`;
  return show(value);
}
