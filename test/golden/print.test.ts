// The text of tensors: numpy's, character by character, in Node and in a browser.
import { describe, expect, it } from "vitest";
import { printValues } from "../../src/core/print.js";
import golden from "./print.json";

interface Golden {
  shape: number[];
  dtype: string;
  /** Of 32-bit words, or "ramp" for a long array that is computed. */
  hex: string;
  text: string;
}

describe("the values of a tensor print as numpy prints them (print.py)", () => {
  it.each(Object.entries(golden as unknown as Record<string, Golden>))("%s", (_, { shape, dtype, hex, text }) => {
    const { buffer } = Uint32Array.from(hex.match(/.{8}/g) ?? [], (word) => Number.parseInt(word, 16));
    const values = dtype === "int32" ? new Int32Array(buffer) : new Float32Array(buffer);
    const ramp = (i: number): number => (((i * 37) % 1001) - 500) / 8;
    const read = (i: number): number =>
      hex !== "ramp" ? values[i] : dtype === "int32" ? Math.trunc(ramp(i)) : ramp(i);
    expect(printValues({ shape, dtype: dtype as "float32", read })).toBe(text);
  });
});
