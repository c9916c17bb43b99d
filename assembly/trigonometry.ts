// Sine and cosine of four floats. The angle is reduced in double: x - n pi/2 with pi/2 in two parts (Cody & Waite), the
// first of 25 bits, so that n times it is exact up to |x| = 4e8; beyond, each lane goes through the scalar doubles.
import { Each } from "./each";

/** Beyond it, n times the 25 bits of pi / 2 is no longer exact. */
const FAR: f32 = 4e8;
const LANES = memory.data(32, 16);

// biome-ignore format: a row is one vector
const DOUBLE = memory.data<f64>([
    0.6366197723675814, 0.6366197723675814, // 0: 2 / pi
    6755399441055744.0, 6755399441055744.0, // 16: 1.5 * 2^52: added, it rounds to the nearest integer and leaves it in the low bits
    1.5707963109016418, 1.5707963109016418, // 32: pi / 2, the first 25 bits
    1.5893254773528196e-8, 1.5893254773528196e-8, // 48: the rest
], 16);

// biome-ignore format: a row is one vector
const SINGLE = memory.data<f32>([
    // 0..32: sin(r) = r + r z p(z), z = r^2, |r| <= pi / 4, largest error 3.6e-9 of z (a Lawson fit)
    -0.16666655, -0.16666655, -0.16666655, -0.16666655, // 0
    0.008332178, 0.008332178, 0.008332178, 0.008332178, // 16
    -1.9517231e-4, -1.9517231e-4, -1.9517231e-4, -1.9517231e-4, // 32
    // 48..80: cos(r) = 1 - z / 2 + z^2 p(z), largest error 9.6e-11
    0.041666646, 0.041666646, 0.041666646, 0.041666646, // 48
    -0.0013887367, -0.0013887367, -0.0013887367, -0.0013887367, // 64
    2.4438375e-5, 2.4438375e-5, 2.4438375e-5, 2.4438375e-5, // 80
    0.5, 0.5, 0.5, 0.5, // 96
    1, 1, 1, 1, // 112
    -0.0, -0.0, -0.0, -0.0, // 128: the sign
    4e8, 4e8, 4e8, 4e8, // 144
], 16);

/** y, with the lanes whose |x| is above FAR done in double. */
function far(x: v128, y: v128, quarters: i32): v128 {
  v128.store(LANES, x);
  v128.store(LANES, y, 16);
  for (let i: usize = 0; i < 16; i += 4) {
    const a = load<f32>(LANES + i);
    if (!(abs<f32>(a) > FAR)) continue;
    const value = quarters & 1 ? NativeMath.cos(a) : NativeMath.sin(a);
    store<f32>(LANES + i, <f32>(quarters & 2 ? -value : value), 16);
  }
  return v128.load(LANES, 16);
}

/** Angles in quarter turns of pi / 2: the number of them chooses sine or cosine, and the sign. */
class Turn {
  /** n = the nearest integer to a / (pi / 2), in the low bits of a double. */
  @inline static count(a: v128): v128 {
    return f64x2.add(f64x2.mul(a, v128.load(DOUBLE)), v128.load(DOUBLE, 16));
  }

  /** a - n pi / 2, in double. */
  @inline static rest(a: v128, count: v128): v128 {
    const n = f64x2.sub(count, v128.load(DOUBLE, 16));
    return f64x2.sub(f64x2.sub(a, f64x2.mul(n, v128.load(DOUBLE, 32))), f64x2.mul(n, v128.load(DOUBLE, 48)));
  }

  /** Two and two doubles as floats. */
  @inline static floats(a: v128, b: v128): v128 {
    return i64x2.shuffle(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
  }

  /** a - x, for floats x that are a rounded: the low half of x. */
  @inline static lost(a: v128, x: v128): v128 {
    return f64x2.sub(a, f64x2.promote_low_f32x4(x));
  }

  /** sin(x + quarters pi / 2). Odd in x to the last bit where quarters is even. */
  @inline static sin(x: v128, quarters: i32): v128 {
    const size = f32x4.abs(x);
    const a = f64x2.promote_low_f32x4(size);
    const b = f64x2.promote_low_f32x4(i64x2.shuffle(size, size, 1, 1));
    const m = Turn.count(a);
    const n = Turn.count(b);
    const u = Turn.rest(a, m);
    const v = Turn.rest(b, n);
    const r = Turn.floats(u, v);
    // what rounding r lost: 1.49 -> 1.04 ulp
    const low = Turn.floats(Turn.lost(u, r), Turn.lost(v, i64x2.shuffle(r, r, 1, 1)));
    const turns = i32x4.add(i32x4.shuffle(m, n, 0, 2, 4, 6), i32x4.splat(quarters));
    const z = f32x4.mul(r, r);
    const p = f32x4.add(v128.load(SINGLE, 16), f32x4.mul(v128.load(SINGLE, 32), z));
    const curve = f32x4.mul(r, f32x4.mul(z, f32x4.add(v128.load(SINGLE), f32x4.mul(p, z))));
    const odd = f32x4.add(r, f32x4.add(low, curve));
    const q = f32x4.add(v128.load(SINGLE, 64), f32x4.mul(v128.load(SINGLE, 80), z));
    const rest = f32x4.mul(f32x4.mul(z, z), f32x4.add(v128.load(SINGLE, 48), f32x4.mul(q, z)));
    const one = v128.load(SINGLE, 112);
    const half = f32x4.mul(z, v128.load(SINGLE, 96));
    const most = f32x4.sub(one, half);
    // what the subtraction lost is added with the rest
    const even = f32x4.add(most, f32x4.add(f32x4.sub(f32x4.sub(one, most), half), rest));
    const y = v128.bitselect(even, odd, i32x4.shr_s(i32x4.shl(turns, 31), 31));
    // bit 1 of the turns is the sign; that of x counts for the sine alone
    const signs = quarters & 1 ? i32x4.shl(turns, 30) : v128.xor(i32x4.shl(turns, 30), x);
    return v128.xor(y, v128.and(signs, v128.load(SINGLE, 128)));
  }
}

/**
 * out [n] = sin(x + quarters pi / 2), x [n]: 0 sin, 1 cos, 2 -sin, 3 -cos; so a gradient is the kernel with a quarter more.
 * At most 1.1 ulp off at any size of x; NaN at infinity. Four at a time unless one of the four is beyond 4e8.
 */
export function trigKernel(n: i32, x: usize, quarters: i32, out: usize): void {
  while (n > 0) {
    const v = Each.next(n, x, 1);
    let y = Turn.sin(v, quarters);
    if (v128.any_true(f32x4.gt(f32x4.abs(v), v128.load(SINGLE, 144)))) y = far(v, y, quarters);
    Each.put(n, out, y);
    x += 16;
    out += 16;
    n -= 4;
  }
}
