// The generator. Every word is a pure function of (seed, stream, step, index); the layout is fixed in ARCHITECTURE.md.
// A chunk is 1,024 values. Philox4x32-10 with the counter (chunk, lane, step, stream) and the key (seed) gives the state
// of xoshiro128++ for each of eight lanes, which advance as two interleaved sets of four (0.33 ns a word against 1.1).
// Sources: Salmon et al. 2011 (Philox), Blackman & Vigna 2019 (xoshiro128++), Box & Muller 1958.

const WORDS = memory.data(4096, 16); // the words of one chunk
const NORMALS = memory.data(4096, 16); // the normals of one chunk, for runs that start or end inside it

// biome-ignore format: a row is one vector
const GAUSS = memory.data<f32>([
    0.5, 0.5, 0.5, 0.5, // 0
    // 16..96: log2(m) on [1, 2), error -2.7e-5..0: never above, so that -log2 u is never negative and needs no clamp
    -2.8003783226013184, -2.8003783226013184, -2.8003783226013184, -2.8003783226013184, // 16
    5.091709613800049, 5.091709613800049, 5.091709613800049, 5.091709613800049, // 32
    -3.5507915019989014, -3.5507915019989014, -3.5507915019989014, -3.5507915019989014, // 48
    1.6311477422714233, 1.6311477422714233, 1.6311477422714233, 1.6311477422714233, // 64
    -0.41656333208084106, -0.41656333208084106, -0.41656333208084106, -0.41656333208084106, // 80
    0.04487356171011925, 0.04487356171011925, 0.04487356171011925, 0.04487356171011925, // 96
    158.0, 158.0, 158.0, 158.0, // 112: 127 + 31, the exponent of u = (w + 1/2) / 2^31
    4.656612873077393e-10, 4.656612873077393e-10, 4.656612873077393e-10, 4.656612873077393e-10, // 128: 2^-31
    3.0517578125e-5, 3.0517578125e-5, 3.0517578125e-5, 3.0517578125e-5, // 144: 2^-15, half a phase: they lie symmetric about 0
    // 160..208: cos(pi/2 x) on [-1, 1], even powers, largest error 6.7e-6
    0.9999933242797852, 0.9999933242797852, 0.9999933242797852, 0.9999933242797852, // 160
    -1.2334845066070557, -1.2334845066070557, -1.2334845066070557, -1.2334845066070557, // 176
    0.2525802254676819, 0.2525802254676819, 0.2525802254676819, 0.2525802254676819, // 192
    -0.019095735624432564, -0.019095735624432564, -0.019095735624432564, -0.019095735624432564, // 208
    // 224..272: sin(pi/2 x) on [-1, 1], odd powers, largest error 5.9e-7
    1.5707910060882568, 1.5707910060882568, 1.5707910060882568, 1.5707910060882568, // 224
    -0.645892858505249, -0.645892858505249, -0.645892858505249, -0.645892858505249, // 240
    0.0794343426823616, 0.0794343426823616, 0.0794343426823616, 0.0794343426823616, // 256
    -0.004333095159381628, -0.004333095159381628, -0.004333095159381628, -0.004333095159381628, // 272
], 16);

// biome-ignore format: a row is one vector
const MASK = memory.data<u32>([
    0x007fffff, 0x007fffff, 0x007fffff, 0x007fffff, // 0: mantissa
    0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000, // 16: 1.0
    0x80000000, 0x80000000, 0x80000000, 0x80000000, // 32: sign
    0xffff0000, 0xffff0000, 0xffff0000, 0xffff0000, // 48: high half
], 16);

/** 2 ln 2 less the 1e-5 by which the polynomial lies below log2, so that the variance is 1. */
const TWO_LN_2: f64 = 1.3862797;
const LEAST_STD: f32 = 8.673617379884035e-19; // 2^-60
const TWO_60: f64 = 1.152921504606847e18;

