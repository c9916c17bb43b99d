// IDX files: what a good one holds, and what is said of a bad one.
// Real MNIST is read where it lies beside the repository.
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/base/errors.js";
import { parseIdx, readIdxImages, readIdxLabels, readIdxPair } from "../../src/data/idx.js";
import { readBytes } from "../../src/data/source.js";
import { digestBytes } from "../../src/files/digest.js";

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

// An IDX file of the given sizes, filled with 0, 1, 2, ...
function idx(shape: readonly number[], type = 8): Uint8Array<ArrayBuffer> {
  const size = shape.reduce((product, axisSize) => product * axisSize, 1);
  const bytes = new Uint8Array(4 + 4 * shape.length + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (type << 8) | shape.length);
  shape.forEach((axisSize, axis) => {
    view.setUint32(4 + 4 * axis, axisSize);
  });
  for (let i = 0; i < size; i++) bytes[4 + 4 * shape.length + i] = i;
  return bytes;
}

// Only the header of a file that says it is larger.
function header(shape: readonly number[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0800 | shape.length);
  shape.forEach((axisSize, axis) => {
    view.setUint32(4 + 4 * axis, axisSize);
  });
  return bytes;
}

// Python: gzip.compress(struct.pack(">4I", 0x803, 2, 3, 2) + bytes(range(0, 120, 10)), mtime=0)
const imagesGzip = fromHex("1f8b08000000000002036360e06066606060026208cd2522a76164e3161095920700de02872f1c000000");
// Python: gzip.compress(struct.pack(">2I", 0x801, 2) + bytes([7, 9]), mtime=0)
const labelsGzip = fromHex("1f8b08000000000002036360e0606460606062e704007a8201a30a000000");
const pixels = Uint8Array.from({ length: 12 }, (_, i) => 10 * i);

const trainImages = "train-images-idx3-ubyte.gz";
const trainLabels = "train-labels-idx1-ubyte.gz";

