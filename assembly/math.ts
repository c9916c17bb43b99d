// Elementary functions on four floats at once, and on one double for schedules and data.
// No engine's own exp, log or sin ever reaches a tensor: they differ from engine to engine. These are additions, products and
// bit operations of IEEE 754, the same everywhere.
// Polynomials of exp, log and tanh: S. Moshier's Cephes single-precision library.
// Estrin order and constants in memory: see simd.ts. Largest errors are measured by test/assembly/ulp.test.ts.
// Estrin: (a + b r) + r^2 (c + d r) has half the depth of Horner's a + r (b + r (c + d r)), and a polynomial waits for its depth.
// The number behind a row of a table is its byte offset, by which it is loaded.

// biome-ignore format: a row is one vector
const EXP = memory.data<f32>([
    1.44269504, 1.44269504, 1.44269504, 1.44269504, // 0: log2(e)
    12583038.0, 12583038.0, 12583038.0, 12583038.0, // 16: 1.5 * 2^23 + 126: added, it rounds to the nearest integer n and leaves n + 126
    -0.693359375, -0.693359375, -0.693359375, -0.693359375, // 32: -ln 2, high part
    2.1219444e-4, 2.1219444e-4, 2.1219444e-4, 2.1219444e-4, // 48: -ln 2, low part
    // 64..128: exp(r) = 1 + r + r^2 p(r), |r| <= ln 2 / 2, largest error 3e-9 (a Lawson fit)
    0.49999994, 0.49999994, 0.49999994, 0.49999994, // 64
    0.16666521, 0.16666521, 0.16666521, 0.16666521, // 80
    0.04166839, 0.04166839, 0.04166839, 0.04166839, // 96
    0.008368745, 0.008368745, 0.008368745, 0.008368745, // 112
    0.0013814541, 0.0013814541, 0.0013814541, 0.0013814541, // 128
    12583039.0, 12583039.0, 12583039.0, 12583039.0, // 144: leaves n + 127, where n < 128 is known
    1.0, 1.0, 1.0, 1.0, // 160
    -86.98, -86.98, -86.98, -86.98, // 176: below it exp is under 2^-125 and is 0
    89.0, 89.0, 89.0, 89.0, // 192: exp is infinite from 88.73; n stays below 130
], 16);

// biome-ignore format: a row is one vector
const LOG = memory.data<f32>([
    0.707106781, 0.707106781, 0.707106781, 0.707106781, // 0: sqrt(1/2)
    1.0, 1.0, 1.0, 1.0, // 16
    0.5, 0.5, 0.5, 0.5, // 32
    7.0376836292e-2, 7.0376836292e-2, 7.0376836292e-2, 7.0376836292e-2, // 48
    -1.151461031e-1, -1.151461031e-1, -1.151461031e-1, -1.151461031e-1, // 64
    1.167699874e-1, 1.167699874e-1, 1.167699874e-1, 1.167699874e-1, // 80
    -1.2420140846e-1, -1.2420140846e-1, -1.2420140846e-1, -1.2420140846e-1, // 96
    1.4249322787e-1, 1.4249322787e-1, 1.4249322787e-1, 1.4249322787e-1, // 112
    -1.6668057665e-1, -1.6668057665e-1, -1.6668057665e-1, -1.6668057665e-1, // 128
    2.0000714765e-1, 2.0000714765e-1, 2.0000714765e-1, 2.0000714765e-1, // 144
    -2.4999993993e-1, -2.4999993993e-1, -2.4999993993e-1, -2.4999993993e-1, // 160
    3.3333331174e-1, 3.3333331174e-1, 3.3333331174e-1, 3.3333331174e-1, // 176
    -2.1219444e-4, -2.1219444e-4, -2.1219444e-4, -2.1219444e-4, // 192: ln 2, low part
    0.693359375, 0.693359375, 0.693359375, 0.693359375, // 208: ln 2, high part
    Infinity, Infinity, Infinity, Infinity, // 224
    1.17549435e-38, 1.17549435e-38, 1.17549435e-38, 1.17549435e-38, // 240: smallest normal
    8388608.0, 8388608.0, 8388608.0, 8388608.0, // 256: 2^23, brings denormals into range
    23.0, 23.0, 23.0, 23.0, // 272
    NaN, NaN, NaN, NaN, // 288
    -Infinity, -Infinity, -Infinity, -Infinity, // 304
], 16);

