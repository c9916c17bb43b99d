// Pages in which the kernels cannot run, or no more of them: each says why in its own sentence.
import type { Browser } from "playwright";
import { afterAll, describe, expect, inject, it } from "vitest";
import { firstLine, hasChromium, launch, serve } from "./page.js";

const app = inject("app");
const script = (program: string): string =>
  `<!doctype html><link rel="icon" href="data:,"><script src="/node_modules/gradnoise/dist/gradnoise.min.js"></script><script>
const tell = (error) => console.log(error.name + ": " + error.message);
${program}</script>`;

let browser: Browser | undefined;
afterAll(() => browser?.close());

/** The first line of a page that runs a program, with headers, in the common browser or another. */
async function line(program: string, headers: { [name: string]: string } = {}, other?: Browser): Promise<string> {
  const { server, url } = await serve(app, { "/page.html": script(program) }, headers);
  try {
    browser ??= await launch();
    return await firstLine(other ?? browser, `${url}/page.html`);
  } finally {
    server.close();
  }
}

const use = "try { console.log(gradnoise.tensor([1]).mul(2).item()); } catch (error) { tell(error); }";

describe.runIf(hasChromium)("a page", () => {
  const policy = { "content-security-policy": "script-src 'self' 'unsafe-inline'" };

  it("whose policy forbids WebAssembly is told what to add to it", async () => {
    const sentence =
      "Error: runtime: the page's Content-Security-Policy, or the program that embeds this engine, forbids WebAssembly. Add 'wasm-unsafe-eval' to the policy's script-src";
    expect(await line(use, policy)).toBe(sentence);
    expect(await line("gradnoise.init().catch(tell)", policy)).toBe(sentence);
  });

  it("whose policy has 'wasm-unsafe-eval' needs nothing else", async () => {
    const open = `${policy["content-security-policy"]} 'wasm-unsafe-eval'`;
    expect(await line(use, { "content-security-policy": open })).toBe("2");
  });

  it("in a browser without SIMD is told so", async () => {
    const old = await launch("--js-flags=--no-enable-sse4-1");
    const found = await line(use, {}, old).finally(() => old.close());
    expect(found).toMatch(/^Error: runtime: this engine has no WebAssembly SIMD, which gradnoise needs/);
  });

  it("that keeps more trainers than there are memories is told how many it keeps", async () => {
    const program = `const keep = [];
const params = { w: gradnoise.tensor([1]) };
try {
  while (keep.length < 1000) keep.push(gradnoise.createTrainer({ params, loss: (p) => p.w.sum(), optimizer: gradnoise.optim.sgd(0.1) }));
} catch (error) { tell(error); }`;
    expect(await line(program)).toMatch(
      /^RangeError: runtime: the engine refuses another WebAssembly memory: up to 1\d\d trainers and loops of this thread hold one\. Chromium allows 125, .* or reload the page: a hot reload keeps those/,
    );
  });

  it("trains in a worker that is a module, from the entry as it is shipped", async () => {
    const worker = `import { tensor } from "\${location.origin}/node_modules/gradnoise/dist/index.js"; postMessage(tensor([1, 2]).mul(3).sum().item());`;
    const program = `const url = URL.createObjectURL(new Blob([\`${worker}\`], { type: "text/javascript" }));
const worker = new Worker(url, { type: "module" });
worker.onmessage = ({ data }) => console.log(data);
worker.onerror = tell;`;
    expect(await line(program)).toBe("9");
  });

  it("fetches the kernels, and is told of a file that is not there", async () => {
    const program = (file: string): string =>
      `fetch("${file}").then((wasm) => gradnoise.init({ wasm })).then(() => { ${use} }, tell);`;
    expect(await line(program("node_modules/gradnoise/dist/gradnoise.wasm"))).toBe("2");
    expect(await line(program("lost.wasm"))).toMatch(
      /^DataError: init: http:\/\/127\.0\.0\.1:\d+\/lost\.wasm answered 404 Not Found: give the bytes of gradnoise/,
    );
    expect(await line(program("page.html"))).toMatch(
      /^DataError: init: http:\/\/127\.0\.0\.1:\d+\/page\.html \(\d+ bytes\) is a page of HTML or XML/,
    );
  });
});
