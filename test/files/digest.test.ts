// The digest against the outside world: SMHasher's verification value, and Python's mmh3.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestBytes, murmurHash128 } from "../../src/files/digest.js";

const text = (value: string) => [new TextEncoder().encode(value)];

// data[i] = (31 i^2 + 7 i) mod 251; 31 i^2 stays below 2^45 for the lengths used here.
const series = (length: number) => Uint8Array.from({ length }, (_, i) => (31 * i * i + 7 * i) % 251);

// Python with mmh3 5.3.0, for n in 0..33:
//   data = bytes((i*i*31 + 7*i) % 251 for i in range(100))
//   "%08x%08x" % struct.unpack("<2I", mmh3.hash_bytes(data[:n], 0, False)[:8])
const goldenBySize = [
  ["0000000000000000", "88c4adec54d201b9", "3efbf958d5ed8f80", "ee0f358eef87234f", "b9de19c69e5b79c0"],
  ["ca98959ffeef3a82", "5044efcda250a8d6", "3d4568f5d4c48c64", "5b6b819eb205ad0d", "bc809831fed1de2a"],
  ["d2d326561c5f7cdb", "6cfd433e8b1be116", "d367bae8835f0f07", "b7ecca4b66ba1bec", "00b163c17d0a8fc3"],
  ["87453ff060f1cec4", "ad7672135f359b34", "1a847ef0f9912713", "efbcc1e8e43e364b", "8698e5ab9743ffc9"],
  ["8b2fd349fce54b3f", "82e9d8c538d08e5d", "ceccebf379a5b9af", "3cf3dc1df15dab5d", "a956d96734968607"],
  ["2fd7a25a1decf88b", "bdfbb43ea1ed636e", "a648976f49e08af4", "c891bb0b93e4d713", "bb7ce398ed6af478"],
  ["713ebb7b80e7fe6a", "7cd0b26254d4be3a", "4bbd7ae94629f0a2", "5d2e31a7ac97e97d"],
].flat();

describe("digestBytes", () => {
  it("passes SMHasher's verification test for MurmurHash3_x86_128", () => {
    // SMHasher, KeysetTest.cpp, VerificationTest: keys 0, 1, ..., n-1 with seed 256 - n; then the hash of the hashes.
    const key = Uint8Array.from({ length: 256 }, (_, i) => i);
    const hashes = new Uint8Array(256 * 16);
    const view = new DataView(hashes.buffer);
    for (let n = 0; n < 256; n++)
      murmurHash128([key.subarray(0, n)], 256 - n).forEach((word, i) => {
        view.setUint32(16 * n + 4 * i, word, true);
      });
    expect(murmurHash128([hashes])[0]).toBe(0xb3ece62a); // main.cpp, g_hashes, "Murmur3C"
  });

  it("agrees with the published hash of a known sentence", () => {
    // README of murmurHash3js, x86.hash128: 9b5b7ba2ef3f7866889adeaf00f3f98e
    expect(digestBytes(text("I will not buy this tobacconist's, it is scratched."))).toBe("9b5b7ba2ef3f7866");
  });

  it("agrees with mmh3 at every length of the last block", () => {
    expect(goldenBySize.map((_, n) => digestBytes([series(n)]))).toEqual(goldenBySize);
  });

  it("agrees with mmh3 on a mebibyte", () => {
    expect(digestBytes([series(1 << 20)])).toBe("29f6d3f36aca2f22");
  });

  it("keeps the leading zeros of both words", () => {
    expect(digestBytes([])).toBe("0000000000000000");
  });

  it("does not depend on how the bytes are split into parts", () => {
    const bytes = series(200);
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (unsorted) => {
        const edges = [0, ...unsorted.sort((a, b) => a - b), bytes.length];
        const parts = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
        expect(digestBytes(parts)).toBe(digestBytes([bytes]));
      }),
      { seed: 1 },
    );
  });

  it("does not depend on where the bytes lie in their buffer", () => {
    const bytes = series(67);
    for (let offset = 1; offset < 8; offset++) {
      const moved = new Uint8Array(offset + 67 + 5).fill(255);
      moved.set(bytes, offset);
      expect(digestBytes([moved.subarray(offset, offset + 67)])).toBe(digestBytes([bytes]));
    }
  });

  it("tells apart inputs that differ in one bit", () => {
    const bytes = series(40);
    const seen = new Set([digestBytes([bytes])]);
    for (let bit = 0; bit < 320; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      seen.add(digestBytes([flipped]));
    }
    expect(seen.size).toBe(321);
  });

  it("tells apart inputs that differ in zeros at the end", () => {
    expect(new Set(Array.from({ length: 40 }, (_, n) => digestBytes([new Uint8Array(n + 1)]))).size).toBe(40);
  });

  it("reads a generator of parts once", () => {
    function* parts() {
      yield series(20).subarray(0, 3);
      yield series(20).subarray(3);
    }
    expect(digestBytes(parts())).toBe(goldenBySize[20]);
  });
});