describe("parseIdx", () => {
  it("reads every rank from 1 to 4", () => {
    for (const shape of [[5], [2, 3], [2, 3, 4], [2, 1, 3, 2]]) {
      const parsed = parseIdx(idx(shape), "file");
      expect(parsed.shape).toEqual(shape);
      expect(parsed.data).toEqual(Uint8Array.from({ length: parsed.data.length }, (_, i) => i));
    }
  });

  it("returns a view, not a copy", () => {
    const bytes = idx([3]);
    expect(parseIdx(bytes, "file").data.buffer).toBe(bytes.buffer);
  });

  it("reads a file that begins inside a larger buffer", () => {
    const moved = new Uint8Array(20);
    moved.set(idx([3]), 5);
    expect(parseIdx(moved.subarray(5, 5 + 11), "file").data).toEqual(Uint8Array.of(0, 1, 2));
  });

  it("names sizes and bytes of a truncated file", () => {
    expect(() => parseIdx(header([60000, 28, 28], 1200000), trainImages)).toThrow(
      new DataError(
        "train-images-idx3-ubyte.gz: expected 47040016 bytes for 60000 x 28 x 28 images, " +
          "got 1200000: the file is truncated",
      ),
    );
  });

  it("names sizes and bytes of a file that is too long", () => {
    expect(() => parseIdx(header([2], 11), trainLabels)).toThrow(
      new DataError("train-labels-idx1-ubyte.gz: expected 10 bytes for 2 labels, got 11: the file is too long"),
    );
  });

  it("refuses every shorter beginning of a good file with a DataError", () => {
    const bytes = idx([2, 3, 4]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseIdx(bytes.subarray(0, length), "file")).toThrow(DataError);
  });

  it("refuses sizes whose product is beyond any file", () => {
    const huge = 2 ** 32 - 1;
    expect(() => parseIdx(header([huge, huge, huge, huge], 20), "file")).toThrow(/: the file is truncated$/);
  });

  it("refuses an empty file", () => {
    expect(() => parseIdx(new Uint8Array(0), "file")).toThrow(
      new DataError("file: expected an IDX header of at least 8 bytes, got 0: the file is truncated"),
    );
  });

  it("refuses what is no IDX file", () => {
    expect(() => parseIdx(Uint8Array.of(0x3c, 0x21, 1, 2, 3, 4, 5, 6), "file")).toThrow(
      new DataError("file: magic number 0x3c210102 is not that of an IDX file, expected 0x00000801 to 0x00000804"),
    );
    expect(() => parseIdx(new TextEncoder().encode("<!doctype html>"), "file")).toThrow(
      new DataError(
        "file: expected an IDX file, this is an HTML page. The address answered with a page: look at it in a browser, and take the file's own link",
      ),
    );
    expect(() => parseIdx(labelsGzip, "file")).toThrow(
      "file: expected an IDX file, this is gzipped. Unzip it, or use readIdxImages and readIdxLabels, which do",
    );
  });

  /** A file of one axis with the given bytes for values. */
  const typed = (type: number, count: number, ...values: number[]): Uint8Array =>
    Uint8Array.of(0, 0, type, 1, 0, 0, 0, count, ...values);

  // the values' bytes: Python, struct.pack(">3b", ...), ">3h", ">2i", ">3f", ">2d"
  const others: [string, Uint8Array, Int32Array | Float32Array][] = [
    ["int8", typed(9, 3, 0x7f, 0x80, 0xff), Int32Array.of(127, -128, -1)],
    ["int16", typed(11, 3, 0x7f, 0xff, 0x80, 0, 0xff, 0xfe), Int32Array.of(32767, -32768, -2)],
    ["int32", typed(12, 2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf6), Int32Array.of(2147483647, -10)],
    ["float32", typed(13, 2, 0x3f, 0xc0, 0, 0, 0x7f, 0x80, 0, 0), Float32Array.of(1.5, Infinity)],
    ["float64", typed(14, 1, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a), Float32Array.of(0.1)],
  ];
  it.each(others)("reads values of %s", (_, bytes, expected) => {
    expect(parseIdx(bytes, "file")).toEqual({ shape: [expected.length], data: expected });
    const moved = new Uint8Array(bytes.length + 1);
    moved.set(bytes, 1);
    expect(parseIdx(moved.subarray(1), "file").data).toEqual(expected);
  });

  it("refuses a double beyond float32, and element types that are none", () => {
    expect(() => parseIdx(typed(14, 1, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "file")).toThrow(
      new DataError("file: value 1.7976931348623157e+308 at position 0 does not fit float32"),
    );
    expect(() => parseIdx(idx([2], 0x0a), "file")).toThrow(
      new DataError(
        "file: element type 0x0a is unknown, expected 0x08 (uint8), 0x09 (int8), 0x0b (int16), 0x0c (int32), 0x0d (float32) or 0x0e (float64)",
      ),
    );
    expect(() => parseIdx(idx([3], 0x0c), "file")).toThrow(
      "expected 20 bytes for 3 labels, got 11: the file is truncated",
    );
  });

  it("takes a buffer and any view, of another realm too", () => {
    const bytes = idx([3]);
    const foreign = runInNewContext("new Uint8Array(list)", { list: [...bytes] }) as Uint8Array;
    for (const source of [bytes.buffer, new DataView(bytes.buffer), Buffer.from(bytes), foreign, foreign.buffer])
      expect([...parseIdx(source, "file").data]).toEqual([0, 1, 2]);
    expect(() => parseIdx("labels.idx" as never)).toThrow(
      new TypeError(
        'parseIdx: expected bytes (Uint8Array, ArrayBuffer), got the path "labels.idx". First read the file: parseIdx(await readFile(path)) in Node, parseIdx(await (await fetch(path)).arrayBuffer()) in a page',
      ),
    );
  });

  it("refuses ranks outside 1 to 4", () => {
    expect(() => parseIdx(idx([]), "file")).toThrow(new DataError("file: rank 0 is outside 1..4"));
    expect(() => parseIdx(idx([1, 1, 1, 1, 1]), "file")).toThrow(new DataError("file: rank 5 is outside 1..4"));
  });
});

describe("readBytes", () => {
  it("takes bytes, a buffer, a blob and a response alike", async () => {
    const bytes = idx([3]);
    for (const source of [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes)])
      expect(await readBytes(source)).toEqual(bytes);
  });

  it("unzips what begins like gzip", async () => {
    expect(await readBytes(labelsGzip)).toEqual(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9));
  });

  it("refuses every truncated gzip file with one line that names it", async () => {
    for (let length = 2; length < labelsGzip.length; length++)
      await expect(readBytes(labelsGzip.slice(0, length), trainLabels)).rejects.toThrow(
        new DataError(`${trainLabels}: the gzip data of ${length} bytes is truncated or corrupt`),
      );
  });

  it("refuses gzip data whose checksum does not match", async () => {
    const corrupt = labelsGzip.slice();
    corrupt[corrupt.length - 8] ^= 1;
    await expect(readBytes(corrupt, trainLabels)).rejects.toThrow(
      new DataError(`${trainLabels}: the gzip data of 30 bytes is truncated or corrupt`),
    );
  });

  it("refuses another kind of source with a TypeError", async () => {
    await expect(readBytes("train-labels" as never, "labels")).rejects.toThrow(
      new TypeError(
        'labels: expected bytes (Uint8Array, ArrayBuffer, Blob or Response), got the path "train-labels". First read the file: await readFile(path) in Node, await (await fetch(path)).arrayBuffer() in a page',
      ),
    );
  });

  it("refuses a response that has been read before", async () => {
    const response = new Response(idx([3]));
    await response.arrayBuffer();
    await expect(readBytes(response, "labels")).rejects.toThrow(
      new TypeError("labels: the body of the response has already been read"),
    );
  });
});