// biome-ignore format: a row is one vector
const TANH = memory.data<f32>([
    -2.88539008, -2.88539008, -2.88539008, -2.88539008, // 0: -2 log2(e)
    -30.0, -30.0, -30.0, -30.0, // 16: 2^-30 is nothing beside 1
    2.0, 2.0, 2.0, 2.0, // 32
    -0.0, -0.0, -0.0, -0.0, // 48: the sign
    // 64..144: 2^f = 1 + f p(f), |f| <= 1/2, largest relative error of f p(f) 1.1e-8 (a Lawson fit)
    0.6931472, 0.6931472, 0.6931472, 0.6931472, // 64
    0.2402265, 0.2402265, 0.2402265, 0.2402265, // 80
    0.055503573, 0.055503573, 0.055503573, 0.055503573, // 96
    0.009618238, 0.009618238, 0.009618238, 0.009618238, // 112
    0.0013390759, 0.0013390759, 0.0013390759, 0.0013390759, // 128
    1.5403512e-4, 1.5403512e-4, 1.5403512e-4, 1.5403512e-4, // 144
], 16);

// biome-ignore format: a row is one vector
const CURVE = memory.data<f32>([
    3.0, 3.0, 3.0, 3.0, // 0: in the tail of the normal distribution
    14.0, 14.0, 14.0, 14.0, // 16: beyond it the tail is below 2^-125
    -0.5, -0.5, -0.5, -0.5, // 32
    0.3989423, 0.3989423, 0.3989423, 0.3989423, // 48: 1 / sqrt(2 pi)
    -3.4028234663852886e38, -3.4028234663852886e38, -3.4028234663852886e38, -3.4028234663852886e38, // 64: the least finite number
    // 80..224: Phi(-a) = exp(-a^2 / 2) p((a - 3) / (a + 3)) for 0 <= a < 13.3, largest relative error 6.6e-9 (a Lawson fit)
    0.12151395, 0.12151395, 0.12151395, 0.12151395, // 80
    -0.20640261, -0.20640261, -0.20640261, -0.20640261, // 96
    0.12322502, 0.12322502, 0.12322502, 0.12322502, // 112
    -0.046213314, -0.046213314, -0.046213314, -0.046213314, // 128
    0.006132183, 0.006132183, 0.006132183, 0.006132183, // 144
    0.0029047027, 0.0029047027, 0.0029047027, 0.0029047027, // 160
    -0.0009841826, -0.0009841826, -0.0009841826, -0.0009841826, // 176
    -0.00033991117, -0.00033991117, -0.00033991117, -0.00033991117, // 192
    0.00011603719, 0.00011603719, 0.00011603719, 0.00011603719, // 208
    5.415067e-5, 5.415067e-5, 5.415067e-5, 5.415067e-5, // 224
    // 240..304: 2 atanh(s) = s p(s^2) for 0 <= s <= 1/3, largest relative error 4e-9 (a Lawson fit)
    2.0, 2.0, 2.0, 2.0, // 240
    0.66666317, 0.66666317, 0.66666317, 0.66666317, // 256
    0.4002491, 0.4002491, 0.4002491, 0.4002491, // 272
    0.27960604, 0.27960604, 0.27960604, 0.27960604, // 288
    0.28178337, 0.28178337, 0.28178337, 0.28178337, // 304
], 16);

