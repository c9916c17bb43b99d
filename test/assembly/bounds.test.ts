// No kernel writes past its output: every length 0..67 between two walls of sentinels, at odd addresses too.
import { describe, expect, it } from "vitest";
import { CODES } from "../../src/ops/elementwise/broadcast.js";
import type { Kernels } from "../../src/wasm/kernels.js";
import { Runtime } from "../../src/wasm/runtime.js";

const { kernels: k, memory } = new Runtime();
const WALL = 40;
const SENTINEL = 0x7a55a5a7;

const floats = (n: number): number => {
  const at = memory.allocate(n * 4);
  for (let i = 0; i < n; i++) memory.f32[at / 4 + i] = (i % 9) / 4 + 0.25;
  return at;
};

/** n floats of output with walls around them, 4 bytes off the grid of vectors. */
function walled(n: number): { out: number; intact: () => boolean } {
  const from = (memory.allocate((n + 2 * WALL + 1) * 4) + 4) / 4;
  memory.i32.fill(SENTINEL, from, from + n + 2 * WALL);
  const wall = (at: number): boolean => memory.i32.subarray(at, at + WALL).every((v) => v === SENTINEL);
  return { out: (from + WALL) * 4, intact: () => wall(from) && wall(from + WALL + n) };
}

/** Kernels by name: floats of input (two of them), of output, and the call. */
type Call = (n: number, x: number, y: number, out: number) => void;
type Entry = [string, (n: number) => number, Call];
type Named<F> = {
  [K in keyof Kernels]: Kernels[K] extends F ? (F extends Kernels[K] ? K : never) : never;
}[keyof Kernels];
type UnaryName = Named<(n: number, x: number, out: number) => void>;
type PairName = Named<(n: number, x: number, dy: number, dx: number) => void>;
const calls: Entry[] = [
  ...(
    [
      ...["expKernel", "logKernel", "negKernel", "absKernel", "sqrtKernel", "rsqrtKernel", "reciprocalKernel"],
      ...["tanhKernel", "sigmoidKernel", "reluKernel", "softplusKernel", "geluKernel"],
      ...["saturatingSigmoidKernel", "saturatingTanhKernel"],
    ] as UnaryName[]
  ).map((name): Entry => [name, (n) => n, (n, x, _, out) => k[name](n, x, out)]),
  ...(
    [
      ...["absBackward", "squareBackward", "sqrtBackward", "rsqrtBackward", "reciprocalBackward"],
      ...["tanhBackward", "sigmoidBackward", "reluBackward", "softplusBackward", "geluBackward"],
      ...["saturatingSigmoidBackward", "saturatingTanhBackward"],
    ] as PairName[]
  ).map((name): Entry => [name, (n) => n, (n, x, y, out) => k[name](n, x, y, out)]),
  ["eluKernel", (n) => n, (n, x, _, out) => k.eluKernel(n, x, 1, out)],
  ["eluBackward", (n) => n, (n, x, y, out) => k.eluBackward(n, x, y, 1, out)],
  ["leakyReluKernel", (n) => n, (n, x, _, out) => k.leakyReluKernel(n, x, 0.1, out)],
  ["leakyReluBackward", (n) => n, (n, x, y, out) => k.leakyReluBackward(n, x, y, 0.1, out)],
  ["trigKernel", (n) => n, (n, x, _, out) => k.trigKernel(n, x, 0, out)],
  ["weigh", (n) => n, (n, x, y, out) => k.weigh(n, x, y, out)],
  ["select", (n) => n, (n, x, y, out) => k.select(n, 1, x, 1, y, 1, x, 0, out)],
  ["select by a scalar", (n) => n, (n, x, y, out) => k.select(n, 0, x, 0, y, 0, 0, 0, out)],
  ["clipKernel", (n) => n, (n, x, _, out) => k.clipKernel(n, x, 0, 1, out)],
  ["clipBackward", (n) => n, (n, x, y, out) => k.clipBackward(n, x, y, 0, 1, out)],
  ...Object.entries(CODES).flatMap(([name, code]): Entry[] => [
    [name, (n) => n, (n, x, y, out) => k.binary(code, n, x, 1, y, 1, out)],
    [`${name} with a scalar on the left`, (n) => n, (n, x, y, out) => k.binary(code, n, x, 0, y, 1, out)],
    [`${name} with a scalar on the right`, (n) => n, (n, x, y, out) => k.binary(code, n, x, 1, y, 0, out)],
  ]),
  ["fill", (n) => n, (n, _, __, out) => k.fill(n, 3, out)],
  ["fromBytes", (n) => n, (n, x, _, out) => k.fromBytes(n, x, 255, out)],
  ["dropout", (n) => n, (n, x, y, out) => k.dropout(n, 5, 2, y, x, out)],
  ["dropout's mask", (n) => n, (n, x, y, out) => k.dropout(n, 5, 2, out, x, y)],
  ["copy", (n) => n, (n, x, _, out) => k.copy(n, x, out)],
  ["scale", (n) => n, (n, _, __, out) => k.scale(n, 2, out)],
  ["takeMasked", (n) => n, (n, x, y, out) => k.takeMasked(n, y, x, out)],
  ["putMasked", (n) => n, (n, x, y, out) => k.putMasked(n, y, x, out)],
  ["accumulate", (n) => n, (n, x, _, out) => k.accumulate(n, x, out)],
  ["momentum's slot", (n) => n, (n, x, _, out) => k.momentum(n, 0.9, 1, 1, out, x)],
  ["momentum", (n) => n, (n, x, _, out) => k.momentum(n, 0.9, 1, 0, x, out)],
  ["adam", (n) => n, (n, x, y, out) => k.adam(n, 0.9, 0.1, 0.99, 0.01, 1, 1, 1e-8, x, y, out)],
  ["addScaled", (n) => n, (n, x, _, out) => k.addScaled(n, 2, x, out)],
  ["clampUpdates", (n) => n, (n, _, __, out) => k.clampUpdates(n, 2, out)],
  ["centeredRms", (n) => n, (n, x, y, out) => k.centeredRms(n, 0.9, 0.1, 1e-8, x, y, out)],
  ["centeredRms's mean", (n) => n, (n, x, y, out) => k.centeredRms(n, 0.9, 0.1, 1e-8, out, x, y)],
  ["centeredRms's square", (n) => n, (n, x, y, out) => k.centeredRms(n, 0.9, 0.1, 1e-8, x, out, y)],
  ["fillWords", (n) => n, (n, _, __, out) => k.fillWords(n, 1, 2, 3, 4, 1000, out)],
  ["fillUniform", (n) => n, (n, _, __, out) => k.fillUniform(n, 1, 2, 3, 4, 1000, out)],
  ["fillNormal", (n) => n, (n, _, __, out) => k.fillNormal(n, 1, 2, 3, 4, 1000, out)],
  ["addNormal", (n) => n, (n, _, __, out) => k.addNormal(n, 1, 2, 3, 4, 1000, 0.5, out)],
  ["sumRows", () => 3, (n, x, _, out) => k.sumRows(3, n, x, 1, out)],
  ["sumColumns", (n) => 2 * n, (n, x, _, out) => k.sumColumns(2, 3, n, x, 1, out)],
  ["sumColumns of one row", (n) => 2 * n, (n, x, _, out) => k.sumColumns(2, 1, n, x, 1, out)],
  ["sumColumns of many rows", (n) => n, (n, _, __, out) => k.sumColumns(1, 130, n, floats(130 * n), 1, out)],
  ["toFloats", (n) => n, (n, x, _, out) => k.toFloats(n, x, out)],
  ["toIntegers", (n) => n, (n, x, _, out) => k.toIntegers(n, x, out)],
  ["maxColumns", (n) => 2 * n, (n, x, _, out) => k.maxColumns(2, 3, n, x, out)],
  ["maxColumns along a row", () => 3, (n, x, _, out) => k.maxColumns(3, n + 1, 1, x, out)],
  ["minColumns", (n) => 2 * n, (n, x, _, out) => k.minColumns(2, 3, n, x, out)],
  ["normColumns", (n) => 2 * n, (n, x, _, out) => k.normColumns(2, 3, n, x, out)],
  ["normColumns along a row", () => 3, (n, x, _, out) => k.normColumns(3, n, 1, x, out)],
  ["cumsum", (n) => 6 * n, (n, x, _, out) => k.cumsum(2, 3, n, 0, x, out)],
  ["cumsum from the end", (n) => 2 * n, (n, x, _, out) => k.cumsum(2, n, 1, 1, x, out)],
  ["prodColumns", (n) => 2 * n, (n, x, _, out) => k.prodColumns(2, 3, n, x, out)],
  ["prodBackward", (n) => 6 * n, (n, x, y, out) => k.prodBackward(2, 3, n, x, y, out)],
  ["firstExtreme", (n) => 2 * n, (n, x, _, out) => k.firstExtreme(2, 3, n, 1, x, out)],
  ["sigmoidCrossEntropy", (n) => n, (n, x, y, out) => k.sigmoidCrossEntropy(n, x, y, out)],
  ["keep", (n) => n, (n, x, y, out) => k.keep(n, x, y, out)],
  ["softmax", (n) => 3 * n, (n, x, _, out) => k.softmax(3, n, x, out)],
  ["softmaxBackward", (n) => 3 * n, (n, x, y, out) => k.softmaxBackward(3, n, x, y, floats(n), out)],
  ["softmaxBackward's scratch", (n) => n, (n, x, y, out) => k.softmaxBackward(2, n, x, y, out, floats(2 * n))],
  ["transpose", (n) => 5 * n, (n, x, _, out) => k.transpose(n, 5, x, out)],
  ["transpose of the transpose", (n) => 5 * n, (n, x, _, out) => k.transpose(5, n, x, out)],
];

