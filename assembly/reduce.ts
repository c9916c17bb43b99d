// Reductions with one documented order of summation, so that the bits do not depend on how a kernel is tiled.
// Along a contiguous axis: chunks of 4,096; within a chunk element j goes to lane j mod 16, lanes are added as
// ((v0 + v1) + (v2 + v3)) and then (l0 + l1) + (l2 + l3); chunk sums are added in order. Across rows: strictly in order.
import { Lane } from "./simd";

const CHUNK: i32 = 4096;

class Sum {
  /** One chunk of n <= 4,096; `square` sums x^2. */
  @inline static chunk(n: i32, x: usize, square: bool): f32 {
    let v0 = i32x4.splat(0);
    let v1 = v0;
    let v2 = v0;
    let v3 = v0;
    while (n >= 16) {
      const a = v128.load(x);
      const b = v128.load(x, 16);
      const c = v128.load(x, 32);
      const d = v128.load(x, 48);
      v0 = f32x4.add(v0, square ? f32x4.mul(a, a) : a);
      v1 = f32x4.add(v1, square ? f32x4.mul(b, b) : b);
      v2 = f32x4.add(v2, square ? f32x4.mul(c, c) : c);
      v3 = f32x4.add(v3, square ? f32x4.mul(d, d) : d);
      x += 64;
      n -= 16;
    }
    // the rest goes to the lanes it would have met: v0, v1, v2, then v3
    if (n >= 4) {
      const a = v128.load(x);
      v0 = f32x4.add(v0, square ? f32x4.mul(a, a) : a);
    }
    if (n >= 8) {
      const a = v128.load(x, 16);
      v1 = f32x4.add(v1, square ? f32x4.mul(a, a) : a);
    }
    if (n >= 12) {
      const a = v128.load(x, 32);
      v2 = f32x4.add(v2, square ? f32x4.mul(a, a) : a);
    }
    if (n & 3) {
      let t = Lane.loadTail(x + ((n & ~3) << 2), n & 3, 0);
      if (square) t = f32x4.mul(t, t);
      const slot = n >> 2;
      if (slot == 0) v0 = f32x4.add(v0, t);
      else if (slot == 1) v1 = f32x4.add(v1, t);
      else if (slot == 2) v2 = f32x4.add(v2, t);
      else v3 = f32x4.add(v3, t);
    }
    return Lane.sum(f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3)));
  }
}

/** Sum of n contiguous floats. */
export function sum(n: i32, x: usize): f32 {
  let total: f32 = 0;
  while (n > CHUNK) {
    total += Sum.chunk(CHUNK, x, false);
    x += CHUNK << 2;
    n -= CHUNK;
  }
  return total + Sum.chunk(n, x, false);
}

/** Sum of squares of n contiguous floats. */
export function sumSquares(n: i32, x: usize): f32 {
  let total: f32 = 0;
  while (n > CHUNK) {
    total += Sum.chunk(CHUNK, x, true);
    x += CHUNK << 2;
    n -= CHUNK;
  }
  return total + Sum.chunk(n, x, true);
}

/** Sum of squares in double precision, in order: for norms whose squares leave the range of a float. */
export function sumSquaresWide(n: i32, x: usize): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) {
    const v = <f64>load<f32>(x + (i << 2));
    total += v * v;
  }
  return total;
}

/** out[o] = sum over the last axis of x [outer, count], times scale. */
export function sumRows(outer: i32, count: i32, x: usize, scale: f32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    store<f32>(out, sum(count, x) * scale);
    x += count << 2;
    out += 4;
  }
}

/** out[o, i] = sum over the middle axis of x [outer, count, inner] in order, times scale. */
export function sumColumns(outer: i32, count: i32, inner: i32, x: usize, scale: f32, out: usize): void {
  const stride: usize = inner << 2;
  const s = f32x4.splat(scale);
  for (let o = 0; o < outer; o++) {
    let i = 0;
    for (; i + 16 <= inner; i += 16) {
      let p: usize = x + (i << 2);
      let v0 = i32x4.splat(0);
      let v1 = v0;
      let v2 = v0;
      let v3 = v0;
      for (let r = 0; r < count; r++) {
        v0 = f32x4.add(v0, v128.load(p));
        v1 = f32x4.add(v1, v128.load(p, 16));
        v2 = f32x4.add(v2, v128.load(p, 32));
        v3 = f32x4.add(v3, v128.load(p, 48));
        p += stride;
      }
      const q = out + (i << 2);
      v128.store(q, f32x4.mul(v0, s));
      v128.store(q, f32x4.mul(v1, s), 16);
      v128.store(q, f32x4.mul(v2, s), 32);
      v128.store(q, f32x4.mul(v3, s), 48);
    }
    for (; i + 4 <= inner; i += 4) {
      let p: usize = x + (i << 2);
      let v = i32x4.splat(0);
      for (let r = 0; r < count; r++) {
        v = f32x4.add(v, v128.load(p));
        p += stride;
      }
      v128.store(out + (i << 2), f32x4.mul(v, s));
    }
    for (; i < inner; i++) {
      let p: usize = x + (i << 2);
      let v: f32 = 0;
      for (let r = 0; r < count; r++) {
        v += load<f32>(p);
        p += stride;
      }
      store<f32>(out + (i << 2), v * scale);
    }
    x += count * stride;
    out += stride;
  }
}

/** out[o, i] = max over the middle axis of x [outer, count, inner]; NaN where a NaN is met. */
export function maxColumns(outer: i32, count: i32, inner: i32, x: usize, out: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let p: usize = x + (i << 2);
      let m = load<f32>(p);
      for (let r = 1; r < count; r++) {
        p += inner << 2;
        m = max<f32>(m, load<f32>(p));
      }
      store<f32>(out + (i << 2), m);
    }
    x += (count * inner) << 2;
    out += inner << 2;
  }
}

/** Position of the first value that is NaN or infinite, or -1. */
export function firstNonFinite(n: i32, x: usize): i32 {
  for (let i = 0; i < n; i++) if ((load<u32>(x + (i << 2)) & 0x7f800000) == 0x7f800000) return i;
  return -1;
}
