// Drawn digits: deterministic, balanced, and different enough from each other.
import { describe, expect, it } from "vitest";
import { digits, digitsAsync } from "../../src/data/digits.js";

const bytesOf = ({ columns }: ReturnType<typeof digits>["train"]): Uint8Array => columns.x.source!.bytes;
const { train, test } = digits({ train: 2000, test: 300, seed: 5 });
const image = (bytes: Uint8Array, i: number): Uint8Array => bytes.subarray(i * 784, (i + 1) * 784);
const ink = (bytes: Uint8Array): number => bytes.reduce((s, v) => s + v, 0) / 255;

describe("drawn digits", () => {
  it("of one seed are the same bytes again, of another seed others", () => {
    const again = digits({ train: 50, test: 20, seed: 5 });
    const other = digits({ train: 50, test: 20, seed: 6 });
    expect(bytesOf(again.train)).toEqual(bytesOf(train).slice(0, 50 * 784));
    expect(bytesOf(again.test)).toEqual(bytesOf(test).slice(0, 20 * 784));
    expect(bytesOf(other.train)).not.toEqual(bytesOf(again.train));
  });

  it("do not depend on how many are drawn", () => {
    expect(Array.from(digits({ train: 10, test: 1, seed: 5 }).train.columns.y.data)).toEqual(
      Array.from(train.columns.y.data.slice(0, 10)),
    );
  });

  it("for the test are none of those for training", () => {
    const known = new Set(Array.from({ length: 2000 }, (_, i) => String(image(bytesOf(train), i))));
    expect(known.size).toBe(2000);
    for (let i = 0; i < 300; i++) expect(known.has(String(image(bytesOf(test), i)))).toBe(false);
  });

  it("have the promised shapes and types", () => {
    expect([train.columns.x.shape, train.columns.y.shape, train.columns.y.dtype]).toEqual([
      [2000, 784],
      [2000],
      "int32",
    ]);
  });

  it("are of all ten classes equally often", () => {
    const counts = new Array<number>(10).fill(0);
    for (const label of train.columns.y.data) counts[label]++;
    const chi = counts.reduce((s, c) => s + (c - 200) ** 2 / 200, 0);
    expect(chi).toBeLessThan(34); // 9 degrees of freedom: exceeded once in 10,000
  });

  it("have ink, mostly within the frame, and a background", () => {
    for (let i = 0; i < 300; i++) {
      const picture = image(bytesOf(test), i);
      const border = picture.filter((_, at) => at < 28 || at >= 756 || at % 28 === 0 || at % 28 === 27);
      expect(ink(picture)).toBeGreaterThan(15);
      expect(ink(picture)).toBeLessThan(300);
      expect(ink(border)).toBeLessThan(0.35 * ink(picture));
    }
  });

  it("of one class resemble each other more than those of other classes do", () => {
    const means = Array.from({ length: 10 }, () => new Float64Array(784));
    const counts = new Array<number>(10).fill(0);
    train.columns.y.data.forEach((label, i) => {
      counts[label]++;
      image(bytesOf(train), i).forEach((v, at) => {
        means[label][at] += v;
      });
    });
    means.forEach((m, label) => {
      for (let at = 0; at < 784; at++) m[at] /= counts[label];
    });
    const distance = (m: Float64Array, picture: Uint8Array) => picture.reduce((s, v, at) => s + (v - m[at]) ** 2, 0);
    let right = 0;
    for (let i = 0; i < 300; i++) {
      const all = means.map((m) => distance(m, image(bytesOf(test), i)));
      if (all.indexOf(Math.min(...all)) === test.columns.y.data[i]) right++;
    }
    expect(right / 300).toBeGreaterThan(0.4); // chance is 0.1
    expect(right / 300).toBeLessThan(0.95); // nearest means must not be enough
  });

  it("are the same bytes drawn with pauses, during which other work goes on", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const drawn = await digitsAsync({ train: 2000, test: 300, seed: 5 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    expect(bytesOf(drawn.train)).toEqual(bytesOf(train));
    expect(bytesOf(drawn.test)).toEqual(bytesOf(test));
    expect(drawn.train.columns.y.data).toEqual(train.columns.y.data);
  });

  it("refuse counts and seeds that are none", async () => {
    expect(() => digits({ train: 1e12 })).toThrow(
      "digits: 1000000000000 images take 784000000000000 bytes, more than this engine gives one array. Draw fewer",
    );
    await expect(digitsAsync({ train: 0 })).rejects.toThrow('digitsAsync: "train" expected an integer >= 1, got 0');
    expect(() => digits({ train: 0 })).toThrow('digits: "train" expected an integer >= 1, got 0');
    expect(() => digits({ train: 1, test: 2.5 })).toThrow('digits: "test" expected an integer >= 1, got 2.5');
    expect(() => digits({ train: 1, test: 1, seed: -1 })).toThrow('digits: "seed" expected an integer >= 0, got -1');
    expect(() => digits({ size: 3 } as never)).toThrow(
      'digits: there is no option "size". There are: train, test, seed',
    );
    expect(() => digits(100 as never)).toThrow(
      "digits: expected options { train, test, seed }, got 100. Write { train: 100 }",
    );
  });
});
