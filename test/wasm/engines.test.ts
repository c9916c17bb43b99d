// Engines that cannot run the kernels: each has its own sentence. Node plays them, by its switches.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gradnoise-engines-"));
const PROGRAM = `
const keep = [];
const tell = (error) => console.log(error.name + ": " + error.message);
try { for (let i = 0; i < (process.env.COUNT ?? 1); i++) keep.push(new Runtime()); console.log("made"); } catch (error) { tell(error); }
await init(process.env.WASM ? { wasm: new Uint8Array([0, 97, 115, 109]) } : {}).then(() => console.log("init done"), tell);
process.exit(); // the collector would take minutes to take thousands of memories
`;

beforeAll(async () => {
  await build({
    stdin: { contents: `import { init, Runtime } from "./src/wasm/runtime.ts";${PROGRAM}`, resolveDir: root },
    bundle: true,
    format: "esm",
    outfile: join(folder, "program.mjs"),
    alias: { fflate: "fflate/browser" },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Node reserves 10 GB of addresses for a memory; from 24 on it is content with less, and a memory cannot grow instead
const reserves =
  process.platform === "linux" && process.arch === "x64" && Number.parseInt(process.versions.node, 10) < 24;

/** What the program prints under a command: of the constructor, then of init. */
async function lines(command: string, env: object = {}): Promise<string[]> {
  const { stdout } = await promisify(execFile)("sh", ["-c", command.replace("node", `exec ${process.execPath}`)], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  return stdout.trim().split("\n");
}

describe("an engine", () => {
  it("that has what is needed makes a runtime", async () => {
    expect(await lines("node program.mjs")).toEqual(["made", "init done"]);
  });

  it("without WebAssembly is told from the others", async () => {
    const [made, inited] = await lines("node --jitless program.mjs 2>/dev/null");
    expect(made).toBe(
      "Error: runtime: this engine has no WebAssembly, which gradnoise runs on: it is missing or switched off (node --jitless, a browser's lockdown mode). Start it without that setting, or use another engine",
    );
    expect(inited).toBe(made);
  });

  it.runIf(process.arch === "x64")("without SIMD is told from the others, whatever init is given", async () => {
    const [made, inited] = await lines("node --no-enable-sse4-1 program.mjs");
    expect(made).toMatch(
      /^Error: runtime: this engine has no WebAssembly SIMD, which gradnoise needs: it is older than/,
    );
    expect(inited).toBe(made);
    expect((await lines("node --no-enable-sse4-1 program.mjs", { WASM: "1" }))[1]).toBe(made);
  });

  it.runIf(reserves)("in a process of little address space names the limit", async () => {
    const [made] = await lines("ulimit -v 1000000; node program.mjs", { COUNT: "40" });
    expect(made).toMatch(
      /^RangeError: runtime: the engine refuses a WebAssembly memory, though this thread holds only \d+: the process has no more memory or address space\. Under `ulimit -v` start node with --disable-wasm-trap-handler/,
    );
  });

  it.runIf(reserves)("that gives no further memory after many names their number", async () => {
    const [made] = await lines("ulimit -v 700000000; node program.mjs", { COUNT: "3000" });
    expect(made).toMatch(
      /^RangeError: runtime: the engine refuses another WebAssembly memory: up to \d{2,} trainers and loops of this thread hold one\. Chromium allows 125/,
    );
  });
});
