// The packed tarball in a page, through the bundlers that people use and without one: the same program, the same bits.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import type { Browser } from "playwright";
import { createServer, build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import webpack from "webpack";
import { firstLine, hasChromium, launch, serve } from "./page.js";

const app = inject("app");
const read = (file: string): string => readFileSync(join(app, file), "utf8");

/** What app.ts prints, everywhere. */
const RESULT = '{"digest":"20333d20ea36c5df","shape":[2,10],"learnt":true}';

const page = (scripts: string): string => `<!doctype html><link rel="icon" href="data:,">${scripts}`;
const bundled = (file: string): string => page(`<script type="module" src="/${file}"></script>`);
const mapped = (file: string): string =>
  page(
    `<script type="importmap">{"imports":{"gradnoise":"/node_modules/gradnoise/dist/${file}"}}</script><script type="module" src="/app.js"></script>`,
  );

/** What bundles `${entry}.js` into a folder of its name. With no settings but where, and with no word of complaint. */
const bundlers: { [name: string]: (entry: string) => Promise<void> } = {
  async esbuild(entry) {
    const options = { absWorkingDir: app, entryPoints: [`${entry}.js`], outdir: "esbuild" };
    const { warnings } = await esbuild({ ...options, bundle: true, minify: true, format: "esm" });
    expect(warnings).toEqual([]);
  },
  async webpack(entry) {
    const compiler = webpack({
      context: app,
      mode: "production",
      entry: `./${entry}.js`,
      output: { path: join(app, "webpack"), filename: `${entry}.js` },
      performance: false, // its word on files above 244 kB
    })!;
    const stats = await new Promise<webpack.Stats>((resolve, reject) =>
      compiler.run((error, found) => (error ? reject(error) : resolve(found!))),
    );
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
    expect([errors, warnings]).toEqual([[], []]);
  },
  async vite(entry) {
    const output = { entryFileNames: "[name].js" };
    const build = { outDir: "vite", emptyOutDir: false, rollupOptions: { input: join(app, `${entry}.js`), output } };
    await vite({ root: app, configFile: false, logLevel: "error", build });
  },
};

const node = (...words: string[]): string =>
  execFileSync(process.execPath, words, { cwd: app, encoding: "utf8" }).trim();

describe("the tarball in Node", () => {
  it("trains, methods included", () => {
    expect(node("app.js")).toBe(RESULT);
  });

  it("answers require(), as CommonJS programs write it", () => {
    const program =
      'const { tensor } = require("gradnoise"); require("gradnoise/node"); console.log(tensor([1, 2]).mul(3).sum().item())';
    expect(node("--no-warnings", "-e", program)).toBe("9");
  });

  it("gives tensors with their methods from gradnoise/node alone", () => {
    const header = (magic: number, ...sizes: number[]): number[] =>
      [magic, ...sizes].flatMap((n) => [0, 0, n >> 8, n & 255]);
    for (const name of ["train", "t10k"]) {
      writeFileSync(join(app, `${name}-images-idx3-ubyte`), Buffer.from([...header(0x803, 1, 2, 2), 0, 51, 102, 255]));
      writeFileSync(join(app, `${name}-labels-idx1-ubyte`), Buffer.from([...header(0x801, 1), 7]));
    }
    const program =
      'import { mnistFromFolder as read } from "gradnoise/node"; console.log((await read(".")).train.columns.x.mul(5).max().item())';
    expect(node("--input-type=module", "-e", program)).toBe("5");
  });
});

describe.each([
  [
    "onnx",
    `import { zeros } from "gradnoise"; import { toONNX } from "gradnoise/onnx";
     console.log(toONNX((p, x) => x.matmul(p.w).add(1), { w: zeros([3, 2]) }, zeros([2, 3])).length > 99);`,
  ],
  [
    "paper",
    `import { digest } from "gradnoise"; import { spirals } from "gradnoise/paper";
     const run = spirals.start(spirals.data.embedded.spirals(), { steps: 40 });
     while (!run.finished) run.step();
     console.log(run.summary().digest === digest(run.params));`,
  ],
])("a program that imports gradnoise/%s beside gradnoise", (entry, program) => {
  writeFileSync(join(app, `${entry}.js`), program);

  it("has one Tensor of the two entries in Node", () => {
    expect(node(`${entry}.js`)).toBe("true");
  });

  it.each(Object.keys(bundlers))("has one Tensor of the two entries through %s", async (name) => {
    await bundlers[name](entry);
    expect(node(`${name}/${entry}.js`)).toBe("true");
  });
});

describe("a program that imports nothing but tensor", () => {
  it.each(Object.keys(bundlers))("has its methods when %s has bundled it", async (name) => {
    const program =
      'import { tensor } from "gradnoise"; console.log(tensor([[1, 2], [3, 4]]).matmul([[1], [1]]).max().item());';
    writeFileSync(join(app, "small.js"), program);
    await bundlers[name]("small");
    expect(node(`${name}/small.js`)).toBe("7");
  });
});

describe.runIf(hasChromium)("the tarball in Chromium", () => {
  let browser: Browser;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    browser = await launch();
    const global = read("app.js").replace(/import (\{[^}]*\}) from "gradnoise";/, "const $1 = gradnoise;");
    const texts = {
      ...Object.fromEntries(Object.keys(bundlers).map((name) => [`/${name}.html`, bundled(`${name}/app.js`)])),
      "/module.html": mapped("index.js"),
      "/minified.html": mapped("gradnoise.esm.min.js"),
      "/script.html": page(
        `<script src="/node_modules/gradnoise/dist/gradnoise.min.js"></script><script>${global}</script>`,
      ),
    };
    ({ server, url } = await serve(app, texts));
  });
  afterAll(async () => {
    server?.close();
    await browser?.close();
  });

  it.each(Object.keys(bundlers))("trains when %s has bundled it", async (name) => {
    await bundlers[name]("app");
    expect(await firstLine(browser, `${url}/${name}.html`)).toBe(RESULT);
  });

  it("trains while Vite serves it for development", async () => {
    writeFileSync(join(app, "index.html"), bundled("app.js"));
    const development = await createServer({ root: app, configFile: false, logLevel: "error" });
    try {
      await development.listen();
      expect(await firstLine(browser, development.resolvedUrls!.local[0])).toBe(RESULT);
    } finally {
      await development.close();
    }
  });

  it.each([
    ["as a module that nothing has bundled", "module"],
    ["as the minified module", "minified"],
    ["as the script with a global", "script"],
  ])("trains %s", async (_, name) => {
    expect(await firstLine(browser, `${url}/${name}.html`)).toBe(RESULT);
  });
});
