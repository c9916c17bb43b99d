// Runs the built command as a user does.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { digits } from "../../src/data/index.js";

export const script = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder of this test file, with the cache in it; removed at the end. */
export const scratch = mkdtempSync(join(tmpdir(), "gradnoise-cli-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** How the command is called in its own sentences, when it is run as here. */
export const self = `node ${script}`;

/** The environment of the command: nothing of the npm script that runs the tests. */
export const environment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  XDG_CACHE_HOME: join(scratch, "cache"),
  FORCE_COLOR: undefined,
});

/** `watch` sees stdout so far, again and again, and the process, to signal it. */
export function gradnoise(
  words: string | readonly string[],
  watch?: (stdout: string, child: ChildProcess) => void,
): Promise<Outcome> {
  const list = typeof words === "string" ? words.split(" ").filter(Boolean) : words;
  const child = spawn(process.execPath, [script, ...list], {
    cwd: scratch,
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    watch?.(stdout, child);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

/** Events as they are: their tests say what they hold. */
export const jsonLines = (text: string): any[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** A command line as a shell runs it; `$G` is the command. */
export function shell(line: string): Promise<Outcome> {
  const child = spawn("bash", ["-c", line], {
    cwd: scratch,
    env: { ...environment(), G: `${process.execPath} ${script}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...texts })));
}

/** A folder in the form of MNIST with a few drawn digits: read at once, where drawing all of them takes its time. */
export function digitsFolder(train: number, test: number, name = "digits-in-files"): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const drawn = digits({ train, test });
  for (const [prefix, { columns, size }] of [
    ["train", drawn.train],
    ["t10k", drawn.test],
  ] as const) {
    const images = Uint8Array.from(columns.x.data, (v) => Math.round(v * 255));
    const header = (magic: number, ...sizes: number[]): Buffer => {
      const bytes = Buffer.alloc(4 + 4 * sizes.length);
      bytes.writeUInt32BE(magic);
      sizes.forEach((n, i) => {
        bytes.writeUInt32BE(n, 4 + 4 * i);
      });
      return bytes;
    };
    writeFileSync(join(folder, `${prefix}-images-idx3-ubyte`), Buffer.concat([header(0x803, size, 28, 28), images]));
    const labels = Uint8Array.from(columns.y.data);
    writeFileSync(join(folder, `${prefix}-labels-idx1-ubyte`), Buffer.concat([header(0x801, size), labels]));
  }
  return folder;
}

/** The runs of the summary that ends a --json output. */
export const summaryRuns = (text: string): any[] => jsonLines(text).at(-1).runs;
