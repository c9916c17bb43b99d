// The tarball's types as strict TypeScript programs see them: a bundler's resolution, Node's own, with and without a page.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";

const app = inject("app");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const types = fileURLToPath(new URL("../../node_modules/@types", import.meta.url));

/** What the compiler complains of; nothing when all is well. */
async function check(name: string, options: object, files: string[]): Promise<string> {
  const strict = { strict: true, noEmit: true, target: "es2022", exactOptionalPropertyTypes: true, typeRoots: [types] };
  const config = join(app, `tsconfig.${name}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
  return promisify(execFile)(process.execPath, [tsc, "-p", config], { cwd: app }).then(
    () => "",
    ({ stdout }) => stdout,
  );
}

describe("the types of the tarball", () => {
  it("fit a strict program under a bundler's resolution, the declarations checked as well", async () => {
    const page = { lib: ["es2022", "dom", "dom.iterable"], types: [], skipLibCheck: false };
    expect(await check("page", { module: "esnext", moduleResolution: "bundler", ...page }, ["app.ts"])).toBe("");
  });

  it("fit a strict program under Node's resolution, without a page's types", async () => {
    writeFileSync(
      join(app, "node.ts"),
      'import { init, type Tensor, zeros } from "gradnoise";\nimport { mnistFromFolder } from "gradnoise/node";\n' +
        'import { toONNX } from "gradnoise/onnx";\n' +
        "toONNX((p: { w: Tensor }, x: Tensor) => x.matmul(p.w), { w: zeros([3, 2]) }, zeros([2, 3])).byteLength;\n" +
        'mnistFromFolder("x").then(({ train }) => console.log(train.columns.x.mul(2).shape));\n' +
        "init({ wasm: new Uint8Array(8) });\n" +
        '// @ts-expect-error: a path is no source\ninit({ wasm: "gradnoise.wasm" });\n' +
        "// @ts-expect-error: misspelt\ninit({ wsm: new Uint8Array(8) });\n",
    );
    const node = { lib: ["es2022"], types: ["node"], skipLibCheck: false };
    expect(await check("node", { module: "nodenext", ...node }, ["app.ts", "node.ts"])).toBe("");
  });
});