describe("readBytes over HTTP", () => {
  let server: Server;
  let origin = "";
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/labels") response.end(labelsGzip);
      else if (request.url === "/broken") {
        response.writeHead(200, { "content-length": 1000 });
        response.write(labelsGzip, () => response.destroy());
      } else response.writeHead(404).end("not here");
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((closed) => server.close(closed)));

  it("reads what the server sends", async () => {
    expect(await readIdxLabels(await fetch(`${origin}/labels`))).toEqual(Uint8Array.of(7, 9));
  });

  it("names status and address of a response that is not ok", async () => {
    await expect(readBytes(await fetch(`${origin}/missing`), trainLabels)).rejects.toThrow(
      new DataError(`${trainLabels}: ${origin}/missing answered with status 404`),
    );
  });

  it("names the address of a response that breaks off", async () => {
    await expect(readBytes(await fetch(`${origin}/broken`), trainLabels)).rejects.toThrow(
      new DataError(`${trainLabels}: ${origin}/broken broke off before its end`),
    );
  });
});

describe("readIdxImages and readIdxLabels", () => {
  it("read files that Python zipped", async () => {
    expect(await readIdxImages(imagesGzip)).toEqual({ count: 2, rows: 3, columns: 2, pixels });
    expect(await readIdxLabels(labelsGzip)).toEqual(Uint8Array.of(7, 9));
  });

  it("say so when labels are given for images", async () => {
    await expect(readIdxImages(labelsGzip, trainImages)).rejects.toThrow(
      new DataError(
        `${trainImages}: magic number 0x00000801 is that of labels (idx1-ubyte), ` +
          `expected images (idx3-ubyte, 0x00000803)`,
      ),
    );
  });

  it("say so when images are given for labels", async () => {
    await expect(readIdxLabels(imagesGzip, trainLabels)).rejects.toThrow(
      new DataError(
        `${trainLabels}: magic number 0x00000803 is that of images (idx3-ubyte), ` +
          `expected labels (idx1-ubyte, 0x00000801)`,
      ),
    );
  });

  it("read whole numbers of other element types where they are bytes", async () => {
    const labels = Uint8Array.of(0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9);
    expect(await readIdxLabels(labels)).toEqual(Uint8Array.of(7, 9));
    labels[10] = 1;
    await expect(readIdxLabels(labels, "file")).rejects.toThrow(
      new DataError("file: value 263 at position 0 of element type 0x0c is no byte. Read such a file with parseIdx"),
    );
  });

  it("say so when a file is neither", async () => {
    await expect(readIdxImages(idx([2, 3, 4, 1]), "file")).rejects.toThrow(
      new DataError("file: magic number 0x00000804 is unknown, expected images (idx3-ubyte, 0x00000803)"),
    );
  });
});

describe("readIdxPair", () => {
  it("reads images with their labels", async () => {
    expect(await readIdxPair({ images: imagesGzip, labels: labelsGzip })).toEqual({
      count: 2,
      rows: 3,
      columns: 2,
      pixels,
      labels: Uint8Array.of(7, 9),
    });
  });

  it("refuses counts that differ", async () => {
    const read = readIdxPair({
      images: imagesGzip,
      labels: idx([3]),
      imagesName: trainImages,
      labelsName: trainLabels,
    });
    await expect(read).rejects.toThrow(new DataError(`${trainLabels}: 3 labels for the 2 images of ${trainImages}`));
  });

  it("names value and position of the first label outside the classes", async () => {
    const labels = idx([40]).fill(9, 8);
    labels[8 + 37] = 10;
    labels[8 + 39] = 11;
    await expect(readIdxPair({ images: idx([40, 1, 1]), labels, labelsName: trainLabels })).rejects.toThrow(
      new DataError(`${trainLabels}: label 10 at position 37 is outside 0..9`),
    );
  });

  it("takes the number of classes from the caller", async () => {
    const read = readIdxPair({ images: imagesGzip, labels: labelsGzip, classes: 9 });
    await expect(read).rejects.toThrow(new DataError("labels: label 9 at position 1 is outside 0..8"));
  });

  it("refuses a number of classes that is no positive integer", async () => {
    const read = readIdxPair({ images: imagesGzip, labels: labelsGzip, classes: 0 });
    await expect(read).rejects.toThrow(new RangeError('readIdxPair: "classes" expected an integer >= 1, got 0'));
  });
});

const mnist = new URL("../../../shared/data/mnist/", import.meta.url);
const hasMnist = existsSync(new URL(trainImages, mnist));

describe(`the real MNIST${hasMnist ? "" : " (skipped: no ../shared/data/mnist beside the repository)"}`, () => {
  it.skipIf(!hasMnist)("has the bytes that Python reads", async () => {
    const pair = await readIdxPair({
      images: readFileSync(new URL(trainImages, mnist)),
      labels: readFileSync(new URL(trainLabels, mnist)),
    });
    expect([pair.count, pair.rows, pair.columns]).toEqual([60000, 28, 28]);
    // Python with mmh3 5.3.0: b = gzip.open(name).read()[16:], or [8:] for labels;
    //   "%08x%08x" % struct.unpack("<2I", mmh3.hash_bytes(b, 0, False)[:8])
    expect(digestBytes([pair.pixels])).toBe("6551e310941ac95e");
    expect(digestBytes([pair.labels])).toBe("19c797d5e91ff95f");
  });
});
