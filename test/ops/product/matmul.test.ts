// Matrix products bit for bit: every form and size against a loop that adds strictly in the order of k in float32.
import { describe, expect, it } from "vitest";
import { Runtime } from "../../../src/wasm/runtime.js";

const runtime = new Runtime();

/** Floats in [-1, 1), some of them 0, -0 and denormal. */
function floats(n: number, seed: number): Float32Array {
  const out = new Float32Array(n);
  let state = seed + 1;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out[i] = (state >> 8) / 2 ** 23;
    if (i % 37 === 5) out[i] = i % 2 ? 0 : -0;
    if (i % 41 === 7) out[i] = 1e-42;
  }
  return out;
}

interface Product {
  readonly form: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** What the sums start from: nothing, one row, or a row for each. */
  readonly start: "none" | "bias" | "rows";
  readonly relu: boolean;
}

/** The position of the first element that differs from the naive loop, or -1. */
function firstDifference({ form, m, n, k, start, relu }: Product): number {
  const a = floats(m * k, m);
  const b = floats(k * n, n + 1000);
  const from = floats(start === "rows" ? m * n : n, 7);
  const { kernels, memory } = runtime;
  memory.top = memory.base;
  const place = (data: Float32Array): number => {
    const pointer = memory.allocate(data.length * 4);
    memory.f32.set(data, pointer / 4);
    return pointer;
  };
  const [pa, pb, ps, pc] = [place(a), place(b), place(from), place(new Float32Array(m * n).fill(Number.NaN))];
  const scratch = memory.allocate(kernels.matmulScratch(m, n, k, form) * 4);
  const startStep = start === "rows" ? n : 0;
  kernels.matmul(m, n, k, pa, pb, start === "none" ? 0 : ps, startStep, form, relu ? 1 : 0, scratch, pc);
  const c = memory.f32.subarray(pc / 4, pc / 4 + m * n);
  const [aRow, aK] = form & 1 ? [1, m] : [k, 1];
  const [bK, bColumn] = form & 2 ? [1, k] : [n, 1];
  const { fround } = Math;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let s = start === "none" ? 0 : from[i * startStep + j];
      for (let l = 0; l < k; l++) s = fround(s + fround(a[i * aRow + l * aK] * b[l * bK + j * bColumn]));
      if (relu && s < 0) s = 0;
      if (!Object.is(c[i * n + j], s)) return i * n + j;
    }
  return -1;
}

const forms = [
  [0, "A B"],
  [1, "A' B"],
  [2, "A B'"],
  [3, "A' B'"],
] as const;
const starts = ["none", "bias", "rows"] as const;

describe.each(forms)("form %i, %s", (form) => {
  it("has the bits of the naive loop for every m and n of 0..40", () => {
    for (let m = 0; m <= 40; m++)
      for (let n = 0; n <= 40; n++) {
        const product = {
          form,
          m,
          n,
          k: (7 * m + 13 * n + form) % 41,
          start: starts[(m + n) % 3],
          relu: (m + (n >> 1)) % 2 === 1,
        };
        expect(firstDifference(product), JSON.stringify(product)).toBe(-1);
      }
  });

  it("has the bits of the naive loop for every k of 0..40 at the sizes of all tiles", () => {
    for (let k = 0; k <= 40; k++)
      for (const m of [1, 2, 3, 4, 5])
        for (const n of [1, 3, 4, 5, 7, 8, 9, 24, 25]) {
          const product = { form, m, n, k, start: starts[k % 3], relu: k % 2 === 0 };
          expect(firstDifference(product), JSON.stringify(product)).toBe(-1);
        }
  });

  // packed blocks are 256 x 256; a last block of 1..7 columns joins its neighbour; direct ones cut k at 6,600 floats of B
  it.each([
    [50, 50, 784],
    [64, 50, 64],
    [97, 97, 97],
    [100, 100, 130],
    [130, 97, 257],
    [16, 257, 64],
    [17, 258, 65],
    [18, 259, 100],
    [19, 260, 257],
    [21, 261, 64],
    [20, 262, 513],
    [96, 263, 64],
    [97, 264, 100],
    [16, 513, 257],
    [16, 519, 64],
    [15, 257, 130],
    [1, 784, 100],
    [1, 100, 784],
    [257, 3, 784],
    [9, 95, 784],
    [100, 10, 784],
    [784, 8, 100],
  ])("has the bits of the naive loop at m = %i, n = %i, k = %i", (m, n, k) => {
    for (const start of starts)
      expect(firstDifference({ form, m, n, k, start, relu: start !== "bias" }), start).toBe(-1);
  });
});

describe("special values in a product", () => {
  it("come through every kernel choice as in the naive loop", () => {
    const { kernels, memory } = runtime;
    for (const [m, n, k] of [
      [3, 3, 5],
      [5, 9, 6],
      [20, 100, 70],
    ]) {
      memory.top = memory.base;
      const a = memory.allocate(m * k * 4);
      const b = memory.allocate(k * n * 4);
      const c = memory.allocate(m * n * 4);
      memory.f32.fill(1, a / 4, a / 4 + m * k);
      memory.f32.fill(1, b / 4, b / 4 + k * n);
      memory.f32[a / 4] = Number.POSITIVE_INFINITY; // row 0
      memory.f32[b / 4 + 1] = Number.NaN; // column 1
      memory.f32[b / 4 + 2] = -1e38; // column 2
      kernels.matmul(m, n, k, a, b, 0, 0, 0, 1, memory.temporary(kernels.matmulScratch(m, n, k, 0) * 4), c);
      const at = (i: number, j: number): number => memory.f32[c / 4 + i * n + j];
      expect([at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2)]).toEqual([
        Number.POSITIVE_INFINITY,
        Number.NaN,
        0,
        k,
        Number.NaN,
        0,
      ]);
    }
  });
});