describe("the walls around the output of", () => {
  it.each(calls)("%s stand at every length", (_, size, call) => {
    for (let n = 0; n <= 67; n++) {
      memory.top = memory.base;
      const [x, y] = [floats(6 * n + 8), floats(6 * n + 8)];
      const { out, intact } = walled(size(n));
      call(n, x, y, out);
      expect(intact(), `n = ${n}`).toBe(true);
    }
  });

  it.each([0, 1, 2, 3])("matmul of form %i stand, as do those of its scratch", (form) => {
    for (const [m, n, kk] of [
      [1, 25, 3],
      [3, 5, 9],
      [7, 7, 7],
      [4, 9, 1],
      [17, 101, 67],
      [97, 259, 65],
      [2, 3, 0],
    ])
      for (const relu of [0, 1]) {
        memory.top = memory.base;
        const [a, b, bias] = [floats(m * kk), floats(kk * n), floats(n)];
        const scratch = walled(k.matmulScratch(form, m, n, kk));
        const c = walled(m * n);
        k.matmul(form, m, n, kk, a, b, bias, 0, relu, scratch.out, c.out);
        expect([c.intact(), scratch.intact()], `${m} ${n} ${kk}`).toEqual([true, true]);
      }
  });

  it("the kernels that pick by index stand, and read no further than their inputs", () => {
    for (let n = 0; n <= 67; n++) {
      memory.top = memory.base;
      const ints = (...values: number[]): number => {
        const at = memory.allocate(values.length * 4);
        memory.i32.set(values, at / 4);
        return at;
      };
      const [x, indices] = [floats(3 * n), ints(2, 0, 2, 1)];
      const outs = [walled(4 * n), walled(3 * n), walled(n), walled(n), walled(3 * n)];
      expect(k.gather(1, 3, n, 4, x, indices, outs[0].out)).toBe(-1);
      k.fill(3 * n, 0, outs[1].out);
      expect(k.scatterAdd(1, 3, n, 4, outs[0].out, indices, outs[1].out)).toBe(-1);
      const own = ints(...Array.from({ length: n }, (_, i) => i % 3));
      expect(k.takeAlong(1, 3, n, 1, x, own, outs[2].out)).toBe(-1);
      k.fill(n, 0, outs[3].out);
      k.takeAlongBackward(n, 1, 1, 1, x, ints(...Array(n).fill(0)), outs[3].out);
      expect(k.oneHot(3, n, ints(0, n - 1, n >> 1), outs[4].out)).toBe(n === 0 ? 0 : -1);
      expect(outs.map(({ intact }) => intact())).toEqual(Array(5).fill(true));
    }
  });

  it("the pooling kernels stand", () => {
    for (let n = 0; n <= 67; n++) {
      memory.top = memory.base;
      const x = floats(20 * n);
      const [y, mean, dx, shares] = [walled(9 * n), walled(9 * n), walled(20 * n), walled(20 * n)];
      memory.i32.set([1, 5, 4, n, 3, 2, 2, 2, 1, 1, 3, 3], k.tableAddress() / 4);
      k.maxPool(x, y.out);
      k.averagePool(x, mean.out);
      k.fill(20 * n, 0, dx.out);
      k.fill(20 * n, 0, shares.out);
      k.maxPoolBackward(x, y.out, mean.out, dx.out);
      k.averagePoolBackward(mean.out, shares.out);
      expect([y, mean, dx, shares].map(({ intact }) => intact())).toEqual(Array(4).fill(true));
    }
  });

  it("the normalising kernels stand, as do their scratch and statistics", () => {
    for (let n = 0; n <= 67; n++) {
      memory.top = memory.base;
      const [x, scale, dy] = [floats(3 * n), floats(n), floats(3 * n)];
      const small = [walled(6), walled(2 * n), walled(n), walled(n), walled(n), walled(n), walled(n), walled(3 * n)];
      const large = [walled(3 * n), walled(3 * n), walled(3 * n), walled(3 * n)];
      const [rows, stats, scratch, dScale, dOffset, columnScale, columnOffset, factors] = small.map(({ out }) => out);
      const [y, dx, z, dz] = large.map(({ out }) => out);
      k.layerNorm(3, n, x, scale, scale, 0.1, rows, y);
      k.layerNormBackward(3, n, x, rows, scale, dy, scratch, dx, dScale, dOffset);
      k.batchStatistics(3, n, x, stats);
      k.batchNorm(3, n, x, stats, stats + 4 * n, scale, scale, 0.1, scratch, z);
      k.batchNormBackward(3, n, x, stats, stats + 4 * n, scale, 0.1, 1, dy, factors, dz, columnScale, columnOffset);
      expect([...small, ...large].map(({ intact }) => intact())).toEqual(Array(12).fill(true));
    }
  });

  it("the normalising kernels stand over more rows than a chunk, as does the room for their totals", () => {
    const rows = 130;
    for (const n of [1, 4, 7, 16, 37]) {
      memory.top = memory.base;
      const [x, scale, dy, stats] = [floats(rows * n), floats(n), floats(rows * n), floats(2 * rows)];
      const walls = [2 * n, 5 * n, n, n, 3 * n, n, n, rows * n, rows * n].map(walled);
      const [moments, totals, dScale, dOffset, factors, columnScale, columnOffset, dx, dz] = walls.map(
        ({ out }) => out,
      );
      k.layerNormBackward(rows, n, x, stats, scale, dy, totals, dx, dScale, dOffset);
      k.batchStatistics(rows, n, x, moments);
      k.batchNormBackward(rows, n, x, scale, scale, scale, 0.1, 1, dy, factors, dz, columnScale, columnOffset);
      expect(walls.map(({ intact }) => intact())).toEqual(Array(9).fill(true));
    }
  });

  it.each([0, 1, 2, 4, 5, 8, 12, 16, 43])("matmulPacked stand beyond 8 columns by %i", (more) => {
    const n = 8 + more;
    for (const [m, kk] of [
      [1, 3],
      [6, 9],
      [7, 300],
    ]) {
      memory.top = memory.base;
      const [a, b] = [floats(m * kk), floats(kk * n)];
      const packed = walled(kk * Math.ceil(n / 8) * 8);
      const [c, plain] = [walled(m * n), walled(m * n)];
      k.packPanels(n, kk, b, packed.out);
      k.matmulPacked(m, n, kk, a, packed.out, b, n, 2, c.out);
      k.matmul(0, m, n, kk, a, b, b, n, 2, memory.temporary(4 * k.matmulScratch(0, m, n, kk)), plain.out);
      expect([c.intact(), packed.intact()], `${m} ${kk}`).toEqual([true, true]);
      const bits = ({ out }: { out: number }): Int32Array => memory.i32.slice(out / 4, out / 4 + m * n);
      expect(bits(c), `${m} ${kk}`).toEqual(bits(plain));
    }
  });

  it("the recurrent kernels stand", () => {
    for (let h = 0; h <= 21; h++) {
      memory.top = memory.base;
      const input = (columns: number): number => floats(2 * h * columns);
      const gates = walled(8 * h);
      const [c, tanhC, y] = [walled(2 * h), walled(2 * h), walled(2 * h)];
      k.lstmForward(2, h, input(1), gates.out, c.out, tanhC.out, y.out);
      k.lstmBackward(2, h, input(1), tanhC.out, input(1), c.out, gates.out);
      const [u, x, next, before] = [walled(6 * h), walled(6 * h), walled(2 * h), walled(2 * h)];
      k.gruForward(2, h, input(1), u.out, x.out, next.out);
      k.gruBackward(2, h, input(1), input(1), before.out, u.out, x.out);
      const all = [gates, c, tanhC, y, u, x, next, before];
      expect(
        all.every((wall) => wall.intact()),
        `hidden = ${h}`,
      ).toBe(true);
    }
  });

  it("the cross-entropy kernels stand", () => {
    for (let n = 1; n <= 67; n++) {
      memory.top = memory.base;
      const x = floats(3 * n);
      const labels = memory.allocate(12);
      memory.i32.set([0, n - 1, n >> 1], labels / 4);
      const [y, losses, dx] = [walled(3 * n), walled(3), walled(3 * n)];
      expect(k.crossEntropy(3, n, x, labels, 0, y.out, losses.out)).toBe(-1);
      k.crossEntropyBackward(3, n, y.out, labels, floats(1), dx.out);
      k.crossEntropyRowsBackward(3, n, y.out, labels, floats(3), floats(3), dx.out);
      for (const [l, t] of [
        [labels, 0],
        [0, floats(3 * n)],
      ]) {
        expect(k.softCrossEntropy(3, n, x, l, t, floats(n), floats(3), 0.9, 0.1, y.out, losses.out)).toBe(-1);
        k.softCrossEntropyBackward(3, n, y.out, l, t, floats(n), floats(3), 0.9, 0.1, floats(3), dx.out);
      }
      expect(k.correctRows(3, n, x, labels, floats(3), losses.out)).toBe(-1);
      expect([y.intact(), losses.intact(), dx.intact()], `n = ${n}`).toEqual([true, true, true]);
    }
  });
});
