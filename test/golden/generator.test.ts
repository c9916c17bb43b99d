// The random generator against its authors' vectors and against a model of the whole layout in pure Python.
import { describe, expect, it } from "vitest";
import {
  DOMAIN,
  derive,
  foldIn,
  type Key,
  key,
  permutation,
  STREAM,
  seedWords,
  split,
  stepKey,
} from "../../src/core/random.js";
import { full } from "../../src/core/tensor.js";
import { sequential } from "../../src/nn/containers.js";
import { dropout } from "../../src/nn/parts.js";
import { noiseStd } from "../../src/optim/noise.js";
import { sharedRuntime } from "../../src/wasm/runtime.js";
import golden from "./generator.json"; // made by test/golden/generator.py

const { kernels, memory } = sharedRuntime();
const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
const bitsOf = (x: number): string => hex(new Uint32Array(Float32Array.of(x).buffer)[0]);
const hashOf = (words: Uint32Array): number => words.reduce((total, w) => (Math.imul(total, 31) + w) >>> 0, 0);

interface Place {
  seed: number;
  step: number;
  stream: number;
  first: number;
  count: number;
}

function draw(fill: "fillWords" | "fillNormal" | "fillUniform", { seed, step, stream, first, count }: Place) {
  const { low, high } = seedWords("test", seed);
  const out = memory.temporary(count * 4);
  kernels[fill](count, low, high, step | 0, stream, first, out);
  return memory.u8.slice(out, out + count * 4).buffer;
}

const titleOf = (p: Place) => `seed ${p.seed} step ${p.step} stream ${p.stream} first ${p.first} count ${p.count}`;

describe("Philox4x32-10", () => {
  // Random123, tests/kat_vectors: "philox4x32 10 <counter> <key> <output>"
  it.each([
    ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ])("gives its authors' answer for counter %s and key %s", (counter, keys, answer) => {
    const words = (text: string) => text.split(" ").map((w) => Number.parseInt(w, 16) | 0);
    const [c0, c1, c2, c3] = words(counter);
    const [k0, k1] = words(keys);
    const out = memory.temporary(16);
    kernels.philox(c0, c1, c2, c3, k0, k1, out);
    expect(Array.from(memory.i32.subarray(out >> 2, (out >> 2) + 4), hex).join(" ")).toBe(answer);
  });
});

describe("xoshiro128++", () => {
  it("gives its authors' sequence from the state 1, 2, 3, 4", () => {
    // The C program at prng.di.unimi.it/xoshiro128plusplus.c, as pinned by the crate rand_xoshiro (reference test)
    const answer = [
      641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420,
    ];
    const state = memory.temporary(16 + 40);
    memory.i32.set([1, 2, 3, 4], state >> 2);
    kernels.xoshiro(10, state, state + 16);
    expect(Array.from(new Uint32Array(memory.u8.slice(state + 16, state + 56).buffer))).toEqual(answer);
  });
});

