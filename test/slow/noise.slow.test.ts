// The noise as it is made (addNormal with std 1 on zeros), over 1,074 million draws: distribution, tails and correlations.
// Run by: npx vitest run --project slow. It prints its figures.
import { describe, expect, it } from "vitest";
import { STREAM, seedWords } from "../../src/core/random.js";
import { sharedRuntime } from "../../src/wasm/runtime.js";
import { Correlation, Distribution, erfc } from "./statistics.js";

const CHUNK = 1024;
const BUFFER = 64 * CHUNK;
const { kernels, memory } = sharedRuntime();

function draw(seed: number, step: number, stream: number, first: number, count: number, into: Float32Array): void {
  const key = seedWords("test", seed);
  const out = memory.temporary(count * 4);
  kernels.fill(count, 0, out);
  kernels.addNormal(count, key.low, key.high, step, stream, first, 1, out);
  into.set(memory.f32.subarray(out >> 2, (out >> 2) + count));
}

const pad = (v: string | number, width: number): string => String(v).padEnd(width);

/** The score that the largest of `count` independent standard normals exceeds once in about 5,000 runs. */
function limitFor(count: number): number {
  let limit = 3.5;
  while (count * erfc(limit / Math.SQRT2) > 2e-4) limit += 0.05;
  return limit;
}

const lines: string[] = [];
const print = (text: string): void => {
  lines.push(text);
  console.log(text);
};

/** Prints and checks a family of correlations; returns nothing but throws where one is too large. */
function report(name: string, found: readonly Correlation[]): void {
  const limit = limitFor(2 * found.length);
  const worst = (of: "plain" | "squared"): number => Math.max(...found.map((c) => Math.abs(c.scores[of])));
  const [plain, squared] = [worst("plain"), worst("squared")];
  print(
    `${pad(name, 34)}${pad(`${found.length} x ${found[0].n.toExponential(1)}`, 18)}worst |r| sqrt(n) ${pad(plain.toFixed(2), 8)}of squares ${pad(squared.toFixed(2), 8)}limit ${limit.toFixed(2)}`,
  );
  expect(plain, `${name}: correlation in standard errors`).toBeLessThan(limit);
  expect(squared, `${name}: correlation of squares in standard errors`).toBeLessThan(limit);
}

describe("over a thousand million draws of the noise", () => {
  it("have the moments, the distribution function and the tails of N(0, 1)", () => {
    const all = new Distribution();
    const buffer = new Float32Array(BUFFER);
    // 64 seeds x 16 steps x 1,048,576 elements
    for (let seed = 0; seed < 64; seed++)
      for (let step = 0; step < 16; step++)
        for (let first = 0; first < 1048576; first += BUFFER) {
          draw(seed, step, STREAM.noise, first, BUFFER, buffer);
          all.add(buffer);
        }
    print(`draws ${all.n}, largest |z| ${Math.sqrt(all.largest).toFixed(3)}`);
    for (const { name, value, expected, error } of [...all.moments(), ...all.tailCounts()]) {
      const score = (value - expected) / error;
      print(
        `${pad(name, 34)}${pad(value.toPrecision(8), 16)}expected ${pad(expected.toPrecision(8), 14)}standard errors ${score.toFixed(2)}`,
      );
      expect(Math.abs(score), name).toBeLessThan(4);
    }
    const ks = all.kolmogorovSmirnov();
    print(`${pad("Kolmogorov-Smirnov sqrt(n) D", 34)}${pad(ks.toFixed(4), 16)}limit 1.63`);
    expect(ks).toBeLessThan(1.63);
  });

  it("are uncorrelated at lags 1 to 64", () => {
    const lags = Array.from({ length: 64 }, () => new Correlation());
    const buffer = new Float32Array(BUFFER);
    for (let first = 0; first < 8 * 1048576; first += BUFFER) {
      draw(11, 3, STREAM.noise, first, BUFFER, buffer);
      lags.forEach((c, i) => {
        c.add(buffer, buffer, 0, BUFFER - 64, 1, i + 1);
      });
    }
    report("lags 1..64", lags);
  });

  it("are uncorrelated between any two of the 32 positions of a block", () => {
    const pairs: Correlation[] = [];
    const buffer = new Float32Array(BUFFER);
    for (let first = 0; first < 16 * 1048576; first += BUFFER) {
      draw(12, 5, STREAM.noise, first, BUFFER, buffer);
      let at = 0;
      for (let i = 0; i < 32; i++)
        for (let j = i + 1; j < 32; j++, at++) {
          pairs[at] ??= new Correlation();
          pairs[at].add(buffer, buffer, i, BUFFER, 32, j - i);
        }
    }
    report("positions of a block, pairwise", pairs);
  });

  it("are uncorrelated between neighbouring chunks, steps, streams and seeds", () => {
    const names = ["chunk", "step", "stream", "seed", "high word of the seed"] as const;
    const far = names.map(() => new Correlation());
    const [x, y] = [new Float32Array(BUFFER), new Float32Array(BUFFER)];
    const high = 2 ** 32;
    for (let round = 0; round < 256; round++) {
      const [seed, step, first] = [round % 7, round % 31, round * BUFFER];
      draw(seed, step, STREAM.noise, first, BUFFER, x);
      const others: [number, number, number, number][] = [
        [seed, step, STREAM.noise, first + CHUNK],
        [seed, step + 1, STREAM.noise, first],
        [seed, step, STREAM.noise + 1, first],
        [seed + 1, step, STREAM.noise, first],
        [seed + high, step, STREAM.noise, first],
      ];
      others.forEach(([s, t, stream, from], i) => {
        draw(s, t, stream, from, BUFFER, y);
        far[i].add(x, y);
      });
    }
    names.forEach((name, i) => {
      report(`next ${name}`, [far[i]]);
    });
  });

  it("are uncorrelated at the same position of neighbouring chunks, position by position", () => {
    const positions = Array.from({ length: CHUNK }, () => new Correlation());
    const buffer = new Float32Array(BUFFER);
    for (let first = 0; first < 16 * 1048576; first += BUFFER) {
      draw(13, 9, STREAM.noise, first, BUFFER, buffer);
      positions.forEach((c, i) => {
        c.add(buffer, buffer, i, BUFFER - CHUNK, CHUNK, CHUNK);
      });
    }
    report("chunks, each of 1,024 positions", positions);
  });
});
