// Digest: one short hex string for any amount of bytes, so that a test can pin a whole training run.
// MurmurHash3_x86_128 over 32-bit little-endian words; not cryptographic: it finds accidents, not forgeries.
// Source: Austin Appleby, MurmurHash3.cpp in SMHasher (public domain), whose verification value is tested.

const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

// Mixes the whole 16-byte blocks of bytes[from..to) into the four lanes of `state`; to - from is a multiple of 16.
function mixBlocks(state: Int32Array, bytes: Uint8Array, from: number, to: number): void {
  // A DataView reads little-endian at any alignment on any machine, and is as fast as an Int32Array in V8.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [h1, h2, h3, h4] = state;
  for (let i = from; i < to; i += 16) {
    let k = Math.imul(view.getInt32(i, true), c1);
    h1 ^= Math.imul((k << 15) | (k >>> 17), c2);
    h1 = (((h1 << 19) | (h1 >>> 13)) + h2) | 0;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;

    k = Math.imul(view.getInt32(i + 4, true), c2);
    h2 ^= Math.imul((k << 16) | (k >>> 16), c3);
    h2 = (((h2 << 17) | (h2 >>> 15)) + h3) | 0;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;

    k = Math.imul(view.getInt32(i + 8, true), c3);
    h3 ^= Math.imul((k << 17) | (k >>> 15), c4);
    h3 = (((h3 << 15) | (h3 >>> 17)) + h4) | 0;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;

    k = Math.imul(view.getInt32(i + 12, true), c4);
    h4 ^= Math.imul((k << 18) | (k >>> 14), c1);
    h4 = (((h4 << 13) | (h4 >>> 19)) + h1) | 0;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
  }
  state[0] = h1;
  state[1] = h2;
  state[2] = h3;
  state[3] = h4;
}

// The last block, of 0..15 bytes padded with zeros: its words enter the lanes, but the lanes are not stirred.
// A word of zeros changes nothing, so absent words need no test.
function mixTail(state: Int32Array, block: Uint8Array): void {
  const view = new DataView(block.buffer);
  const constants = [c1, c2, c3, c4];
  for (let lane = 0; lane < 4; lane++) {
    const k = Math.imul(view.getInt32(4 * lane, true), constants[lane]);
    const rotate = 15 + lane;
    state[lane] ^= Math.imul((k << rotate) | (k >>> (32 - rotate)), constants[(lane + 1) % 4]);
  }
}

function addAcross(state: Int32Array): void {
  state[0] += state[1] + state[2] + state[3];
  for (let lane = 1; lane < 4; lane++) state[lane] += state[0];
}

function finish(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * MurmurHash3_x86_128 of the parts laid end to end, as its four 32-bit words.
 * @internal
 */
export function murmurHash128(parts: Iterable<Uint8Array>, seed = 0): Uint32Array {
  const state = new Int32Array(4).fill(seed);
  const block = new Uint8Array(16); // bytes that wait for the rest of their block
  let waiting = 0;
  let length = 0;
  for (const part of parts) {
    let from = 0;
    length += part.length;
    if (waiting > 0) {
      from = Math.min(16 - waiting, part.length);
      block.set(part.subarray(0, from), waiting);
      waiting += from;
      if (waiting < 16) continue;
      mixBlocks(state, block, 0, 16);
    }
    const to = part.length - ((part.length - from) % 16);
    mixBlocks(state, part, from, to);
    block.set(part.subarray(to));
    waiting = part.length - to;
  }
  mixTail(state, block.fill(0, waiting));
  for (let lane = 0; lane < 4; lane++) state[lane] ^= length; // modulo 2^32
  addAcross(state);
  for (let lane = 0; lane < 4; lane++) state[lane] = finish(state[lane]);
  addAcross(state);
  return new Uint32Array(state.buffer);
}

/**
 * A digest of the bytes of `parts` laid end to end, however they are split: 16 lower-case hex characters.
 *
 * It is the first half of MurmurHash3_x86_128 with seed 0 (words h1 and h2, most significant digit first).
 * Equal digests mean equal bytes but for a chance of 2^-64; it does not resist an adversary.
 *
 * Example: `digestBytes([new TextEncoder().encode("Hello")]) === "2360ae465e6336c6"`
 *
 * Source: Appleby, MurmurHash3.cpp, function MurmurHash3_x86_128.
 */
export function digestBytes(parts: Iterable<Uint8Array>): string {
  const [h1, h2] = murmurHash128(parts);
  return h1.toString(16).padStart(8, "0") + h2.toString(16).padStart(8, "0");
}
