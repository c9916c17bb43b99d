// What people hand to load: buffers, views and other realms are read; paths, blobs and foreign files are told what to do.

import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { DataError } from "../../src/base/errors.js";
import { tensor, zeros } from "../../src/core/tensor.js";
import { digest, load, loadMetadata, save } from "../../src/files/save.js";

const saved = save({ w: tensor([1, 2]) }, { made: "here" });
const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe("load takes", () => {
  const padded = new Uint8Array(saved.length + 6);
  padded.set(saved, 3);
  const shared = new Uint8Array(new SharedArrayBuffer(saved.length));
  shared.set(saved);
  const foreign = runInNewContext("new Uint8Array(list)", { list: [...saved] }) as Uint8Array;
  const sources: [string, any][] = [
    ["a Uint8Array", saved],
    ["an ArrayBuffer", saved.slice().buffer],
    ["a part of a buffer", padded.subarray(3, 3 + saved.length)],
    ["a Buffer", Buffer.from(saved)],
    ["a DataView", new DataView(padded.buffer, 3, saved.length)],
    ["a Uint8ClampedArray", Uint8ClampedArray.from(saved)],
    ["another realm's Uint8Array", foreign],
    ["another realm's ArrayBuffer", foreign.buffer],
    ["a SharedArrayBuffer", shared.buffer],
    ["a view of one", shared],
  ];
  it.each(sources)("%s", (_, source) => {
    expect([...load(source).w.data]).toEqual([1, 2]);
    expect([...load(source, { like: { w: zeros([2]) } }).w.data]).toEqual([1, 2]);
    expect(loadMetadata(source)).toEqual({ made: "here" });
  });
});

describe("load tells what to do with", () => {
  const moved = saved.slice().buffer;
  const view = new Uint8Array(moved);
  structuredClone(moved, { transfer: [moved] });
  const sources: [string, unknown, string][] = [
    [
      "a path",
      "weights.safetensors",
      'got the path "weights.safetensors". First read the file: load(await readFile(path)) in Node',
    ],
    [
      "an address",
      "https://a.org/w",
      'got the path "https://a.org/w". First fetch it: load(await (await fetch(url)).arrayBuffer())',
    ],
    [
      "a URL",
      new URL("file:///w"),
      'got the path "file:///w". First read the file: load(await readFile(path)) in Node',
    ],
    ["a Blob", new Blob([]), "got a Blob. Write load(await blob.arrayBuffer())"],
    ["a File", new File([], "w"), "got a File. Write load(await file.arrayBuffer())"],
    ["a Response", new Response(), "got a Response. Write load(await response.arrayBuffer())"],
    ["a Promise", Promise.resolve(saved), "got a Promise. Write load(await ...)"],
    ["a stream", new Blob([]).stream(), "got a ReadableStream. Write load(await new Response(stream).arrayBuffer())"],
    ["a file read as text", '{"w":1}', "got a text. A file read as text has lost its bytes: read it as an ArrayBuffer"],
    ["an array", [1, 2, 3], "got [1, 2, 3]"],
    ["nothing", undefined, "got undefined"],
    ["null", null, "got null"],
    [
      "a transferred buffer",
      moved,
      "the ArrayBuffer has been transferred (by postMessage or structuredClone) and holds nothing",
    ],
    ["a view of one", view, "the ArrayBuffer has been transferred"],
  ];
  it.each(sources)("%s", (_, source, message) => {
    expect(() => load(source as Uint8Array)).toThrow(message);
    expect(() => load(source as Uint8Array)).toThrow(/^load: /);
    if (message.startsWith("got")) expect(() => load(source as Uint8Array)).toThrow(TypeError);
  });
});

describe("a file that is something else is named:", () => {
  const zip = (name: string): Uint8Array =>
    latin(`PK\x03\x04\x14\0\0\0\0\0\0\0!\0${"\0".repeat(12)}${String.fromCharCode(name.length)}\0\0\0${name}data`);
  const torch = "Convert it in Python: safetensors.torch.save_file(model.state_dict(), path)";
  const numpy = "Convert it in Python: safetensors.numpy.save_file({name: array}, path)";
  const files: [string, Uint8Array, string][] = [
    ["PyTorch's zip", zip("archive/data.pkl"), `a zip archive of PyTorch (.pt). ${torch}`],
    ["a cut zip", latin("PK\x03\x04\0\0\0\0\x08\x08\0\0"), `a zip archive, as PyTorch's .pt is one. ${torch}`],
    ["NumPy's zip", zip("weights.npy"), `a zip archive of NumPy (.npz). ${numpy}`],
    ["Keras' zip", zip("metadata.json"), `a zip archive of Keras (.keras). ${numpy}`],
    ["another zip", zip("photos/a.jpg"), "a zip archive. Unpack it first"],
    [
      "a pickle",
      latin("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),
      `a Python pickle (an old PyTorch file, or CIFAR's). ${torch}`,
    ],
    ["an array of NumPy", latin("\x93NUMPY\x01\0v\0{'descr'"), `a NumPy array (.npy). ${numpy}`],
    ["HDF5", latin("\x89HDF\r\n\x1a\n\0\0\0\0"), `an HDF5 file (Keras' .h5). ${numpy}`],
    ["ONNX", latin("\x08\x07\x12\x07pytorch\x1a\x051.13"), `an ONNX model. ${torch}`],
    ["gzip", gzipSync(saved), "gzipped. Unzip it first"],
    ["a page", latin("<!DOCTYPE html>\n<html lang=en>"), "an HTML page. The address answered with a page"],
    ["a page after a byte order mark", latin("\xef\xbb\xbf\n <html>......"), "an HTML page. "],
    ["XML", latin('<?xml version="1.0"?><Error><Code>AccessDenied</Code>'), "XML, likely a server's error message"],
    [
      "a pointer of Git LFS",
      latin("version https://git-lfs.github.com/spec/v1\noid sha256:12"),
      "a pointer of Git LFS, not the file itself. Fetch it by git lfs pull",
    ],
    [
      "an index of shards",
      latin('{"metadata": {}, "weight_map": {"w": "a"}}'),
      "the index of a model in several files. Load each of the files",
    ],
    ["an answer in words", latin("Entry not found"), 'text: "Entry not found". Look at it'],
    [
      "MNIST",
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9),
      "an IDX file, as MNIST's. Read it with data.parseIdx(bytes)",
    ],
    ["zeros", new Uint8Array(100), "nothing but zeros: it was never written to its end. Get it again"],
  ];
  it.each(files)("%s", (_, bytes, message) => {
    expect(() => load(bytes, { name: "w.bin" })).toThrow(DataError);
    expect(() => load(bytes, { name: "w.bin" })).toThrow(`w.bin: expected a safetensors file, this is ${message}`);
    expect(() => loadMetadata(bytes)).toThrow(`loadMetadata: expected a safetensors file, this is ${message}`);
  });

  it("but never a safetensors file, whatever the length of its header spells", () => {
    for (let length = 0x8b00; length < 0x8b40; length++) {
      const text = `{"__metadata__":{"pad":"${"x".repeat(length - 27)}"}}`;
      const bytes = new Uint8Array(8 + text.length);
      new DataView(bytes.buffer).setUint32(0, text.length, true);
      bytes.set(latin(text), 8);
      expect(text.length).toBe(length);
      expect(load(bytes)).toEqual({});
    }
  });
});

