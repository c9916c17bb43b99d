// Files of other libraries: PyTorch's names, layouts and half precisions are read, and Python reads what we write.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { digest, type FileLayout, load, save } from "../../src/files/save.js";

/** A file by hand: name -> dtype, shape and words of the dtype's width. */
function fileOf(entries: { [name: string]: [dtype: string, shape: number[], words: Uint16Array | Float32Array] }) {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(entries).map(([name, [dtype, shape, words]]) => [
      name,
      { dtype, shape, data_offsets: [at, (at += words.byteLength)] },
    ]),
  );
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(head.length);
  const data = Object.values(entries).map(([, , words]) =>
    Buffer.from(words.buffer, words.byteOffset, words.byteLength),
  );
  return new Uint8Array(Buffer.concat([length, head, ...data]));
}

/** The value at [o, i, y, x] of PyTorch's weight, so that every element says where it is from. */
const mark = (o: number, i: number, y: number, x: number): number => 1000 * o + 100 * i + 10 * y + x;

/** A small network as torch.nn.Conv2d(2, 3, (4, 5)) and torch.nn.Linear(6, 2) hold it. */
const torch = () => {
  const conv: number[] = [];
  for (let o = 0; o < 3; o++)
    for (let i = 0; i < 2; i++) for (let y = 0; y < 4; y++) for (let x = 0; x < 5; x++) conv.push(mark(o, i, y, x));
  return fileOf({
    "features.0.weight": ["F32", [3, 2, 4, 5], Float32Array.from(conv)],
    "features.0.bias": ["F32", [3], Float32Array.of(1, 2, 3)],
    // halves of 1..12: exponent and fraction by hand for whole numbers below 16
    "classifier.weight": ["F16", [2, 6], Uint16Array.from({ length: 12 }, (_, i) => half(i + 1))],
    "classifier.bias": ["BF16", [2], Uint16Array.of(0x3fc0, 0xc2f7)],
  });
};

function half(n: number): number {
  const exponent = 31 - Math.clz32(n);
  return ((exponent + 15) << 10) | ((n << (10 - exponent)) & 0x3ff);
}

interface Net {
  conv: { weight: Tensor; bias: Tensor };
  fc: { weight: Tensor; bias: Tensor };
}
const like = (): Net => ({
  conv: { weight: zeros([4, 5, 2, 3]), bias: zeros([3]) },
  fc: { weight: zeros([6, 2]), bias: zeros([2]) },
});
const layout: FileLayout = {
  rename: (path) => path.replace("conv", "features.0").replace("fc", "classifier"),
  transpose: (_, shape) => (shape.length === 4 ? [2, 3, 1, 0] : shape.length === 2),
};

describe("a file of PyTorch", () => {
  it("is read in our names, layouts and precision", () => {
    const net = load(torch(), { like: like(), ...layout });
    const kernel = net.conv.weight.toArray() as number[][][][];
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 5; x++)
        for (let i = 0; i < 2; i++) for (let o = 0; o < 3; o++) expect(kernel[y][x][i][o]).toBe(mark(o, i, y, x));
    expect(net.fc.weight.toArray()).toEqual([
      [1, 7],
      [2, 8],
      [3, 9],
      [4, 10],
      [5, 11],
      [6, 12],
    ]);
    expect(net.fc.bias.toArray()).toEqual([1.5, -123.5]);
    expect(net.conv.weight.dtype + net.fc.weight.dtype + net.fc.bias.dtype).toBe("float32".repeat(3));
  });

  it("is written by save with the layout that reads it", () => {
    const net = load(torch(), { like: like(), ...layout });
    const file = save(net, {}, layout);
    const raw = load(file);
    expect(Object.entries(raw).map(([name, { shape }]) => [name, shape])).toEqual([
      ["features.0.weight", [3, 2, 4, 5]],
      ["features.0.bias", [3]],
      ["classifier.weight", [2, 6]],
      ["classifier.bias", [2]],
    ]);
    expect(Array.from(raw["features.0.weight"].data)).toEqual(Array.from(load(torch())["features.0.weight"].data));
    expect(digest(load(file, { like: like(), ...layout }))).toBe(digest(net));
  });

  it("is refused for another shape, and for axes that are no permutation", () => {
    expect(() => load(torch(), { like: like(), ...layout, transpose: () => undefined })).toThrow(
      "load: features.0.weight: expected shape [4, 5, 2, 3], the file has [3, 2, 4, 5]",
    );
    expect(() => load(torch(), { like: like(), ...layout, transpose: () => [0, 1, 1, 2] })).toThrow(
      new RangeError("load: conv.weight: axes [0, 1, 1, 2] are no permutation of the 4 axes"),
    );
    expect(() => save(like(), {}, { transpose: () => [1, 0] })).toThrow(
      new RangeError("save: conv.weight: axes [1, 0] are no permutation of the 4 axes"),
    );
    expect(() => save(like(), {}, { rename: () => "w" })).toThrow(
      'save: two tensors are called "w". Let "rename" give each a name of its own',
    );
  });
});

const python = (() => {
  try {
    execFileSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("SKIPPED: python3 with numpy is not here; nothing but ourselves reads the file that save writes");
    return false;
  }
})();

describe.runIf(python)("Python", () => {
  it("reads what save writes, with numpy alone", () => {
    const folder = mkdtempSync(join(tmpdir(), "gradnoise-python-"));
    const file = join(folder, "model.safetensors");
    const tree = {
      layers: [{ weight: tensor([1.5, -2, 0.25, 3, 1e-45, 7], [2, 3]), bias: tensor([0.1]) }],
      ids: tensor([-1, 2147483647], { dtype: "int32" }),
      step: tensor(4),
      none: zeros([0, 2]),
    };
    writeFileSync(file, save(tree, { made: "here" }));
    const script = `
import json, sys, numpy as np
raw = open(sys.argv[1], "rb").read()
n = int.from_bytes(raw[:8], "little")
header = json.loads(raw[8:8 + n])
out = {"": header.pop("__metadata__")}
for name, h in header.items():
    a, b = h["data_offsets"]
    array = np.frombuffer(raw[8 + n + a:8 + n + b], {"F32": "<f4", "I32": "<i4"}[h["dtype"]]).reshape(h["shape"])
    out[name] = [str(array.dtype), list(array.shape), array.astype("f8").ravel().tolist()]
print(json.dumps(out))`;
    const read = JSON.parse(execFileSync("python3", ["-c", script, file], { encoding: "utf8" }));
    rmSync(folder, { recursive: true });
    expect(read).toEqual({
      "": { made: "here" },
      "layers[0].weight": ["float32", [2, 3], [1.5, -2, 0.25, 3, Math.fround(1e-45), 7]],
      "layers[0].bias": ["float32", [1], [Math.fround(0.1)]],
      ids: ["int32", [2], [-1, 2147483647]],
      step: ["float32", [], [4]],
      none: ["float32", [0, 2], []],
    });
  });
});
