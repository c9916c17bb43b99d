// The tarball's types as strict TypeScript programs see them: every way to find them, the newest compiler and the oldest
// that is supported, the declarations checked as well, with and without a page's types.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";

const app = inject("app");
const require = createRequire(import.meta.url);
const types = fileURLToPath(new URL("../../node_modules/@types", import.meta.url));

/** What the compiler complains of; nothing when all is well. */
async function check(name: string, compiler: string, options: object, files: string[]): Promise<string> {
  const strict = { strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true };
  const config = join(app, `tsconfig.${name}.json`);
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions: { ...strict, target: "es2022", typeRoots: [types], ...options }, files }),
  );
  const tsc = join(dirname(require.resolve(`${compiler}/package.json`)), "bin/tsc");
  return promisify(execFile)(process.execPath, [tsc, "-p", config], { cwd: app }).then(
    () => "",
    ({ stdout }) => stdout,
  );
}

const resolutions: { [name: string]: object } = {
  bundler: { module: "esnext", moduleResolution: "bundler" },
  node16: { module: "node16", moduleResolution: "node16" },
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  node10: { module: "esnext", moduleResolution: "node10" },
};
const ways = ["typescript", "typescript-5.4"].flatMap((compiler) =>
  Object.keys(resolutions)
    .filter((resolution) => compiler !== "typescript" || resolution !== "node10") // the newest ones refuse that
    .map((resolution) => [compiler, resolution] as const),
);

writeFileSync(
  join(app, "bare.ts"),
  `declare const console: { log(...words: unknown[]): void };\n${readFileSync(join(app, "app.ts"), "utf8")}`,
);
writeFileSync(
  join(app, "node.ts"),
  'import { init } from "gradnoise";\nimport { mnistFromFolder } from "gradnoise/node";\n' +
    'import { toONNX } from "gradnoise/onnx";\nimport { type Tensor, zeros } from "gradnoise";\n' +
    "toONNX((p: { w: Tensor }, x: Tensor) => x.matmul(p.w), { w: zeros([3, 2]) }, zeros([2, 3])).byteLength;\n" +
    'mnistFromFolder("x").then(({ train }) => console.log(train.columns.x.mul(2).shape));\n' +
    "init({ wasm: new Uint8Array(8) });\n" +
    '// @ts-expect-error: a path is no source\ninit({ wasm: "gradnoise.wasm" });\n' +
    "// @ts-expect-error: misspelt\ninit({ wsm: new Uint8Array(8) });\n",
);
writeFileSync(
  join(app, "page.ts"),
  'import { createTrainer, data, optim, tensor } from "gradnoise";\n' +
    "const loss = (p: { w: data.Columns }, { x }: data.Columns) => x.mul(p.w.a).sum();\n" +
    "const trainer = createTrainer({ params: { w: { a: tensor(1) } }, loss, optimizer: optim.sgd(0.1) });\n" +
    "trainer.run([], { signal: new AbortController().signal });\n" +
    'fetch("a").then((answer) => data.readIdxImages(answer));\ndata.readIdxLabels(new Blob([]));\n' +
    '// @ts-expect-error: a path is no source\ndata.readIdxLabels("labels.gz");\n',
);

describe("the types of the tarball", () => {
  it.each(ways)("fit a strict program without a page's and Node's types: %s, %s", async (compiler, resolution) => {
    const bare = { lib: ["es2022"], types: [], ...resolutions[resolution] };
    expect(await check(`${compiler}-${resolution}`, compiler, bare, ["bare.ts"])).toBe("");
  });

  it("fit a page's: its answers, blobs and signals are taken", async () => {
    const page = { lib: ["es2022", "dom", "dom.iterable"], types: [], ...resolutions.bundler };
    expect(await check("page", "typescript", page, ["app.ts", "page.ts"])).toBe("");
  });

  it("fit Node's, with the entry for Node", async () => {
    const node = { lib: ["es2022"], types: ["node"], ...resolutions.nodenext };
    expect(await check("node", "typescript", node, ["app.ts", "node.ts"])).toBe("");
  });
});