describe("the layout of chunks, lanes and words", () => {
  it.each(golden.words.map((g) => [titleOf(g), g] as const))("of the words is the model's: %s", (_, g) => {
    const words = new Uint32Array(draw("fillWords", g));
    expect(g.at.map((i) => hex(words[i])).join(" ")).toBe(g.hex);
    expect(hashOf(words)).toBe(g.hash);
  });

  it.each(golden.normals.map((g) => [titleOf(g), g] as const))("of the normals is the model's: %s", (_, g) => {
    const normals = draw("fillNormal", g);
    const words = new Uint32Array(normals);
    expect(g.at.map((i) => hex(words[i])).join(" ")).toBe(g.hex);
    expect(hashOf(words)).toBe(g.hash);
    // the cosine errs by 6.7e-6 of a radius below 6.7; the square of the radius by 2e-5, so a radius r by 1e-5 / r
    const values = new Float32Array(normals);
    g.at.forEach((i, k) => {
      expect(Math.abs(values[i] - g.true[k])).toBeLessThan(1e-4);
    });
  });

  it("gives one value the same bits in every run that holds it", () => {
    const whole = new Float32Array(
      draw("fillNormal", { seed: 5, step: 2, stream: STREAM.noise, first: 0, count: 4096 }),
    );
    for (const [first, count] of [
      [0, 1],
      [1, 31],
      [31, 2],
      [1000, 1100],
      [1023, 2],
      [1024, 1024],
      [1024, 1056],
      [2047, 2049],
      [4095, 1],
    ])
      expect(
        new Float32Array(draw("fillNormal", { seed: 5, step: 2, stream: STREAM.noise, first, count })),
        `${first} + ${count}`,
      ).toEqual(whole.slice(first, first + count));
  });

  it("makes uniform numbers of the upper 24 bits of a word", () => {
    const place = { seed: 3, step: 1, stream: 1, first: 1019, count: 9 };
    const words = new Uint32Array(draw("fillWords", place));
    expect(Array.from(new Float32Array(draw("fillUniform", place)))).toEqual(
      Array.from(words, (w) => (w >>> 8) / 2 ** 24),
    );
  });

  it("writes nothing outside of the run it is asked for", () => {
    const out = memory.temporary(64 * 4) >> 2;
    for (const fill of ["fillWords", "fillNormal", "fillUniform"] as const)
      for (const [first, count] of [
        [0, 5],
        [1021, 7],
        [3, 0],
      ]) {
        memory.f32.fill(7, out, out + 64);
        kernels[fill](count, 1, 0, 0, 4, first, (out + 20) * 4);
        const outside = [...memory.f32.subarray(out, out + 20), ...memory.f32.subarray(out + 20 + count, out + 64)];
        expect(outside.every((v) => v === 7)).toBe(true);
      }
  });

  it("derives keys as the model does", () => {
    for (const { seed, index, hex: expected } of golden.foldIn) {
      const { low, high } = foldIn(key(seed), index);
      expect(`${hex(low)} ${hex(high)}`).toBe(expected);
    }
  });

  it.each(golden.derive.map((g) => [`${g.domain} ${g.index} of seed ${g.seed}`, g] as const))(
    "derives the keys of every domain as the model does: %s",
    (_, { seed, index, domain, hex: expected }) => {
      const shown = ({ low, high }: Key): string => `${hex(low)} ${hex(high)}`;
      const parent = key(seed);
      expect(shown(derive(parent, index, DOMAIN[domain as keyof typeof DOMAIN]))).toBe(expected);
      if (domain === "split") expect(shown(split(parent, index + 1)[index])).toBe(expected);
      if (domain === "step") expect(shown(stepKey(parent, index))).toBe(expected);
    },
  );

  it("shuffles as the model does", () => {
    const { seed, count, order } = golden.permutation;
    expect(Array.from(permutation(key(seed), count))).toEqual(order);
  });

  it("drops the units that the model drops, call after call of one context", () => {
    const { seed, step, rate, masks } = golden.kept;
    const context = { training: true, key: stepKey(key(seed), step) };
    const layer = dropout(rate);
    const input = full([96], 1);
    const shown = (data: ArrayLike<number>): string => Array.from(data, (v) => (v === 0 ? 0 : 1)).join("");
    const found = [1, 2].map(() => shown(layer.apply({}, input, context).data));
    const inside: string[] = [];
    const spy = (t: typeof input) => {
      inside.push(shown(t.data));
      return input;
    };
    sequential(layer, spy, layer, spy).apply({ layers: [{}, {}, {}, {}] }, input, context);
    expect([...found, inside[1]]).toEqual(masks);
  });

  it("keeps the ids of its streams and of the domains of keys", () => {
    expect(DOMAIN).toEqual({ fold: 0, split: 1, step: 2, draw: 3, layer: 4 });
    expect(STREAM).toEqual({ init: 1, data: 2, dropout: 3, noise: 4, split: 5, anticorrelated: 6, langevin: 7 });
  });
});

describe("the noise's standard deviation", () => {
  // Python's decimal module at 50 digits: sigma() in test/golden/generator.py
  it.each(golden.sigma.map((g) => [g.eta, g] as const))(
    "with eta %f is sqrt(eta / (1 + t)^0.55) to the bit",
    (_, g) => {
      expect(g.t.map((t) => bitsOf(noiseStd(g.eta, g.gamma, t)))).toEqual(g.hex);
    },
  );
});