/** Each works on four lanes, is inlined where it is used, and has no branch: special values are masks. */
export class Elementary {
  /**
   * exp(r), r = x - n ln 2 for the whole number n nearest to x / ln 2. ln 2 comes in two parts, of which the first has few
   * enough bits that n times it is exact (Cody & Waite).
   */
  @inline static expRest(x: v128, n: v128): v128 {
    const r = f32x4.add(f32x4.add(x, f32x4.mul(n, v128.load(EXP, 32))), f32x4.mul(n, v128.load(EXP, 48)));
    const r2 = f32x4.mul(r, r);
    const p01 = f32x4.add(v128.load(EXP, 64), f32x4.mul(v128.load(EXP, 80), r));
    const p23 = f32x4.add(v128.load(EXP, 96), f32x4.mul(v128.load(EXP, 112), r));
    const p = f32x4.add(p01, f32x4.mul(r2, f32x4.add(p23, f32x4.mul(r2, v128.load(EXP, 128)))));
    return f32x4.add(f32x4.add(f32x4.mul(p, r2), r), v128.load(EXP, 160));
  }

  /**
   * exp(x) = 2^n exp(r); 0 where the result would be below 2^-125, infinite from 88.73 on, NaN at NaN.
   * x / ln 2 is rounded by adding a number so large that its last place is 1: 0.07-0.09 ns against 0.13 of a conversion.
   */
  @inline static exp(input: v128): v128 {
    const x = f32x4.pmin(input, v128.load(EXP, 192));
    const magic = v128.load(EXP, 16);
    const shifted = f32x4.add(f32x4.mul(x, v128.load(EXP)), magic);
    const y = Elementary.expRest(x, f32x4.sub(shifted, magic));
    // The low bits of `shifted` are the exponent of 2^(n - 1). A product, not a sum of bits: it turns into infinity at
    // the top and keeps NaN by itself, which saves two selects of three instructions each.
    const scaled = f32x4.mul(f32x4.add(y, y), i32x4.shl(shifted, 23));
    return v128.andnot(scaled, f32x4.lt(x, v128.load(EXP, 176)));
  }

  /** The same bits for x <= 0, in two operations less: nothing to cut at the top, and 2^n is a float by itself. */
  @inline static expNegative(x: v128): v128 {
    const magic = v128.load(EXP, 144);
    const shifted = f32x4.add(f32x4.mul(x, v128.load(EXP)), magic);
    const scaled = f32x4.mul(Elementary.expRest(x, f32x4.sub(shifted, magic)), i32x4.shl(shifted, 23));
    return v128.andnot(scaled, f32x4.lt(x, v128.load(EXP, 176)));
  }

