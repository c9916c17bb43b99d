// init({ wasm }): whatever holds the kernels is taken, and whatever does not is named for what it is.
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/base/errors.js";
import { stamp } from "../../src/wasm/bytes.js";
import { init, Runtime } from "../../src/wasm/runtime.js";

const file = readFileSync(new URL("../../dist/gradnoise.wasm", import.meta.url));
const buffer = new Uint8Array(file).buffer;
const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const give = (wasm: unknown): Promise<void> => init({ wasm: wasm as object });

/** Offset by one, and in memory that threads share. */
const shared = new Uint8Array(new SharedArrayBuffer(file.length + 1), 1);
shared.set(file);

describe("init({ wasm }) takes", () => {
  it.each<[string, () => unknown]>([
    ["an ArrayBuffer", () => buffer],
    ["a Uint8Array", () => new Uint8Array(buffer)],
    ["a Buffer of Node, which may be a part of a pool", () => file],
    ["a DataView", () => new DataView(buffer)],
    ["a view of shared memory", () => shared],
    ["the array of another realm", () => runInNewContext("new Uint8Array(bytes)", { bytes: [...file] })],
    ["a Response", () => new Response(buffer)],
    ["the promise of a Response", () => Promise.resolve(new Response(buffer))],
    ["a Blob", () => new Blob([buffer])],
    ["a module", () => new WebAssembly.Module(buffer)],
    ["a module that came by message", () => structuredClone(new WebAssembly.Module(buffer))],
    ["nothing", () => undefined],
  ])("%s", async (_, source) => {
    await give(source());
    expect(new Runtime().kernels.exp(0)).toBe(1);
  });
});

describe("init({ wasm }) refuses", () => {
  const other = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 8, 1, 4, 109, 101, 109, 111, 2, 0]);
  const altered = Uint8Array.from(file);
  altered[altered.length - 2] ^= 1; // the last digit of its hash

  it.each<[string, () => unknown, string]>([
    [
      "the page of a server that has no such file",
      () => new Response("<!doctype html>", { status: 404, statusText: "Not Found" }),
      "init: the Response answered 404 Not Found: give the bytes of gradnoise/gradnoise.wasm, a Response or a WebAssembly.Module",
    ],
    [
      "the page of a server that answers 200 to everything",
      () => new Response("\n<!DOCTYPE html><title>Home</title>"),
      "init: the Response (35 bytes) is a page of HTML or XML, as servers answer when a file is missing: give",
    ],
    ["an empty file", () => new ArrayBuffer(0), 'init: "wasm" (0 bytes) is empty: give the bytes of'],
    [
      "a truncated file",
      () => file.subarray(0, 40_000),
      `init: "wasm" (40000 bytes) is no whole WebAssembly module: it is truncated or damaged. gradnoise.wasm of ${stamp} has ${file.length} bytes`,
    ],
    ["a gzipped file", () => gzipSync(file), "is still gzipped: give the bytes of"],
    ["base64", () => text(file.toString("base64")), "is the base64 of a module: give"],
    [
      "a pointer of Git LFS",
      () => text("version https://git-lfs.github.com/spec/v1"),
      "is a Git LFS pointer, not the file",
    ],
    ["any other file", () => text("PK\x03\x04 zip"), 'is no WebAssembly: it starts with "PK\\u0003\\u0004 zip": give'],
    [
      "another program's module",
      () => other,
      'init: "wasm" is a WebAssembly module of another program, which exports memo: give the bytes',
    ],
    [
      "another program's module, compiled",
      () => new WebAssembly.Module(other),
      "init: the module is a WebAssembly module of another program, which exports memo: give the bytes",
    ],
    ["the file of another version", () => altered, `init: "wasm" is gradnoise.wasm of ${stamp.slice(0, -2)}`],
  ])("%s", async (_, source, sentence) => {
    const error: Error = await give(source()).then(
      () => expect.fail("it was taken"),
      (error) => error,
    );
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(sentence);
  });

  it("an answer that was read before", async () => {
    const response = new Response(buffer);
    await response.text();
    await expect(give(response)).rejects.toThrow(
      "init: the Response was read before: give it unread, or its arrayBuffer()",
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      "a path",
      () => "./gradnoise.wasm",
      'got "./gradnoise.wasm". It does not open files: write { wasm: fetch("./gradnoise.wasm") } in a page, { wasm: await readFile("./gradnoise.wasm") } in Node',
    ],
    [
      "a URL",
      () => new URL("https://cdn.example/g.wasm"),
      'write { wasm: fetch("https://cdn.example/g.wasm") } in a page',
    ],
    ["null", () => null, "got null. Give the bytes of gradnoise/gradnoise.wasm, a Response or a WebAssembly.Module"],
    ["a plain array", () => [0, 97, 115, 109], "got [0, 97, 115, 109]. Give the bytes"],
    ["an instance", () => new WebAssembly.Instance(new WebAssembly.Module(other)), "got a WebAssembly.Instance. Give"],
    ["the function, not its answer", () => fetch, "got a function. Give"],
  ])("%s", async (_, source, sentence) => {
    const error: Error = await give(source()).then(
      () => expect.fail("it was taken"),
      (error) => error,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('init: "wasm" expected bytes, a Response or a WebAssembly.Module, ');
    expect(error.message).toContain(sentence);
  });
});

describe("init", () => {
  let refused: (options: unknown) => Promise<string>;
  beforeAll(() => {
    refused = (options) =>
      init(options as object).then(
        () => expect.fail("it was taken"),
        (error) => `${error.name}: ${error.message}`,
      );
  });

  it("refuses a misspelt option", async () => {
    expect(await refused({ wsm: buffer })).toBe(
      'TypeError: init: there is no option "wsm". Did you mean "wasm"? There are: wasm',
    );
  });

  it("refuses the source in place of the options", async () => {
    for (const [source, name] of [
      [buffer, "an ArrayBuffer"],
      [new Response(""), "a Response"],
      [new WebAssembly.Module(buffer), "a WebAssembly.Module"],
      [Promise.resolve(), "a Promise"],
    ])
      expect(await refused(source)).toBe(
        `TypeError: init: expected options { wasm }, got ${name}. Write init({ wasm: ... })`,
      );
    expect(await refused("gradnoise.wasm")).toMatch(
      /^TypeError: init: expected options \{ wasm \}, got "gradnoise.wasm"/,
    );
    expect(await refused(null)).toMatch(/^TypeError: init: expected options \{ wasm \}, got null/);
  });

  it("keeps what it had after a refusal", async () => {
    await refused({ wasm: text("no module") });
    expect(new Runtime().kernels.exp(0)).toBe(1);
  });
});
