// MNIST from folders: the names its files go by, and what is said of a folder or a file that is none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/base/errors.js";
import { mnist } from "../../src/data/index.js";
import { mnistFromFolder } from "../../src/node/index.js";

const scratch = mkdtempSync(join(tmpdir(), "gradnoise-mnist-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const images = (count: number, side = 2): Uint8Array =>
  Uint8Array.of(0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side, ...Array(count * side * side).fill(51));
const labels = (...values: number[]): Uint8Array => Uint8Array.of(0, 0, 8, 1, 0, 0, 0, values.length, ...values);
const contents = [images(2), labels(7, 9), images(1), labels(3)];
const published = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];

let made = 0;
function folder(files: { [name: string]: Uint8Array | string }): string {
  const path = join(scratch, `folder-${made++}`);
  mkdirSync(path);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  return path;
}
const named = (names: readonly string[], bytes: readonly Uint8Array[] = contents): { [name: string]: Uint8Array } =>
  Object.fromEntries(names.map((name, i) => [name, name.endsWith(".gz") ? gzipSync(bytes[i]) : bytes[i]]));

describe("mnistFromFolder", () => {
  const forms: [string, string[]][] = [
    ["the published names", published],
    ["with .gz", published.map((name) => `${name}.gz`)],
    ["some with .gz", published.map((name, i) => (i % 2 ? name : `${name}.gz`))],
    ["with a dot", published.map((name) => name.replace("-idx", ".idx"))],
    ["with a dot and .gz", published.map((name) => `${name.replace("-idx", ".idx")}.gz`)],
    ["test for t10k", published.map((name) => name.replace("t10k", "test"))],
    ["short", ["train-images.idx", "train-labels.idx", "test-images.idx", "test-labels.idx"]],
    ["with underscores", ["train_images.idx3", "train_labels.idx1", "t10k_images.idx3", "t10k_labels.idx1"]],
    ["in capitals", published.map((name) => name.toUpperCase())],
    ["in folders of their names", published.map((name) => `${name}/${name}`)],
  ];
  it.each(forms)("reads files under %s", async (_, names) => {
    const { train, test } = await mnistFromFolder(folder({ ...named(names), "README.md": "hello", "train.csv": "1" }));
    expect([train.size, test.size, [...train.columns.y.data], [...test.columns.y.data]]).toEqual([2, 1, [7, 9], [3]]);
    expect(train.columns.x.data[0]).toBe(Math.fround(51 / 255));
  });

  it("prefers the published name, and refuses to choose between two others", async () => {
    const both = { ...named(published), ...named(["train-images.idx3-ubyte"], [images(5)]) };
    expect((await mnistFromFolder(folder(both))).train.size).toBe(2);
    const { [published[0]]: _, ...rest } = named(published);
    const two = { ...rest, "train-images.idx": images(2), "train-images.idx3-ubyte": images(2) };
    await expect(mnistFromFolder(folder(two))).rejects.toThrow(
      /: train-images\.idx and train-images\.idx3-ubyte may each be train-images-idx3-ubyte\. Leave one of them there$/,
    );
  });

  it("names what is missing, and what there is", async () => {
    const path = folder({ "train.csv": "", "test.csv": "" });
    await expect(mnistFromFolder(path)).rejects.toThrow(
      new DataError(
        `${join(path, published[0])}: there is no such file, nor with .gz; the folder needs ${published.join(", ")}, each with or without .gz. It holds: test.csv, train.csv`,
      ),
    );
    await expect(mnistFromFolder(join(path, "none"))).rejects.toThrow(
      /none: there is no such folder; the folder needs/,
    );
    await expect(mnistFromFolder(join(path, "test.csv"))).rejects.toThrow(/test\.csv: it is no folder/);
    await expect(mnistFromFolder(undefined as never)).rejects.toThrow(
      "mnistFromFolder: expected the path of a folder, got undefined",
    );
  });

  const broken: [string, number, Uint8Array | string, RegExp][] = [
    [
      "a page",
      0,
      "<!doctype html><title>",
      /train-images-idx3-ubyte: expected an IDX file, this is an HTML page\. .*\. Download the file again$/,
    ],
    [
      "a pointer of Git LFS",
      1,
      "version https://git-lfs.github.com/spec/v1\n",
      /train-labels-idx1-ubyte: expected an IDX file, this is a pointer of Git LFS/,
    ],
    [
      "a cut file",
      2,
      images(1).subarray(0, 18),
      /t10k-images-idx3-ubyte: expected 20 bytes for 1 x 2 x 2 images, got 18: the file is truncated\. Download/,
    ],
    ["images for labels", 3, images(1), /t10k-labels-idx1-ubyte: magic number 0x00000803 is that of images/],
    ["other counts", 1, labels(1), /train-labels-idx1-ubyte: 1 labels for the 2 images of .*train-images-idx3-ubyte/],
    [
      "other sizes",
      2,
      images(1, 3),
      /t10k-images-idx3-ubyte: its images have 9 pixels, those of .*train-images-idx3-ubyte 4\. Give files of one data set/,
    ],
    ["no images", 0, images(0), /train-labels-idx1-ubyte: 2 labels for the 0 images/],
    ["a label too high", 1, labels(1, 10), /train-labels-idx1-ubyte: label 10 at position 1 is outside 0\.\.9/],
  ];
  it.each(broken)("names the path of %s", async (_, at, bytes, message) => {
    const files: { [name: string]: Uint8Array | string } = named(published);
    files[published[at]] = bytes;
    await expect(mnistFromFolder(folder(files))).rejects.toThrow(DataError);
    await expect(mnistFromFolder(folder(files))).rejects.toThrow(message);
  });

  it("refuses files without images", async () => {
    const files = named(published, [images(0), labels(), images(1), labels(1)]);
    await expect(mnistFromFolder(folder(files))).rejects.toThrow("it holds no images, its sizes are 0 x 2 x 2");
  });
});

describe("mnist", () => {
  const files = {
    trainImages: contents[0],
    trainLabels: contents[1],
    testImages: contents[2],
    testLabels: contents[3],
  };

  it("reads bytes, buffers and blobs", async () => {
    const blob = new Blob([contents[1] as Uint8Array<ArrayBuffer>]);
    const { train } = await mnist({ ...files, trainLabels: blob, testImages: contents[2].slice().buffer });
    expect([...train.columns.y.data]).toEqual([7, 9]);
  });

  it("names a file that is missing, misspelt or no file", async () => {
    const { testLabels: _, ...three } = files;
    await expect(mnist(three as never)).rejects.toThrow(
      new TypeError(
        'mnist: "testLabels" is missing: it wants the four files trainImages, trainLabels, testImages, testLabels',
      ),
    );
    await expect(mnist({ ...three, testLables: 1 } as never)).rejects.toThrow(
      'mnist: there is no option "testLables". Did you mean "testLabels"?',
    );
    await expect(mnist("data/mnist" as never)).rejects.toThrow("mnist: expected options { trainImages, ");
    await expect(mnist(undefined as never)).rejects.toThrow('mnist: "trainImages" is missing');
    await expect(mnist({ ...files, testLabels: "a.gz" } as never)).rejects.toThrow(
      't10k-labels-idx1-ubyte: expected bytes (Uint8Array, ArrayBuffer, Blob or Response), got the path "a.gz". First read the file',
    );
    await expect(mnist({ ...files, testLabels: Promise.resolve(contents[3]) } as never)).rejects.toThrow(
      "t10k-labels-idx1-ubyte: expected bytes (Uint8Array, ArrayBuffer, Blob or Response), got a Promise. Write await ...",
    );
  });
});
