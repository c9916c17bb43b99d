// Why an engine runs no kernels, told apart by asking it, since each words its errors in its own way: WebAssembly is
// missing, a policy forbids it, it has no SIMD, it gives no memory, or it compiles nothing at once.

// the smallest module there is, and one function that returns i8x16.popcnt of a splat: v128 in a type and in two opcodes
const EMPTY = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SIMD = [...EMPTY, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 10, 1, 8, 0, 0x41, 0, 0xfd, 15, 0xfd, 98, 11];

/** Live WebAssembly memories that one page may have: 125 in Chromium, 999 in Firefox. Fewer than this is no limit of number. */
const MANY = 50;

/** Throws the sentence for an engine on which no module can work, whatever its bytes. */
export function checkEngine(): void {
  if (typeof WebAssembly !== "object")
    throw new Error(
      "runtime: this engine has no WebAssembly, which gradnoise runs on: it is missing or switched off (node --jitless, a browser's lockdown mode). Start it without that setting, or use another engine",
    );
  const forbidden = forbids();
  if (forbidden)
    throw new Error(
      "runtime: the page's Content-Security-Policy, or the program that embeds this engine, forbids WebAssembly. Add 'wasm-unsafe-eval' to the policy's script-src",
      { cause: forbidden },
    );
  if (!WebAssembly.validate(new Uint8Array(SIMD)))
    throw new Error(
      "runtime: this engine has no WebAssembly SIMD, which gradnoise needs: it is older than Chrome 91, Firefox 89, Safari 16.4 and Node 16.4, runs on a processor without SSE4.1, or has SIMD switched off. Use a newer one, or start it without that setting",
    );
}

/** What the engine says when even the empty module is refused; WebKit refuses only to make the instance. */
function forbids(): Error | undefined {
  try {
    new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(EMPTY)));
  } catch (cause) {
    return isMemory(cause) ? undefined : (cause as Error);
  }
}

/** Whether an engine's error is about memory or address space, not about the module. */
const isMemory = (cause: unknown): boolean =>
  /memory|allocat/i.test(String(cause)) ||
  (cause instanceof RangeError && !/main thread|disallowed/i.test(cause.message));

/** Why the kernels were not compiled. */
export function explainCompile(cause: unknown): Error {
  checkEngine();
  if (isMemory(cause)) return explainMemory(cause, 0);
  return new Error(
    `runtime: the engine did not compile the kernels at once (${cause instanceof Error ? cause.message : cause}). Call \`await init()\` first`,
    { cause },
  );
}

/** Why the kernels got no instance; `live` runtimes at most are alive. */
export function explainInstance(cause: unknown, live: number): Error {
  checkEngine();
  if (isMemory(cause)) return explainMemory(cause, live);
  return new Error(
    `runtime: the engine made no instance of the kernels (${cause instanceof Error ? cause.message : cause}). Use another engine, or report this with its name and version`,
    { cause },
  );
}

function explainMemory(cause: unknown, live: number): RangeError {
  return new RangeError(
    live >= MANY
      ? `runtime: the engine refuses another WebAssembly memory: up to ${live} trainers and loops of this thread hold one. Chromium allows 125, Firefox 999, a process under \`ulimit -v\` fewer. Let go of trainers you no longer use, run them one after another, or reload the page: a hot reload keeps those that its old modules still refer to`
      : `runtime: the engine refuses a WebAssembly memory, though this thread holds only ${live}: the process has no more memory or address space. Under \`ulimit -v\` start node with --disable-wasm-trap-handler, or raise the limit; in a page, close other frames and workers that hold memories`,
    { cause },
  );
}
