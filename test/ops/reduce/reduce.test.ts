// Reductions bit for bit in the order that assembly/reduce.ts documents, written out as a plain model.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../../../src/core/tensor.js";
import { max, mean, sum } from "../../../src/ops/reduce/reduce.js";
import { Runtime } from "../../../src/wasm/runtime.js";

const { fround } = Math;

function floats(n: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state >> 8) / 2 ** 23) * 10 ** ((state & 7) - 4);
  });
}

/** Chunks of 4,096, lane j mod 16, lanes added ((v0 + v1) + (v2 + v3)), then (l0 + l1) + (l2 + l3). */
function modelSum(x: Float32Array, f = (v: number): number => v): number {
  const chunk = (part: Float32Array): number => {
    const lane = new Float32Array(16);
    part.forEach((v, j) => {
      lane[j % 16] += f(v);
    });
    const four = [0, 1, 2, 3].map((i) => fround(fround(lane[i] + lane[4 + i]) + fround(lane[8 + i] + lane[12 + i])));
    return fround(fround(four[0] + four[1]) + fround(four[2] + four[3]));
  };
  let total = 0;
  for (let at = 0; at < x.length; at += 4096) total = fround(total + chunk(x.subarray(at, at + 4096)));
  return total;
}

const lengths = [...Array(70).keys(), 127, 128, 1000, 4095, 4096, 4097, 4111, 8191, 8192, 8193, 10000];

describe("the order of a sum", () => {
  it("along a contiguous axis is the documented one at every length", () => {
    for (const n of lengths) {
      const x = floats(n, n);
      expect(sum(tensor(x)).item(), `n = ${n}`).toBe(modelSum(x));
    }
  });

  it("of squares is the documented one at every length", () => {
    const { kernels, memory } = new Runtime();
    for (const n of lengths) {
      const x = floats(n, n);
      memory.top = memory.base;
      const at = memory.allocate(n * 4);
      memory.f32.set(x, at / 4);
      expect(kernels.sumSquares(n, at), `n = ${n}`).toBe(modelSum(x, (v) => fround(v * v)));
    }
  });

  it("of squares leaves out what would underflow, |x| < 2^-60", () => {
    const { kernels, memory } = new Runtime();
    const at = memory.allocate(40 * 4);
    memory.f32.fill(2 ** -61, at / 4, at / 4 + 40);
    expect(kernels.sumSquares(39, at)).toBe(0);
    memory.f32.fill(2 ** -60, at / 4, at / 4 + 40);
    expect(kernels.sumSquares(39, at)).toBe(39 * 2 ** -120);
  });

  it("of every row is that of the row alone", () => {
    const x = floats(3 * 4100, 1);
    const rows = [0, 1, 2].map((r) => modelSum(x.subarray(r * 4100, (r + 1) * 4100)));
    expect(Array.from(sum(tensor(x, [3, 4100]), { axis: 1 }).data)).toEqual(rows);
  });

  it("down the columns is strictly that of the rows, for every tail of columns", () => {
    for (let n = 1; n <= 67; n++) {
      const x = floats(9 * n, n);
      const want = new Float32Array(n);
      for (let r = 0; r < 9; r++) for (let i = 0; i < n; i++) want[i] += x[r * n + i];
      expect(Array.from(sum(tensor(x, [9, n]), { axis: 0 }).data)).toEqual(n === 1 ? [modelSum(x)] : Array.from(want));
    }
  });

  it("over axes that are apart takes the last group first", () => {
    const x = floats(4 * 5 * 21, 3);
    const inner = Float32Array.from({ length: 20 }, (_, r) => modelSum(x.subarray(r * 21, (r + 1) * 21)));
    const want = new Float32Array(5);
    for (let r = 0; r < 4; r++) for (let i = 0; i < 5; i++) want[i] += inner[r * 5 + i];
    expect(Array.from(sum(tensor(x, [4, 5, 21]), { axis: [0, 2] }).data)).toEqual(Array.from(want));
  });

  it("over neighbouring axes is that of one axis", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }), (shape) => {
        const x = floats(
          shape.reduce((n, size) => n * size, 1),
          shape.length,
        );
        expect(sum(tensor(x, shape)).item()).toBe(modelSum(x));
      }),
      { numRuns: 50 },
    );
  });

  it("of a mean is that of the sum, times the float nearest to 1 / count", () => {
    for (const n of [1, 3, 7, 100, 5000]) {
      const x = floats(n, n);
      expect(mean(tensor(x)).item()).toBe(fround(modelSum(x) * fround(1 / n)));
    }
  });
});

describe("special values in a reduction", () => {
  it("reach the sum and the largest value from any position", () => {
    for (let n = 1; n <= 40; n++)
      for (const position of [0, n >> 1, n - 1]) {
        const x = new Float32Array(n).fill(1);
        x[position] = Number.NaN;
        expect([sum(tensor(x)).item(), max(tensor(x)).item()]).toEqual([Number.NaN, Number.NaN]);
        x[position] = Number.POSITIVE_INFINITY;
        expect([sum(tensor(x)).item(), max(tensor(x)).item()]).toEqual([Infinity, Infinity]);
      }
  });

  it("let -Infinity be the largest value where it is the only one", () => {
    expect(max(tensor([-Infinity, -Infinity])).item()).toBe(-Infinity);
  });
});

describe("nothing to reduce", () => {
  it("sums to 0, averages to NaN and has no largest value", () => {
    const nothing = tensor(new Float32Array(0), [3, 0]);
    expect(Array.from(sum(nothing, { axis: 1 }).data)).toEqual([0, 0, 0]);
    expect(Array.from(mean(nothing, { axis: 1 }).data)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(sum(nothing, { axis: 0 }).shape).toEqual([0]);
    expect(max(nothing, { axis: 0 }).shape).toEqual([0]);
    expect(() => max(nothing)).toThrow("max: an axis of [3, 0] is empty, and nothing has no largest value");
  });
});
