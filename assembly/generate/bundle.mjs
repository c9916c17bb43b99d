// Bundles src into dist: the library, the Node entry, the command and its worker share chunks; browsers get one file.
import { chmodSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const path = (name) => `${root}src/${name}`;
const common = {
  bundle: true,
  target: "es2022",
  format: "esm",
  legalComments: "inline",
  logLevel: "warning",
  absWorkingDir: root,
};

await build({
  ...common,
  platform: "node",
  outdir: "dist",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  entryPoints: Object.fromEntries(
    Object.entries({ index: "index.ts", node: "node/index.ts", cli: "cli/main.ts", worker: "cli/worker.ts" }).flatMap(
      ([name, file]) => (existsSync(path(file)) ? [[name, path(file)]] : []),
    ),
  ),
});
const browser = { ...common, platform: "neutral", minify: true, entryPoints: [path("index.ts")] };
await build({ ...browser, outfile: "dist/gradnoise.min.js", format: "iife", globalName: "gradnoise" });
await build({ ...browser, outfile: "dist/gradnoise.esm.min.js" });
if (existsSync(`${root}dist/cli.js`)) chmodSync(`${root}dist/cli.js`, 0o755);
