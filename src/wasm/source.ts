// What init({ wasm }) is given, made a module: bytes in any wrapping, an answer of fetch, a module compiled elsewhere.
// A file of another version would compute other numbers in silence, so the kernels carry a stamp: version and hash.
import { DataError, printable, show, tagOf } from "../base/errors.js";
import { size, stamp } from "./bytes.js";
import { explainCompile } from "./engine.js";

/** What holds the kernels: their bytes, an answer of `fetch` (or a promise of it), or a compiled `WebAssembly.Module`. */
export type WasmSource = ArrayBuffer | ArrayBufferView | Answer | PromiseLike<WasmSource> | object;

/** What is used of a Response or a Blob. */
interface Answer {
  readonly ok?: boolean;
  readonly status?: number;
  readonly statusText?: string;
  readonly url?: string;
  readonly bodyUsed?: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
}

const SECTION = "gradnoise"; // the custom section of the stamp, written by assembly/generate/inline.mjs
const WAY_OUT = `give the bytes of gradnoise/gradnoise.wasm, a Response or a WebAssembly.Module`;

/** @internal The module, checked to be this version's kernels. Throws TypeError for another kind, DataError for other content. */
export async function moduleFrom(source: unknown): Promise<WebAssembly.Module> {
  const given = await source;
  if (tagOf(given) === "WebAssembly.Module") return checkStamp(given as WebAssembly.Module, "the module");
  const { bytes, name } = await bytesOf(given);
  checkHead(bytes, name);
  if (!WebAssembly.validate(bytes))
    throw new DataError(
      `init: ${name} (${bytes.length} bytes) is no whole WebAssembly module: it is truncated or damaged. gradnoise.wasm of ${stamp} has ${size} bytes`,
    );
  try {
    return checkStamp(await WebAssembly.compile(bytes), name);
  } catch (cause) {
    throw cause instanceof DataError ? cause : explainCompile(cause);
  }
}

async function bytesOf(given: unknown): Promise<{ bytes: Uint8Array<ArrayBuffer>; name: string }> {
  const tag = tagOf(given);
  if (ArrayBuffer.isView(given))
    return { bytes: copy(given.buffer, given.byteOffset, given.byteLength), name: '"wasm"' };
  if (tag === "ArrayBuffer" || tag === "SharedArrayBuffer")
    return { bytes: copy(given as ArrayBuffer, 0, (given as ArrayBuffer).byteLength), name: '"wasm"' };
  if (typeof (given as Answer | null)?.arrayBuffer !== "function") throw wrongKind(given);
  const answer = given as Answer;
  const name = answer.url ? printable(answer.url) : `the ${tag}`;
  if (answer.status === 0)
    throw new DataError(
      `init: ${name} may not be read from here (status 0): fetch it with CORS, or from the page's own host`,
    );
  if (answer.ok === false) {
    const status = `${answer.status} ${printable(answer.statusText ?? "")}`.trimEnd();
    throw new DataError(`init: ${name} answered ${status}: ${WAY_OUT}`);
  }
  if (answer.bodyUsed) throw new DataError(`init: ${name} was read before: give it unread, or its arrayBuffer()`);
  const buffer = await answer.arrayBuffer();
  return { bytes: new Uint8Array(buffer), name };
}

/** Of memory that nobody else writes to, as engines ask for. */
function copy(buffer: ArrayBufferLike, from: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes.set(new Uint8Array(buffer, from, length));
  return bytes;
}

function wrongKind(given: unknown): TypeError {
  const path = typeof given === "string" ? given : tagOf(given) === "URL" ? String(given) : undefined;
  const hint =
    path === undefined
      ? `${WAY_OUT[0].toUpperCase()}${WAY_OUT.slice(1)}`
      : `It does not open files: write { wasm: fetch(${show(path)}) } in a page, { wasm: await readFile(${show(path)}) } in Node`;
  return new TypeError(`init: "wasm" expected bytes, a Response or a WebAssembly.Module, got ${show(given)}. ${hint}`);
}

/** By its first bytes: what came instead of a module. */
function checkHead(bytes: Uint8Array, name: string): void {
  const head = String.fromCharCode(...bytes.subarray(0, 64));
  if (head.startsWith("\0asm")) return;
  const what =
    bytes.length === 0
      ? "empty"
      : head.startsWith("\x1f\x8b")
        ? "still gzipped"
        : /^\s*</.test(head)
          ? "a page of HTML or XML, as servers answer when a file is missing"
          : head.startsWith("version https://git-lfs")
            ? "a Git LFS pointer, not the file"
            : head.startsWith("AGFzbQ")
              ? "the base64 of a module"
              : `no WebAssembly: it starts with ${show(head.slice(0, 16))}`;
  throw new DataError(`init: ${name} (${bytes.length} bytes) is ${what}: ${WAY_OUT}`);
}

function checkStamp(module: WebAssembly.Module, name: string): WebAssembly.Module {
  const sections = WebAssembly.Module.customSections(module, SECTION);
  const found = sections.map((bytes) => String.fromCharCode(...new Uint8Array(bytes).subarray(0, 64)))[0];
  if (found === stamp) return module;
  if (found !== undefined)
    throw new DataError(
      `init: ${name} is gradnoise.wasm of ${printable(found)}, and this library is ${stamp}: copy the file anew from the package`,
    );
  const names = WebAssembly.Module.exports(module).map((entry) => printable(entry.name));
  throw new DataError(
    `init: ${name} is a WebAssembly module of another program, which exports ${names.slice(0, 4).join(", ") || "nothing"}${names.length > 4 ? ", ..." : ""}: ${WAY_OUT}`,
  );
}