/** The counter-based generator: ten rounds turn any counter and key into four words. Slow (1.1 ns a word), so it only seeds. */
class Philox {
  /**
   * Four Philox4x32-10 blocks, one a lane; the four output words go to `out` as four vectors.
   * A round: both even words times a constant; the high halves, mixed with the odd words and the key, become the even words.
   */
  static block(c0: v128, c1: v128, c2: v128, c3: v128, key0: i32, key1: i32, out: usize): void {
    const m0 = i32x4.splat(0xd2511f53);
    const m1 = i32x4.splat(0xcd9e8d57);
    for (let round = 0; round < 10; round++) {
      const lo0 = i64x2.extmul_low_i32x4_u(m0, c0);
      const hi0 = i64x2.extmul_high_i32x4_u(m0, c0);
      const lo1 = i64x2.extmul_low_i32x4_u(m1, c2);
      const hi1 = i64x2.extmul_high_i32x4_u(m1, c2);
      const high0 = i32x4.shuffle(lo0, hi0, 1, 3, 5, 7);
      const low0 = i32x4.shuffle(lo0, hi0, 0, 2, 4, 6);
      const high1 = i32x4.shuffle(lo1, hi1, 1, 3, 5, 7);
      const low1 = i32x4.shuffle(lo1, hi1, 0, 2, 4, 6);
      c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(key0));
      c1 = low1;
      c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(key1));
      c3 = low0;
      key0 += 0x9e3779b9;
      key1 += 0xbb67ae85;
    }
    v128.store(out, c0);
    v128.store(out, c1, 16);
    v128.store(out, c2, 32);
    v128.store(out, c3, 48);
  }
}

/** The fast generator of a chunk. Two sets of four lanes take turns, so that one works while the other waits. */
class Xoshiro {
  @inline static rotl(x: v128, k: i32): v128 {
    return v128.or(i32x4.shl(x, k), i32x4.shr_u(x, 32 - k));
  }

  /** `rounds` rounds of one word from each of eight lanes into WORDS: lanes 0-3, then 4-7, 32 bytes a round. */
  static fill(chunk: i32, key0: i32, key1: i32, step: i32, stream: i32, rounds: i32): void {
    const state: usize = NORMALS; // its contents are not in use while words are made
    const c0 = i32x4.splat(chunk);
    const c2 = i32x4.splat(step);
    const c3 = i32x4.splat(stream);
    Philox.block(c0, i32x4(0, 1, 2, 3), c2, c3, key0, key1, state);
    Philox.block(c0, i32x4(4, 5, 6, 7), c2, c3, key0, key1, state + 64);
    let a0 = v128.load(state);
    let a1 = v128.load(state, 16);
    let a2 = v128.load(state, 32);
    let a3 = v128.load(state, 48);
    let b0 = v128.load(state, 64);
    let b1 = v128.load(state, 80);
    let b2 = v128.load(state, 96);
    let b3 = v128.load(state, 112);
    let out: usize = WORDS;
    const end: usize = out + (rounds << 5);
    while (out < end) {
      v128.store(out, i32x4.add(Xoshiro.rotl(i32x4.add(a0, a3), 7), a0));
      v128.store(out, i32x4.add(Xoshiro.rotl(i32x4.add(b0, b3), 7), b0), 16);
      const ta = i32x4.shl(a1, 9);
      const tb = i32x4.shl(b1, 9);
      a2 = v128.xor(a2, a0);
      b2 = v128.xor(b2, b0);
      a3 = v128.xor(a3, a1);
      b3 = v128.xor(b3, b1);
      a1 = v128.xor(a1, a2);
      b1 = v128.xor(b1, b2);
      a0 = v128.xor(a0, a3);
      b0 = v128.xor(b0, b3);
      a2 = v128.xor(a2, ta);
      b2 = v128.xor(b2, tb);
      a3 = Xoshiro.rotl(a3, 11);
      b3 = Xoshiro.rotl(b3, 11);
      out += 32;
    }
  }
}