  /**
   * Natural logarithm: x = m 2^e with m in sqrt(1/2)..sqrt(2), ln x = e ln 2 + ln m, the small parts added first.
   * -infinity at 0, NaN below, infinity at infinity; denormals are brought into range by 2^23.
   */
  @inline static log(input: v128): v128 {
    const tiny = f32x4.lt(input, v128.load(LOG, 240));
    const x = v128.bitselect(f32x4.mul(input, v128.load(LOG, 256)), input, tiny);
    let e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(x, 23), i32x4.splat(126)));
    e = f32x4.sub(e, v128.and(tiny, v128.load(LOG, 272)));
    // mantissa in [0.5, 1), then in [sqrt(1/2), sqrt(2))
    let m = v128.or(v128.and(x, i32x4.splat(0x007fffff)), v128.load(LOG, 32));
    const low = f32x4.lt(m, v128.load(LOG));
    e = f32x4.sub(e, v128.and(low, v128.load(LOG, 16)));
    m = f32x4.sub(f32x4.add(m, v128.and(low, m)), v128.load(LOG, 16));
    const m2 = f32x4.mul(m, m);
    const m4 = f32x4.mul(m2, m2);
    const p10 = f32x4.add(f32x4.mul(v128.load(LOG, 160), m), v128.load(LOG, 176));
    const p32 = f32x4.add(f32x4.mul(v128.load(LOG, 128), m), v128.load(LOG, 144));
    const p54 = f32x4.add(f32x4.mul(v128.load(LOG, 96), m), v128.load(LOG, 112));
    const p76 = f32x4.add(f32x4.mul(v128.load(LOG, 64), m), v128.load(LOG, 80));
    const p8 = f32x4.add(f32x4.mul(v128.load(LOG, 48), m2), p76);
    const p = f32x4.add(f32x4.add(p10, f32x4.mul(p32, m2)), f32x4.mul(m4, f32x4.add(p54, f32x4.mul(p8, m2))));
    let y = f32x4.mul(f32x4.mul(m, m2), p);
    y = f32x4.add(y, f32x4.mul(e, v128.load(LOG, 192)));
    y = f32x4.sub(y, f32x4.mul(m2, v128.load(LOG, 32)));
    y = f32x4.add(f32x4.add(m, y), f32x4.mul(e, v128.load(LOG, 208)));
    const zero = i32x4.splat(0);
    y = v128.bitselect(v128.load(LOG, 304), y, f32x4.eq(input, zero));
    y = v128.bitselect(v128.load(LOG, 224), y, f32x4.eq(input, v128.load(LOG, 224)));
    return v128.bitselect(y, v128.load(LOG, 288), f32x4.ge(input, zero));
  }

  /** 1 - 2^t for t <= 0: (1 - 2^n) - 2^n (2^f - 1), in which nothing cancels. */
  @inline static oneMinusPower(exponent: v128): v128 {
    const magic = v128.load(EXP, 144);
    const t = f32x4.pmax(exponent, v128.load(TANH, 16));
    const shifted = f32x4.add(t, magic);
    const f = f32x4.sub(t, f32x4.sub(shifted, magic));
    const f2 = f32x4.mul(f, f);
    const p01 = f32x4.add(v128.load(TANH, 64), f32x4.mul(v128.load(TANH, 80), f));
    const p23 = f32x4.add(v128.load(TANH, 96), f32x4.mul(v128.load(TANH, 112), f));
    const p45 = f32x4.add(v128.load(TANH, 128), f32x4.mul(v128.load(TANH, 144), f));
    const p = f32x4.mul(f, f32x4.add(p01, f32x4.mul(f2, f32x4.add(p23, f32x4.mul(f2, p45)))));
    const power = i32x4.shl(shifted, 23); // 2^n
    return f32x4.sub(f32x4.sub(v128.load(EXP, 160), power), f32x4.mul(power, p));
  }

  /** 1 - e^x for x <= 0. */
  @inline static oneMinusExp(x: v128): v128 {
    return Elementary.oneMinusPower(f32x4.mul(x, v128.load(EXP)));
  }

  /**
   * d / (2 - d) with d = 1 - exp(-2 |x|): one path for all x.
   * A rational function (13/6 or 9/8) is as fast, but errs by up to 6 ulp and reaches 1 only by a clamp.
   */
  @inline static tanh(x: v128): v128 {
    const d = Elementary.oneMinusPower(f32x4.mul(f32x4.abs(x), v128.load(TANH)));
    const y = f32x4.div(d, f32x4.sub(v128.load(TANH, 32), d));
    return v128.or(y, v128.and(x, v128.load(TANH, 48)));
  }

  /** -infinity becomes finite, so that its product with 0 is 0; NaN stays. */
  @inline static notLess(x: v128): v128 {
    return f32x4.pmax(x, v128.load(CURVE, 64));
  }

  /** The same at both ends: what is beyond the largest float, that is. */
  @inline static finite(x: v128): v128 {
    return f32x4.pmin(Elementary.notLess(x), f32x4.neg(v128.load(CURVE, 64)));
  }

  /** exp(-x^2 / 2), for the two below. */
  @inline static bell(x: v128): v128 {
    return Elementary.expNegative(f32x4.mul(f32x4.mul(x, x), v128.load(CURVE, 32)));
  }

  /** Phi(x), the normal distribution function (1 + erf(x / sqrt(2))) / 2, from bell(x): nothing cancels in its lower tail. */
  @inline static normal(x: v128, bell: v128): v128 {
    const three = v128.load(CURVE);
    const a = f32x4.pmin(f32x4.abs(x), v128.load(CURVE, 16));
    const s = f32x4.div(f32x4.sub(a, three), f32x4.add(a, three));
    const s2 = f32x4.mul(s, s);
    const s4 = f32x4.mul(s2, s2);
    const p01 = f32x4.add(v128.load(CURVE, 80), f32x4.mul(v128.load(CURVE, 96), s));
    const p23 = f32x4.add(v128.load(CURVE, 112), f32x4.mul(v128.load(CURVE, 128), s));
    const p45 = f32x4.add(v128.load(CURVE, 144), f32x4.mul(v128.load(CURVE, 160), s));
    const p67 = f32x4.add(v128.load(CURVE, 176), f32x4.mul(v128.load(CURVE, 192), s));
    const p89 = f32x4.add(v128.load(CURVE, 208), f32x4.mul(v128.load(CURVE, 224), s));
    const low = f32x4.add(p01, f32x4.mul(s2, p23));
    const high = f32x4.add(f32x4.add(p45, f32x4.mul(s2, p67)), f32x4.mul(s4, p89));
    const tail = f32x4.mul(bell, f32x4.add(low, f32x4.mul(s4, high)));
    return v128.bitselect(tail, f32x4.sub(v128.load(EXP, 160), tail), f32x4.lt(x, i32x4.splat(0)));
  }

  /** The normal density, from bell(x). */
  @inline static density(bell: v128): v128 {
    return f32x4.mul(bell, v128.load(CURVE, 48));
  }

  /** log(1 + e) for 0 <= e <= 1: 2 atanh(e / (2 + e)), accurate where e is small. */
  @inline static logOnePlus(e: v128): v128 {
    const s = f32x4.div(e, f32x4.add(e, v128.load(CURVE, 240)));
    const z = f32x4.mul(s, s);
    const z2 = f32x4.mul(z, z);
    const p01 = f32x4.add(v128.load(CURVE, 240), f32x4.mul(v128.load(CURVE, 256), z));
    const p23 = f32x4.add(v128.load(CURVE, 272), f32x4.mul(v128.load(CURVE, 288), z));
    return f32x4.mul(s, f32x4.add(p01, f32x4.mul(z2, f32x4.add(p23, f32x4.mul(z2, v128.load(CURVE, 304))))));
  }

  /** 1 / (1 + exp(-x)): one form for both signs, which far below 0 loses 2.5 ulp at most. */
  @inline static sigmoid(x: v128): v128 {
    const one = v128.load(EXP, 160);
    return f32x4.div(one, f32x4.add(one, Elementary.exp(f32x4.neg(x))));
  }
}

// Scalar doubles: AssemblyScript's port of musl, the same instructions on every engine. shrinkLevel 1 in asconfig.json takes
// its forms without tables: 9 kB less of a module that does not compress, at up to 1 ulp.
/** e^x of a double, for schedules: at most 1 ulp off, as the four below. */
export function exp(x: f64): f64 {
  return NativeMath.exp(x);
}
/** Natural logarithm of a double. */
export function log(x: f64): f64 {
  return NativeMath.log(x);
}
/** x^y of doubles, as C has it. std's form takes y for a whole number by the upper half of its bits alone; where it is none only |x| or NaN can be meant. */
export function pow(x: f64, y: f64): f64 {
  if (x <= 0 && nearest<f64>(y) != y) return x == 0 || x == -Infinity ? NativeMath.pow(abs<f64>(x), y) : NaN;
  return NativeMath.pow(x, y);
}
/** Sine of a double, an angle of any size. */
export function sin(x: f64): f64 {
  return NativeMath.sin(x);
}
/** Cosine of a double. */
export function cos(x: f64): f64 {
  return NativeMath.cos(x);
}
