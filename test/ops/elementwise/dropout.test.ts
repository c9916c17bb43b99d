// Which units dropout drops: a share of `rate`, by the key alone.
import { describe, expect, it } from "vitest";
import { key } from "../../../src/core/random.js";
import { full } from "../../../src/core/tensor.js";
import { dropout } from "../../../src/ops/elementwise/dropout.js";

const ones = full([100_000], 1);
const mask = (rate: number, seed: number): number[] => Array.from(dropout(ones, rate, key(seed)).data);

describe("dropout", () => {
  it.each([0.1, 0.5, 0.9])("at rate %f drops that share, and scales what it keeps by 1 / (1 - rate)", (rate) => {
    const kept = mask(rate, 1).filter((v) => v !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / (1 - rate))]));
    // five standard deviations of a binomial of 100,000
    expect(Math.abs(kept.length / 100_000 - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / 100_000));
  });

  it("at rate 0 keeps everything as it is", () => {
    expect(new Set(mask(0, 1))).toEqual(new Set([1]));
  });

  it("drops the same units for the same key, and others for another", () => {
    expect(mask(0.5, 7)).toEqual(mask(0.5, 7));
    const other = mask(0.5, 8);
    const agree = mask(0.5, 7).filter((v, i) => v === other[i]).length;
    expect(Math.abs(agree / 100_000 - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / 100_000));
  });

  it("drops by the element's position, whatever the shape", () => {
    expect(Array.from(dropout(full([10, 20], 1), 0.5, key(7)).data)).toEqual(mask(0.5, 7).slice(0, 200));
  });
});
