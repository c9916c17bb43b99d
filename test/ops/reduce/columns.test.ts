// Sums down the columns: exact at an offset, against doubles, and in the order that assembly/columns.ts states.
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/grad.js";
import { key, normal } from "../../../src/core/random.js";
import { type Tensor, tensor } from "../../../src/core/tensor.js";
import { add, mul } from "../../../src/ops/elementwise/index.js";
import { batchNorm, batchStatistics, layerNorm } from "../../../src/ops/reduce/normalise.js";
import { mean, sum } from "../../../src/ops/reduce/reduce.js";

const { fround } = Math;

/** Columns of one offset and a spread of 1. */
const offsetColumns = (rows: number, n: number, offset: number): Tensor =>
  tensor(normal(key(rows + n), [rows, n]).data.map((v) => v + offset) as Float32Array, [rows, n]);

const column = (x: Tensor, i: number): number[] =>
  Array.from({ length: x.shape[0] }, (_, r) => x.data[r * x.shape[1] + i]);

const total = (values: number[]): number => values.reduce((s, v) => s + v, 0);

/** Largest distance in units of the last place. */
function worst(got: Tensor, want: number[]): number {
  const ulp = (v: number): number => 2 ** (Math.floor(Math.log2(Math.abs(v))) - 23);
  return Math.max(...want.map((w, i) => Math.abs(got.data[i] - w) / ulp(w)));
}

describe.each([1e3, 1e4])("columns at an offset of %i", (offset) => {
  // 16 columns at a time, 4, and one
  const n = 23;
  for (const rows of [127, 128, 129, 1000, 30_000]) {
    const x = offsetColumns(rows, n, offset);
    const columns = Array.from({ length: n }, (_, i) => column(x, i));
    const means = columns.map((c) => total(c) / rows);

    it(`have the mean of ${rows} rows within 2 ulp`, () => {
      const error = worst(mean(x, { axis: 0 }), means);
      console.log(`mean of ${rows} rows at ${offset}: ${error.toFixed(2)} ulp`);
      expect(error).toBeLessThan(2);
      expect(worst(batchStatistics(x).mean, means)).toBeLessThan(2);
    });

    it(`have the variance of ${rows} rows to 1e-5`, () => {
      const { variance } = batchStatistics(x);
      columns.forEach((c, i) => {
        const want = total(c.map((v) => (v - means[i]) ** 2)) / rows;
        expect(Math.abs(variance.data[i] / want - 1)).toBeLessThan(1e-5);
      });
    });
  }
});

describe("gradients over many rows", () => {
  const rows = 5000;
  const n = 21;
  const x = normal(key(3), [rows, n]);
  const upstream = offsetColumns(rows, n, 1000);
  const sums = Array.from({ length: n }, (_, i) => total(column(upstream, i)));
  const ones = tensor(Array(n).fill(1));
  const bias = (f: (b: Tensor) => Tensor): Tensor => grad((b: Tensor) => sum(mul(f(b), upstream)))(ones);

  it.each([
    ["of a bias", (b: Tensor) => add(x, b)],
    ["of layerNorm's offset", (b: Tensor) => layerNorm(x, ones, b)],
    ["of batchNorm's offset", (b: Tensor) => batchNorm(x, ones, b)],
  ])("%s are within 2 ulp of the sum", (_, f) => {
    expect(worst(bias(f), sums)).toBeLessThan(2);
  });

  it.each([
    ["layerNorm", layerNorm, 1],
    ["batchNorm", batchNorm, 0],
  ] as const)("of the scale of %s are right", (_, norm, axis) => {
    const normalised = norm(x, ones, Array(n).fill(0), { epsilon: 0 });
    const want = Array.from({ length: n }, (_, i) => {
      const [h, g] = [column(normalised, i), column(upstream, i)];
      return total(h.map((v, r) => v * g[r]));
    });
    const size = total(column(upstream, 0).map(Math.abs)) / rows;
    bias((b) => norm(x, b, Array(n).fill(0), { epsilon: 0 })).data.forEach((v, i) => {
      expect(Math.abs(v - want[i]), `${axis}`).toBeLessThan(size * rows * 1e-7);
    });
  });
});

describe("the order of a sum over rows", () => {
  const inOrder = (values: number[]): number => values.reduce((s, v) => fround(s + v), 0);
  const pieces = (values: number[], size: number): number[][] =>
    Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size));
  const chunk = (values: number[]): number => inOrder(pieces(values, 16).map(inOrder));

  it.each([1, 2, 15, 16, 17, 128, 129, 300])("is that of blocks and chunks for %i rows", (rows) => {
    const x = normal(key(4), [rows, 21]);
    const want = Array.from({ length: 21 }, (_, i) => fround(total(pieces(column(x, i), 128).map(chunk))));
    expect(Array.from(sum(x, { axis: 0 }).data)).toEqual(want);
  });
});