describe("options and metadata", () => {
  it("given as a tree are told where it belongs", () => {
    const tree = { layers: [{ weight: zeros([2]) }] };
    for (const like of [tree, zeros([2]), [zeros([2])]])
      expect(() => load(saved, like as never)).toThrow(
        new TypeError("load: the second argument is options, got a tree of tensors. Write load(bytes, { like: tree })"),
      );
    expect(() => load(saved, { lik: tree } as never)).toThrow("Write load(bytes, { like: tree })");
    expect(() => load(saved, { rename: "w" } as never)).toThrow(
      'load: "rename" expected a function of the path, got "w"',
    );
    expect(() => load(saved, { nmae: "w" } as never)).toThrow('load: there is no option "nmae". Did you mean "name"?');
  });

  it("of save come back from loadMetadata, and are texts", () => {
    const odd = { made: "2025", "naïve \u{1f600}": "\u0000\n", __proto__x: "" };
    expect(loadMetadata(save({ w: tensor([1]) }, odd))).toEqual(odd);
    expect(loadMetadata(save({ w: tensor([1]) }))).toEqual({});
    expect(() => save({ w: tensor([1]) }, { epoch: 3 } as never)).toThrow(
      new TypeError('save: metadata "epoch" expected a string, got 3. Write String(3)'),
    );
    expect(() => save({ w: tensor([1]) }, "made here" as never)).toThrow(
      'save: metadata expected an object of strings, got "made here"',
    );
    expect(() => save({ w: tensor([1]) }, { rename: (p: string) => p } as never)).toThrow(
      "save: the layout is the third argument: save(tree, {}, { rename, transpose })",
    );
    expect(() => save({ w: tensor([1]) }, {}, { transposed: () => true } as never)).toThrow(
      'save: there is no option "transposed". Did you mean "transpose"?',
    );
  });

  it("are asked for where a trainer is given for its parameters", () => {
    const trainer = { step: () => 0, params: { w: zeros([1]) } };
    expect(() => save(trainer)).toThrow("save: expected a tree of tensors, got a trainer. Write save(trainer.params)");
    expect(() => digest(trainer)).toThrow(
      "digest: expected a tree of tensors, got a trainer. Write digest(trainer.params)",
    );
  });

  it("of wrong results are told", () => {
    const like = { w: zeros([2]) };
    expect(() => load(saved, { like, rename: () => undefined as never })).toThrow(
      'load: "rename" returned undefined for w; return a name',
    );
    expect(() => load(saved, { like, transpose: () => "yes" as never })).toThrow(
      'load: "transpose" returned "yes" for w; return true, false or an array of axes',
    );
    expect(() => load(saved, { like: { w: 1 } as never })).toThrow(
      "like.w: expected a tensor, an array or a plain object, got 1",
    );
  });

  it("never let a name of the file reach a terminal raw", () => {
    const nasty = save({ "\u001b[31m\u202e": zeros([1]), [`long${"g".repeat(5000)}`]: zeros([1]) });
    try {
      load(nasty, { like: { w: zeros([1]) } });
    } catch (error) {
      expect((error as Error).message).toMatch(
        /^load: the file has no tensor "w"\. It holds: \\u001b\[31m\\u202e, longg+\.\.\.g+$/,
      );
      expect((error as Error).message.length).toBeLessThan(300);
      return;
    }
    throw new Error("accepted");
  });
});

describe("digest", () => {
  it("knows one NaN, in float32 alone", () => {
    const nan = (bits: number) => digest({ w: tensor(new Float32Array(Uint32Array.of(bits, 0x3f800000).buffer)) });
    expect(new Set([0x7fc00000, 0xffc00000, 0x7f800001, 0x7fc12345].map(nan)).size).toBe(1);
    expect(nan(0x7f800000)).not.toBe(nan(0x7fc00000));
    const whole = (bits: number) => digest({ w: tensor(Int32Array.of(bits)) });
    expect(whole(0x7fc00000)).not.toBe(whole(0x7fc00001));
  });
});