/** Box-Muller on four lanes: radius sqrt(-2 ln u) and an angle give two normals, r cos and r sin. */
class Gauss {
  /** std sqrt(-2 ln u) for u = (w >> 1 + 1/2) / 2^31 in (0, 1]; `factor` is TWO_LN_2 std^2. */
  @inline static radius(word: v128, factor: v128): v128 {
    const u = f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(word, 1)), v128.load(GAUSS));
    const e = f32x4.convert_i32x4_s(i32x4.shr_u(u, 23));
    const m = v128.or(v128.and(u, v128.load(MASK)), v128.load(MASK, 16));
    const m2 = f32x4.mul(m, m);
    const p01 = f32x4.add(v128.load(GAUSS, 16), f32x4.mul(v128.load(GAUSS, 32), m));
    const p23 = f32x4.add(v128.load(GAUSS, 48), f32x4.mul(v128.load(GAUSS, 64), m));
    const p45 = f32x4.add(v128.load(GAUSS, 80), f32x4.mul(v128.load(GAUSS, 96), m));
    const p = f32x4.add(p01, f32x4.mul(m2, f32x4.add(p23, f32x4.mul(m2, p45))));
    const bits = f32x4.sub(f32x4.sub(v128.load(GAUSS, 112), e), p); // -log2 u
    return f32x4.sqrt(f32x4.mul(bits, factor));
  }

  /** Phase in (-1, 1), half turns from -pi/2 to pi/2, from the high 16 bits: bit 31 is the sign, 15 bits the phase. */
  @inline static phase(word: v128): v128 {
    const x = f32x4.convert_i32x4_s(i32x4.shl(word, 1));
    return f32x4.add(f32x4.mul(x, v128.load(GAUSS, 128)), v128.load(GAUSS, 144));
  }

  /** cos(pi/2 x) from x^2 and x^4: even powers, in Estrin's order. */
  @inline static cosine(x2: v128, x4: v128): v128 {
    const low = f32x4.add(v128.load(GAUSS, 160), f32x4.mul(v128.load(GAUSS, 176), x2));
    return f32x4.add(low, f32x4.mul(x4, f32x4.add(v128.load(GAUSS, 192), f32x4.mul(v128.load(GAUSS, 208), x2))));
  }

  /** sin(pi/2 x): x times a polynomial in x^2. */
  @inline static sine(x: v128, x2: v128, x4: v128): v128 {
    const low = f32x4.add(v128.load(GAUSS, 224), f32x4.mul(v128.load(GAUSS, 240), x2));
    return f32x4.mul(
      x,
      f32x4.add(low, f32x4.mul(x4, f32x4.add(v128.load(GAUSS, 256), f32x4.mul(v128.load(GAUSS, 272), x2)))),
    );
  }

  /** Eight normals: four cosines, then four sines; out = n, or out += n. */
  @inline static pair(radius: v128, phaseWord: v128, out: usize, accumulate: bool): void {
    const sign = v128.and(phaseWord, v128.load(MASK, 32));
    const r = v128.xor(radius, sign);
    const x = Gauss.phase(phaseWord);
    const x2 = f32x4.mul(x, x);
    const x4 = f32x4.mul(x2, x2);
    const c = f32x4.mul(r, Gauss.cosine(x2, x4));
    const s = f32x4.mul(r, Gauss.sine(x, x2, x4));
    if (accumulate) {
      v128.store(out, f32x4.add(v128.load(out), c));
      v128.store(out, f32x4.add(v128.load(out, 16), s), 16);
    } else {
      v128.store(out, c);
      v128.store(out, s, 16);
    }
  }

  /** `blocks` blocks of 32 numbers from WORDS, N(0, std^2) with factor = TWO_LN_2 std^2: three words of a lane serve two pairs. */
  @inline static transform(out: usize, blocks: i32, factor: v128, accumulate: bool): void {
    // Radii first, into the place of their words: one loop for both halves spills (1.50 -> 1.41 ns, Node 20)
    for (let p: usize = WORDS, end: usize = WORDS + blocks * 96; p < end; p += 96) {
      v128.store(p, Gauss.radius(v128.load(p), factor));
      v128.store(p, Gauss.radius(v128.load(p, 16), factor), 16);
      v128.store(p, Gauss.radius(v128.load(p, 32), factor), 32);
      v128.store(p, Gauss.radius(v128.load(p, 48), factor), 48);
    }
    let words: usize = WORDS;
    const high = v128.load(MASK, 48);
    for (let i = 0; i < blocks; i++) {
      // words: [radius 0][radius 1][phases], each as lanes 0-3 then lanes 4-7
      const phaseA = v128.load(words, 64);
      const phaseB = v128.load(words, 80);
      Gauss.pair(v128.load(words), i32x4.shl(phaseA, 16), out, accumulate);
      Gauss.pair(v128.load(words, 32), v128.and(phaseA, high), out + 32, accumulate);
      Gauss.pair(v128.load(words, 16), i32x4.shl(phaseB, 16), out + 64, accumulate);
      Gauss.pair(v128.load(words, 48), v128.and(phaseB, high), out + 96, accumulate);
      words += 96;
      out += 128;
    }
  }
}

/**
 * out [count] = n(first + i), the standard normals of elements first .. first + count of (key, step, stream).
 * The generator has no state: any stretch can be made alone, in any order, by any thread, and has the same bits.
 */
export function fillNormal(count: i32, key0: i32, key1: i32, step: i32, stream: i32, first: i32, out: usize): void {
  run(count, key0, key1, step, stream, first, 1, out, false);
}

/**
 * g [count] += n(first + i) std: the noise of an update. The standard deviation is folded into the radius, so it costs no
 * product a number. std >= 1e-36. `first` is the element's place in the parameter block, not in what is left of it by a mask.
 */
