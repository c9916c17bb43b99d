// Inflating against zlib: every kind of block, every level, every truncation, and bits flipped at random.
import { constants, deflateRawSync, inflateRawSync, crc32 as zlibCrc } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32, InflateError, inflate, type Sink } from "../../src/base/inflate.js";

function inflated(input: Uint8Array, limit = Infinity): { bytes: Uint8Array; end: number; blocks: number } {
  const sink: Sink = { bytes: new Uint8Array(Math.min(16, limit)), length: 0, limit };
  const steps = inflate(input, 0, sink);
  for (let blocks = 0; ; blocks++) {
    const { done, value } = steps.next();
    if (done) return { bytes: sink.bytes.subarray(0, sink.length), end: value, blocks };
  }
}

/** What zlib says: the bytes, or undefined where it refuses. */
function byZlib(input: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(inflateRawSync(input));
  } catch {
    return undefined;
  }
}

let state = 1;
const random = (n: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
/** Bytes with repeats near and far: words of a small vocabulary, then noise. */
const material = (length: number, alphabet: number): Uint8Array => {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; ) {
    const back = random(3) === 0 && i > 0 ? 1 + random(Math.min(i, 32768)) : 0;
    for (let n = 1 + random(300); n > 0 && i < length; n--, i++) out[i] = back ? out[i - back] : random(alphabet);
  }
  return out;
};

const strategies = [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE];

describe("inflate", () => {
  it("gives what was deflated, at every level and by every strategy, and tells where it ended", () => {
    for (const length of [0, 1, 2, 31, 300, 5000, 200_000])
      for (const alphabet of [1, 4, 256])
        for (const level of [0, 1, 6, 9])
          for (const strategy of strategies) {
            const bytes = material(length, alphabet);
            const packed = deflateRawSync(bytes, { level, strategy });
            const { bytes: found, end } = inflated(Buffer.concat([packed, Buffer.of(1, 2, 3)]));
            expect(end).toBe(packed.length);
            expect(Buffer.compare(found, bytes)).toBe(0);
          }
  });

  it("stops between blocks", () => {
    expect(inflated(deflateRawSync(material(3_000_000, 200))).blocks).toBeGreaterThan(10);
  });

  it("refuses every beginning of a stream as truncated", () => {
    for (const level of [0, 6]) {
      const packed = deflateRawSync(material(700, 20), { level });
      for (let n = 0; n < packed.length; n++)
        expect(() => inflated(packed.subarray(0, n))).toThrow(new InflateError("truncated"));
    }
  });

  it("accepts and refuses the same damaged streams as zlib, with the same bytes", () => {
    const seen = { accepted: 0, refused: 0 };
    for (let round = 0; round < 4000; round++) {
      const packed = deflateRawSync(material(1 + random(400), 1 + random(256)), {
        level: random(10),
        strategy: strategies[random(4)],
      });
      packed[random(packed.length)] ^= 1 << random(8);
      const expected = byZlib(packed);
      let found: Uint8Array | undefined;
      try {
        found = inflated(packed).bytes;
      } catch (error) {
        expect(error).toBeInstanceOf(InflateError);
      }
      expect(found && Buffer.from(found).toString("hex")).toBe(expected && Buffer.from(expected).toString("hex"));
      seen[expected ? "accepted" : "refused"]++;
    }
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(500);
  });

  it("never fails but by its own error on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const expected = byZlib(bytes);
        let found: Uint8Array | undefined;
        try {
          found = inflated(bytes).bytes;
        } catch (error) {
          expect(error).toBeInstanceOf(InflateError);
        }
        expect(found && [...found]).toEqual(expected && [...expected]);
      }),
      { seed: 1, numRuns: 3000 },
    );
  });

  it("makes no more bytes than the limit, and asks for it when it sees the first", () => {
    const zeros = deflateRawSync(new Uint8Array(1_000_000), { strategy: constants.Z_FIXED });
    expect(() => inflated(zeros, 999_999)).toThrow(new InflateError("limit"));
    expect(inflated(zeros, 1_000_000).bytes.length).toBe(1_000_000);
    const sink: Sink = { bytes: new Uint8Array(1000), length: 0, limit: Infinity };
    sink.plan = ({ length }) => {
      expect(length).toBeGreaterThan(500);
      sink.limit = 2000;
    };
    expect(() => inflate(zeros, 0, sink).next()).toThrow(new InflateError("limit"));
    expect(sink.bytes.length).toBeLessThanOrEqual(2000);
  });
});

describe("crc32", () => {
  it("has the check value of the catalogue, and continues", () => {
    const bytes = new TextEncoder().encode("123456789");
    expect(crc32(bytes, 0, 9)).toBe(0xcbf43926); // Greg Cook, Catalogue of CRC algorithms, CRC-32/ISO-HDLC
    for (let cut = 0; cut <= 9; cut++) expect(crc32(bytes, cut, 9, crc32(bytes, 0, cut))).toBe(0xcbf43926);
  });

  it.runIf(typeof zlibCrc === "function")("agrees with zlib at every length", () => {
    const bytes = material(70, 256);
    for (let n = 0; n < 70; n++) expect(crc32(bytes, 0, n)).toBe(zlibCrc(bytes.subarray(0, n)));
  });
});
