// Reductions with one documented order of summation, so that the bits do not depend on how a kernel is tiled.
// Along a contiguous axis: chunks of 4,096; within a chunk element j goes to lane j mod 16, lanes are added as
// ((v0 + v1) + (v2 + v3)) and then (l0 + l1) + (l2 + l3); chunk sums are added in order. Across rows: see columns.ts.
// Four accumulators, since an addition has to wait for the one before: 0.206 -> 0.055 ns an element.
// Kernels named ...Columns reduce the middle axis of x [outer, count, inner] to out [outer, inner]; outer can be shared out,
// a single sum at multiples of 4,096, whose chunk sums are added in order.
import { columnSums } from "./columns";
import { Lane } from "./simd";

export const CHUNK: i32 = 4096;
/** 2^-60, below which a square counts as 0 (ARCHITECTURE.md, "Denormals"). */
const LEAST = memory.data<f32>(
  [8.673617379884035e-19, 8.673617379884035e-19, 8.673617379884035e-19, 8.673617379884035e-19],
  16,
);

/** Sums along a contiguous run; `square` is a literal, so that both forms are loops without a branch. */
class Sum {
  /** x, or x^2 where that is a normal float and 0 where |x| < 2^-60: squares that underflow take three times as long. */
  @inline static term(x: v128, square: bool): v128 {
    if (!square) return x;
    const kept = v128.andnot(x, f32x4.lt(f32x4.abs(x), v128.load(LEAST)));
    return f32x4.mul(kept, kept);
  }

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
      v0 = f32x4.add(v0, Sum.term(a, square));
      v1 = f32x4.add(v1, Sum.term(b, square));
      v2 = f32x4.add(v2, Sum.term(c, square));
      v3 = f32x4.add(v3, Sum.term(d, square));
      x += 64;
      n -= 16;
    }
    // the rest goes to the lanes it would have met: v0, v1, v2, then v3
    if (n >= 4) {
      const a = v128.load(x);
      v0 = f32x4.add(v0, Sum.term(a, square));
    }
    if (n >= 8) {
      const a = v128.load(x, 16);
      v1 = f32x4.add(v1, Sum.term(a, square));
    }
    if (n >= 12) {
      const a = v128.load(x, 32);
      v2 = f32x4.add(v2, Sum.term(a, square));
    }
    if (n & 3) {
      let t = Lane.loadTail(x + ((n & ~3) << 2), n & 3, 0);
      t = Sum.term(t, square);
      const slot = n >> 2;
      if (slot == 0) v0 = f32x4.add(v0, t);
      else if (slot == 1) v1 = f32x4.add(v1, t);
      else if (slot == 2) v2 = f32x4.add(v2, t);
      else v3 = f32x4.add(v3, t);
    }
    return Lane.sum(f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3)));
  }

  /** All of n floats, chunk by chunk. */
  @inline static chunks(n: i32, x: usize, square: bool): f32 {
    let total: f32 = 0;
    while (n > CHUNK) {
      total += Sum.chunk(CHUNK, x, square);
      x += CHUNK << 2;
      n -= CHUNK;
    }
    return total + Sum.chunk(n, x, square);
  }
}

/** Sum of x [n], n >= 0, in the order above. */
export function sum(n: i32, x: usize): f32 {
  return Sum.chunks(n, x, false);
}

/** Sum of x^2 over x [n] in float: may overflow or vanish, see segmentSquares. */
export function sumSquares(n: i32, x: usize): f32 {
  return Sum.chunks(n, x, true);
}

/**
 * Sum of x^2 over x [n] in double, for norms whose squares leave the range of a float: element j goes to lane j mod 8,
 * lanes are added as ((0,1) + (2,3)) + ((4,5) + (6,7)), and the rest in order. No square of a float leaves a double's range.
 */
export function sumSquaresWide(n: i32, x: usize): f64 {
  let v0 = i32x4.splat(0);
  let v1 = v0;
  let v2 = v0;
  let v3 = v0;
  const end: usize = x + ((n & ~7) << 2);
  while (x < end) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const a0 = f64x2.promote_low_f32x4(a);
    const a1 = f64x2.promote_low_f32x4(i64x2.shuffle(a, a, 1, 1));
    const b0 = f64x2.promote_low_f32x4(b);
    const b1 = f64x2.promote_low_f32x4(i64x2.shuffle(b, b, 1, 1));
    v0 = f64x2.add(v0, f64x2.mul(a0, a0));
    v1 = f64x2.add(v1, f64x2.mul(a1, a1));
    v2 = f64x2.add(v2, f64x2.mul(b0, b0));
    v3 = f64x2.add(v3, f64x2.mul(b1, b1));
    x += 32;
  }
  const v = f64x2.add(f64x2.add(v0, v1), f64x2.add(v2, v3));
  let total = f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
  for (let i = 0; i < (n & 7); i++) {
    const y = <f64>load<f32>(x + (i << 2));
    total += y * y;
  }
  return total;
}

/**
 * out [count] (doubles) = sum of squares of each piece of x; pieces [count, 2]: first element and length (int32).
 * In float, or again in double where that leaves the range: a norm is never falsely 0 or infinite. One call for all the
 * parameters of a block: calls from the host and views on the result cost more than short sums.
 */
