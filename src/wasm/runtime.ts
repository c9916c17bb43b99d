// Runtimes: the module is compiled once, on first use; every trainer has an instance with a memory of its own.
// Dropping the trainer drops the instance, and the garbage collector takes the memory: there is nothing to dispose.
import { inflateSync } from "fflate";
import { show, tagOf } from "../base/errors.js";
import { anything, readOptions } from "../base/options.js";
import { deflated, size } from "./bytes.js";
import { checkEngine, explainCompile, explainInstance } from "./engine.js";
import type { Kernels } from "./kernels.js";
import { Memory } from "./memory.js";
import { moduleFrom, type WasmSource } from "./source.js";

let compiled: WebAssembly.Module | undefined;
let shared: Runtime | undefined;

/** Runtimes that the collector has not taken: an error tells by it too many memories from too little memory. */
let live = 0;
let collected: FinalizationRegistry<undefined> | undefined;

/** One instance of the kernels with its memory. */
export class Runtime {
  readonly kernels: Kernels;
  readonly memory: Memory;
  /** Index into `memory.i32` of the table for strided kernels: sizes, then strides, 8 each. */
  readonly table: number;
  /** Whether a scope is open on this runtime; a second one would overwrite its arena. */
  busy = false;

  constructor() {
    const module = compile();
    try {
      this.kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
    } catch (cause) {
      throw explainInstance(cause, live);
    }
    live++;
    collected ??= new FinalizationRegistry(() => {
      live--;
    });
    collected.register(this, undefined);
    this.memory = new Memory(this.kernels.memory, this.kernels.heapBase());
    this.table = this.kernels.tableAddress() >>> 2;
  }
}

/**
 * The module's bytes: base64 of a deflate stream, since an engine inflates at once only through code of ours. By
 * base/inflate.ts, which is built to pause and to stop, a cold start takes twice as long (27 -> 60 ms for the first op).
 */
function decode(): Uint8Array<ArrayBuffer> {
  const binary = atob(deflated);
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  return inflateSync(packed, { out: new Uint8Array(size) });
}

function compile(): WebAssembly.Module {
  if (compiled) return compiled;
  try {
    compiled = new WebAssembly.Module(decode());
  } catch (cause) {
    throw explainCompile(cause);
  }
  return compiled;
}

/**
 * Compiles the kernels asynchronously; needed only where an engine refuses to compile at once, or to hand over a module
 * that was fetched or compiled elsewhere.
 *
 * Throws Error where WebAssembly or its SIMD is missing or forbidden, TypeError for a `wasm` of another kind, DataError
 * for one that is not this version's gradnoise.wasm.
 * Example: `await init()`; `await init({ wasm: await fetch("gradnoise.wasm") })`
 */
export async function init(
  options: {
    /** The bytes of gradnoise.wasm, an answer of `fetch` (or its promise), or a compiled `WebAssembly.Module`. */
    wasm?: WasmSource;
  } = {},
): Promise<void> {
  // a module, an answer or a promise given bare: an object, too, but not of options
  if (typeof options === "object" && options !== null && tagOf(options) !== "Object")
    throw new TypeError(`init: expected options { wasm }, got ${show(options)}. Write init({ wasm: ... })`);
  const { wasm } = readOptions("init", options, { wasm: anything });
  if (wasm === undefined && compiled) return;
  checkEngine();
  if (wasm !== undefined) {
    compiled = await moduleFrom(wasm);
    return;
  }
  try {
    compiled = await WebAssembly.compile(decode());
  } catch (cause) {
    throw explainCompile(cause);
  }
}

/** The runtime of ops outside a trainer: host arithmetic, random numbers, `grad`. */
export function sharedRuntime(): Runtime {
  shared ??= new Runtime();
  return shared;
}