export function addNormal(
  count: i32,
  key0: i32,
  key1: i32,
  step: i32,
  stream: i32,
  first: i32,
  std: f32,
  g: usize,
): void {
  run(count, key0, key1, step, stream, first, std, g, true);
}

/** The whole-block cases on their own, so that the loop over chunks stays small. */
function addBlocks(out: usize, blocks: i32, factor: v128): void {
  Gauss.transform(out, blocks, factor, true);
}

function fillBlocks(out: usize, blocks: i32, factor: v128): void {
  Gauss.transform(out, blocks, factor, false);
}

/** Normals to out, or added to it, chunk by chunk; where a run begins or ends inside one, by way of NORMALS. */
function run(
  count: i32,
  key0: i32,
  key1: i32,
  step: i32,
  stream: i32,
  first: i32,
  std: f32,
  out: usize,
  accumulate: bool,
): void {
  // std^2 has to be a normal float: a tiny std is multiplied by 2^60 first, and its numbers by 2^-60 at the end
  const tiny = std < LEAST_STD;
  const root = tiny ? <f64>std * TWO_60 : <f64>std;
  const back: f32 = tiny ? <f32>(1 / TWO_60) : 1;
  const factor = f32x4.splat(<f32>(TWO_LN_2 * root * root));
  let position = first;
  const end = first + count;
  while (position < end) {
    const chunk = position >>> 10;
    const from = position & 1023;
    const to = min(1024, end - (chunk << 10));
    const blocks = (to + 31) >>> 5;
    Xoshiro.fill(chunk, key0, key1, step, stream, blocks * 3);
    if (!tiny && from == 0 && (to & 31) == 0) {
      if (accumulate) addBlocks(out, blocks, factor);
      else fillBlocks(out, blocks, factor);
    } else {
      fillBlocks(NORMALS, blocks, factor);
      for (let i = from; i < to; i++) {
        const n = load<f32>(NORMALS + (i << 2)) * back;
        const p = out + ((i - from) << 2);
        store<f32>(p, accumulate ? load<f32>(p) + n : n);
      }
    }
    out += (to - from) << 2;
    position += to - from;
  }
}

/** out [count] (u32) = word(first + i): 32 random bits each, in the order lane 0..7 of every round. */
export function fillWords(count: i32, key0: i32, key1: i32, step: i32, stream: i32, first: i32, out: usize): void {
  let position = first;
  const end = first + count;
  while (position < end) {
    const chunk = position >>> 10;
    const from = position & 1023;
    const to = min(1024, end - (chunk << 10));
    Xoshiro.fill(chunk, key0, key1, step, stream, (to + 7) >>> 3);
    memory.copy(out, WORDS + (from << 2), (to - from) << 2);
    out += (to - from) << 2;
    position += to - from;
  }
}

/** out [count] = (word(first + i) >>> 8) / 2^24, in [0, 1): the 24 bits a float holds exactly. */
export function fillUniform(count: i32, key0: i32, key1: i32, step: i32, stream: i32, first: i32, out: usize): void {
  fillWords(count, key0, key1, step, stream, first, out);
  for (let i = 0; i < count; i++) {
    const p = out + (i << 2);
    store<f32>(p, <f32>(load<u32>(p) >>> 8) * <f32>5.9604644775390625e-8);
  }
}

/** out [4] = one Philox4x32-10 block of the counter (c0..c3) and the key. Used to derive keys, and by the known-answer test. */
export function philox(c0: i32, c1: i32, c2: i32, c3: i32, key0: i32, key1: i32, out: usize): void {
  Philox.block(i32x4.splat(c0), i32x4.splat(c1), i32x4.splat(c2), i32x4.splat(c3), key0, key1, WORDS);
  for (let i = 0; i < 4; i++) store<i32>(out + (i << 2), load<i32>(WORDS + (i << 4)));
}

/** out [count] = words of xoshiro128++ from state [4], advanced in place. One lane at a time: for the known-answer test alone. */
export function xoshiro(count: i32, state: usize, out: usize): void {
  let s0 = load<u32>(state);
  let s1 = load<u32>(state, 4);
  let s2 = load<u32>(state, 8);
  let s3 = load<u32>(state, 12);
  for (let i = 0; i < count; i++) {
    store<u32>(out + (i << 2), rotl<u32>(s0 + s3, 7) + s0);
    const t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotl<u32>(s3, 11);
  }
  store<u32>(state, s0);
  store<u32>(state, s1, 4);
  store<u32>(state, s2, 8);
  store<u32>(state, s3, 12);
}