export function segmentSquares(count: i32, pieces: usize, x: usize, out: usize): void {
  for (let i = 0; i < count; i++) {
    const p: usize = x + (load<i32>(pieces) << 2);
    const n = load<i32>(pieces, 4);
    const fast = sumSquares(n, p);
    // below, squares under 2^-120 that count as 0 could be missed; above, the sum is about to overflow
    store<f64>(out, fast > 1e-20 && fast < 1e38 ? <f64>fast : sumSquaresWide(n, p));
    pieces += 8;
    out += 8;
  }
}

/** out [outer] = scale times the sum over the last axis of x [outer, count]. With scale = 1 / count a mean. */
export function sumRows(outer: i32, count: i32, x: usize, scale: f32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    store<f32>(out, sum(count, x) * scale);
    x += count << 2;
    out += 4;
  }
}

/**
 * out [outer, inner] = scale times the sum over the middle axis of x [outer, count, inner], in the order of columns.ts.
 * The gradient by a bias is this with outer = 1.
 */
export function sumColumns(outer: i32, count: i32, inner: i32, x: usize, scale: f32, out: usize): void {
  if (count == 1)
    sumOne(outer * inner, x, scale, out); // a batch of one: 36 -> 22 ns for 50 columns
  else
    for (let o = 0; o < outer; o++) {
      columnSums(count, inner, x, scale, out);
      x += (count * inner) << 2;
      out += inner << 2;
    }
}

/** out[i] = (0 + x[i]) scale: of one row. */
function sumOne(n: i32, x: usize, scale: f32, out: usize): void {
  const s = f32x4.splat(scale);
  const zero = i32x4.splat(0);
  const end: usize = x + ((n & ~3) << 2);
  while (x < end) {
    v128.store(out, f32x4.mul(f32x4.add(zero, v128.load(x)), s));
    x += 16;
    out += 16;
  }
  for (let i = 0; i < (n & 3); i++) store<f32>(out + (i << 2), (0 + load<f32>(x + (i << 2))) * scale);
}

/** Largest or least; `least` is a literal. max and min of the instruction set give NaN where they meet one. */
class Extreme {
  @inline static of(least: bool, a: v128, b: v128): v128 {
    return least ? f32x4.min(a, b) : f32x4.max(a, b);
  }

  /** Of n >= 1 contiguous floats: the order does not matter to the bits of an extreme. */
  @inline static row(least: bool, n: i32, x: usize): f32 {
    let v = v128.load32_splat(x);
    let w = v; // two, since each waits for itself
    const end2: usize = x + ((n & ~7) << 2);
    while (x < end2) {
      v = Extreme.of(least, v, v128.load(x));
      w = Extreme.of(least, w, v128.load(x, 16));
      x += 32;
    }
    v = Extreme.of(least, v, w);
    for (let i = 0; i < (n & 7); i++) v = Extreme.of(least, v, v128.load32_splat(x + (i << 2)));
    // lanes against lanes: halves, then neighbours
    v = Extreme.of(least, v, i32x4.shuffle(v, v, 2, 3, 0, 1));
    return f32x4.extract_lane(Extreme.of(least, v, i32x4.shuffle(v, v, 1, 0, 3, 2)), 0);
  }

  /** Of the middle axis; `inner` = 1 is a row. */
  @inline static columns(least: bool, outer: i32, count: i32, inner: i32, x: usize, out: usize): void {
    const stride: usize = inner << 2;
    for (let o = 0; o < outer; o++) {
      if (inner == 1) store<f32>(out, Extreme.row(least, count, x));
      else {
        for (let i = 0; i < inner; i += 4) {
          const left = inner - i;
          let p: usize = x + (i << 2);
          let v = left < 4 ? Lane.loadTail(p, left, 0) : v128.load(p);
          for (let r = 1; r < count; r++) {
            p += stride;
            v = Extreme.of(least, v, left < 4 ? Lane.loadTail(p, left, 0) : v128.load(p));
          }
          if (left < 4) Lane.storeTail(out + (i << 2), v, left);
          else v128.store(out + (i << 2), v);
        }
      }
      x += count * stride;
      out += stride;
    }
  }
}

/** out [outer, inner] = max over the middle axis of x [outer, count, inner]; NaN where a NaN is met. Needs count >= 1. */
export function maxColumns(outer: i32, count: i32, inner: i32, x: usize, out: usize): void {
  Extreme.columns(false, outer, count, inner, x, out);
}

/** out [outer, inner] = min over the middle axis of x [outer, count, inner]; NaN where a NaN is met. Needs count >= 1. */
export function minColumns(outer: i32, count: i32, inner: i32, x: usize, out: usize): void {
  Extreme.columns(true, outer, count, inner, x, out);
}

/**
 * out [outer, inner] = sqrt of the sum of squares over the middle axis of x [outer, count, inner], in double: never falsely 0 or
 * infinite. In the order of sumSquaresWide along a row (inner = 1), else in that of the rows.
 */
export function normColumns(outer: i32, count: i32, inner: i32, x: usize, out: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let total: f64 = 0;
      if (inner == 1) total = sumSquaresWide(count, x);
      else {
        let p: usize = x + (i << 2);
        for (let r = 0; r < count; r++) {
          const v = <f64>load<f32>(p);
          total += v * v;
          p += inner << 2;
        }
      }
      store<f32>(out + (i << 2), <f32>sqrt<f64>(total));
    }
    x += (count * inner) << 2;
    out += inner << 2;
  }
}
