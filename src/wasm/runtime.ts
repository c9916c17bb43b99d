// Runtimes: the module is compiled once, on first use; every trainer has an instance with a memory of its own.
// Dropping the trainer drops the instance, and the garbage collector takes the memory: there is nothing to dispose.
import { inflateSync } from "fflate";
import { deflated, size } from "./bytes.js";
import type { Kernels } from "./kernels.js";
import { Memory } from "./memory.js";

let compiled: WebAssembly.Module | undefined;
let shared: Runtime | undefined;

/** One instance of the kernels with its memory. */
export class Runtime {
  readonly kernels: Kernels;
  readonly memory: Memory;
  /** Index into `memory.i32` of the table for strided kernels: sizes, then strides, 8 each. */
  readonly table: number;
  /** Whether a scope is open on this runtime; a second one would overwrite its arena. */
  busy = false;

  constructor() {
    let instance: WebAssembly.Instance;
    try {
      instance = new WebAssembly.Instance(compile());
    } catch (cause) {
      if (cause instanceof RangeError || /memory/i.test(String(cause)))
        throw new RangeError(
          "runtime: the engine refuses another WebAssembly memory. Browsers allow 125 (Chromium) to 999 (Firefox) live ones: let go of trainers you no longer use, or run them one after another; under `ulimit -v` start node with --disable-wasm-trap-handler",
          { cause },
        );
      throw cause;
    }
    this.kernels = instance.exports as unknown as Kernels;
    this.memory = new Memory(this.kernels.memory, this.kernels.heapBase());
    this.table = this.kernels.tableAddress() >>> 2;
  }
}

/** The module's bytes: base64 of a deflate stream, since an engine inflates at once only through code of ours. */
function decode(): Uint8Array<ArrayBuffer> {
  const binary = atob(deflated);
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  return inflateSync(packed, { out: new Uint8Array(size) });
}

function explain(cause: unknown): Error {
  const text = String(cause);
  if (/unsafe-eval|Content Security Policy|CSP|disallowed by embedder/i.test(text))
    return new Error(
      "runtime: the page's Content-Security-Policy forbids WebAssembly. Add 'wasm-unsafe-eval' to script-src",
      { cause },
    );
  if (/simd|invalid opcode|Wasm SIMD|unsupported/i.test(text))
    return new Error(`runtime: this engine has no WebAssembly SIMD, which gradnoise needs (${text})`, { cause });
  return new Error(`runtime: the engine did not compile the kernels at once (${text}). Call \`await init()\` first`, {
    cause,
  });
}

function compile(): WebAssembly.Module {
  if (compiled) return compiled;
  try {
    compiled = new WebAssembly.Module(decode());
  } catch (cause) {
    throw explain(cause);
  }
  return compiled;
}

/**
 * Compiles the kernels asynchronously; needed only where an engine refuses to compile at once, or to hand over a module
 * that was streamed or compiled elsewhere.
 *
 * Throws Error where WebAssembly or its SIMD is missing or forbidden.
 * Example: `await init()`; `await init({ wasm: await fetch("gradnoise.wasm").then((r) => r.arrayBuffer()) })`
 */
export async function init(
  options: { wasm?: ArrayBuffer | Uint8Array<ArrayBuffer> | WebAssembly.Module } = {},
): Promise<void> {
  if (options.wasm instanceof WebAssembly.Module) {
    compiled = options.wasm;
    return;
  }
  if (compiled && !options.wasm) return;
  try {
    compiled = await WebAssembly.compile(options.wasm ?? decode());
  } catch (cause) {
    throw explain(cause);
  }
}

/** The runtime of ops outside a trainer: host arithmetic, random numbers, `grad`. */
export function sharedRuntime(): Runtime {
  shared ??= new Runtime();
  return shared;
}
