// W6: from the start of a process to the end of its first W2 step at batch 32, beside bare Node that prints a line.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { median } from "./measure.mjs";
import { commandOf, oneThread } from "./remote.mjs";

/** Milliseconds until the process wrote its first line. Throws when it wrote none. */
function untilFirstLine([command, args]) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"], env: oneThread });
    let ms;
    child.stdout.once("data", () => {
      ms = performance.now() - start;
    });
    child.on("close", (code) => (ms === undefined ? reject(new Error(`ended with code ${code}`)) : resolve(ms)));
  });
}

/** Milliseconds of each peer, and of bare Node, medians of interleaved starts. */
export async function coldStarts(names, task, rounds) {
  const commands = { node: [process.execPath, ["-e", "console.log(1)"]] };
  for (const name of names) commands[name] = commandOf(name, [task, "--cold"]);
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let r = 0; r < Math.max(1, Math.ceil(rounds / 2)); r++)
    for (const [name, command] of Object.entries(commands)) {
      try {
        times[name].push(await untilFirstLine(command));
      } catch (error) {
        console.error(`W6 ${name}: ${error.message}`);
      }
    }
  return Object.entries(times)
    .filter(([, list]) => list.length > 0)
    .map(([peer, list]) => ({ peer, case: "cold-start", us: 1000 * median(list), value: median(list), unit: "ms" }));
}

/** Kilobytes that a page downloads: the bundle with the WASM inlined, after gzip. */
export function bundleSize() {
  const bytes = gzipSync(readFileSync(new URL("../../dist/gradnoise.min.js", import.meta.url)), { level: 9 }).length;
  return { peer: "gradnoise", case: "bundle-gzip", us: 0, value: bytes / 1000, unit: "kB" };
}
