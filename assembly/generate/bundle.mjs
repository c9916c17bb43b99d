// Bundles src into dist: the library, its entries for Node and ONNX, the command and its worker share chunks; browsers get one file.
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const root = fileURLToPath(new URL("../../", import.meta.url));
const path = (name) => `${root}src/${name}`;
const common = {
  bundle: true,
  target: "es2022",
  format: "esm",
  legalComments: "inline",
  logLevel: "warning",
  absWorkingDir: root,
  // its build for Node imports "module" and "worker_threads", which no page and no other bundler can have
  alias: { fflate: "fflate/browser" },
  logOverride: { "ignored-bare-import": "error" },
};

// package.json's sideEffects names files of dist; of src it is this one that works by being imported alone
const methods = {
  name: "methods",
  setup({ onResolve }) {
    onResolve({ filter: /\/methods\.js$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.replace(/js$/, "ts")),
      sideEffects: true,
    }));
  },
};

// CommonJS packages of the command call require("tty"), which an ES module has not: such calls become imports,
// so that no file needs a createRequire banner, index.js least of all.
const builtinRequires = {
  name: "builtin-requires",
  setup({ onResolve, onLoad }) {
    const known = new Set(builtinModules);
    onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, "");
      return kind === "require-call" && known.has(name) ? { path: name, namespace: "builtin" } : undefined;
    });
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `import module_ from "node:${path}"; module.exports = module_;`,
    }));
  },
};

const { metafile } = await build({
  ...common,
  metafile: true,
  platform: "node",
  plugins: [builtinRequires, methods],
  outdir: "dist",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  entryPoints: Object.fromEntries(
    Object.entries({
      index: "index.ts",
      paper: "paper.ts",
      node: "node/index.ts",
      onnx: "onnx/index.ts",
      cli: "cli/main.ts",
      worker: "cli/worker.ts",
    }).flatMap(([name, file]) => (existsSync(path(file)) ? [[name, path(file)]] : [])),
  ),
});
// chunks of earlier builds go, once those of this one are there
for (const name of readdirSync(`${root}dist/chunks`))
  if (!(`dist/chunks/${name}` in metafile.outputs)) rmSync(`${root}dist/chunks/${name}`);

// what the command bundles stays under its own licence, which goes along
const packages = [
  ...new Set(
    Object.keys(metafile.inputs).flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []),
  ),
].sort();
const notices = packages.map((name) => {
  const folder = `${root}node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").trim() : ""}\n`;
});
if (packages.length > 0) writeFileSync(`${root}dist/THIRD-PARTY-LICENSES.txt`, notices.join(`\n${"-".repeat(80)}\n\n`));

// One file for a page. Injected, the module's bytes stand first: in mid-file they spoil gzip's blocks (1.5 kB). Terser takes
// another 3 kB off what esbuild alone leaves.
async function minified(outfile, format) {
  const options = { ...common, ...format, plugins: [methods], platform: "neutral", minify: true, write: false };
  const { outputFiles } = await build({ ...options, entryPoints: [path("index.ts")], inject: [path("wasm/bytes.ts")] });
  const module = format.format === "esm";
  const { code } = await minify(outputFiles[0].text, { module, ecma: 2020, compress: { passes: 3 } });
  writeFileSync(`${root}${outfile}`, `${code}\n`);
}
await minified("dist/gradnoise.min.js", { format: "iife", globalName: "gradnoise" });
await minified("dist/gradnoise.esm.min.js", { format: "esm" });
if (existsSync(`${root}dist/cli.js`)) chmodSync(`${root}dist/cli.js`, 0o755);
