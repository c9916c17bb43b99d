// Sums over rows, column by column, 16 columns at a time. One order for all of them: blocks of 16 rows, each strictly in the
// order of rows; eight blocks, added in order, are a chunk of 128 rows; where there are several chunks, they are added in order
// in double, and the total is rounded once. At an offset of 10^4 the mean of 128 rows errs by 1.4 ulp (4.6 in one chain), of
// 30,000 rows by 1.0 (72), at the same speed: test/ops/reduce/columns.test.ts prints it.
// Columns are independent and could be shared out, as strips in Columns.sum (an export takes n for the stride, too); rows only
// at multiples of 128, whose sums would then have to be added in order.
import { Lane } from "./simd";

export const CHUNK: i32 = 128;
const BLOCK: i32 = 16;
const TOTALS = memory.data(128, 16); // doubles, two vectors for each of four vectors of columns

/** What is summed: x itself. A term has two methods: what it needs of a column once (its mean), and the term of one row. */
class Plain {
  @inline mean(_four: bool, _p: usize): v128 {
    return i32x4.splat(0);
  }
  @inline of(four: bool, x: usize, _m: v128): v128 {
    return Lane.read(four, x);
  }
}

/** What is summed: (x - mean)^2. The mean is known before: sums of squares less a square of sums would cancel. */
class Deviation {
  @inline mean(four: bool, p: usize): v128 {
    return Lane.read(four, p);
  }
  @inline of(four: bool, x: usize, m: v128): v128 {
    const d = f32x4.sub(Lane.read(four, x), m);
    return f32x4.mul(d, d);
  }
}

/** The total at `p` (four doubles) grows by v; returns it, rounded. The last chunk's answer is the sum that is stored. */
function grow(p: usize, v: v128): v128 {
  const low = f64x2.add(v128.load(p), f64x2.promote_low_f32x4(v));
  const high = f64x2.add(v128.load(p, 16), f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1)));
  v128.store(p, low);
  v128.store(p, high, 16);
  return i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/**
 * The totals [n] (doubles) grow by the sums [n] of a chunk, which become 0, or after the last chunk the totals, rounded:
 * the same order for a caller that sums row by row itself.
 */
export function flush(n: i32, last: bool, sums: usize, totals: usize): void {
  for (let i = 0; i < n; i++) {
    const total = load<f64>(totals) + load<f32>(sums);
    store<f64>(totals, total);
    store<f32>(sums, last ? <f32>total : 0);
    sums += 4;
    totals += 8;
  }
}

class Columns {
  /**
   * One strip of columns from x down: four vectors wide, or one, or a single column. `by` is a factor, or with `divide` a
   * divisor: a quotient is rounded once, a product with 1 / rows twice.
   * v: the sums of a block, t: of a chunk, TOTALS: of all. Four vectors fill the cache lines that a row's visit brings.
   */
  @inline static strip<T>(
    four: bool,
    wide: bool,
    rows: i32,
    stride: usize,
    x: usize,
    mean: usize,
    by: v128,
    divide: bool,
    out: usize,
  ): void {
    const term = changetype<T>(0);
    const m0 = term.mean(four, mean);
    const m1 = wide ? term.mean(true, mean + 16) : m0;
    const m2 = wide ? term.mean(true, mean + 32) : m0;
    const m3 = wide ? term.mean(true, mean + 48) : m0;
    const many = rows > CHUNK; // up to one chunk there are no doubles: the sum is that of the blocks
    if (many) memory.fill(TOTALS, 0, 128);
    let t0: v128;
    let t1: v128;
    let t2: v128;
    let t3: v128;
    do {
      t0 = t1 = t2 = t3 = i32x4.splat(0);
      for (let left = min(rows, CHUNK); left > 0; left -= BLOCK) {
        let v0 = i32x4.splat(0);
        let v1 = v0;
        let v2 = v0;
        let v3 = v0;
        for (let r = min(left, BLOCK); r > 0; r--) {
          v0 = f32x4.add(v0, term.of(four, x, m0));
          if (wide) {
            v1 = f32x4.add(v1, term.of(true, x + 16, m1));
            v2 = f32x4.add(v2, term.of(true, x + 32, m2));
            v3 = f32x4.add(v3, term.of(true, x + 48, m3));
          }
          x += stride;
        }
        t0 = f32x4.add(t0, v0);
        if (wide) {
          t1 = f32x4.add(t1, v1);
          t2 = f32x4.add(t2, v2);
          t3 = f32x4.add(t3, v3);
        }
      }
      if (many) {
        t0 = grow(TOTALS, t0);
        if (wide) {
          t1 = grow(TOTALS + 32, t1);
          t2 = grow(TOTALS + 64, t2);
          t3 = grow(TOTALS + 96, t3);
        }
      }
      rows -= CHUNK;
    } while (rows > 0); // once for no rows, too: the sum is 0
    Lane.write(four, out, divide ? f32x4.div(t0, by) : f32x4.mul(t0, by));
    if (wide) {
      v128.store(out, divide ? f32x4.div(t1, by) : f32x4.mul(t1, by), 16);
      v128.store(out, divide ? f32x4.div(t2, by) : f32x4.mul(t2, by), 32);
      v128.store(out, divide ? f32x4.div(t3, by) : f32x4.mul(t3, by), 48);
    }
  }

  /** out [n] = sum over the rows of the term of x [rows, n] (T says which), times or divided by a factor. */
  static sum<T>(rows: i32, n: i32, x: usize, mean: usize, factor: f32, divide: bool, out: usize): void {
    const stride: usize = n << 2;
    const by = f32x4.splat(factor);
    let i: usize = 0;
    for (; i + 64 <= stride; i += 64) Columns.strip<T>(true, true, rows, stride, x + i, mean + i, by, divide, out + i);
    for (; i + 16 <= stride; i += 16) Columns.strip<T>(true, false, rows, stride, x + i, mean + i, by, divide, out + i);
    for (; i < stride; i += 4) Columns.strip<T>(false, false, rows, stride, x + i, mean + i, by, divide, out + i);
  }

  /** Two sums over one strip in one pass: t of dy, u of dy (x - mean). Two vectors wide, or one, or a single column. */
  @inline static both(
    four: bool,
    wide: bool,
    rows: i32,
    stride: usize,
    x: usize,
    dy: usize,
    mean: usize,
    slopes: usize,
    sums: usize,
  ): void {
    const m = Lane.read(four, mean);
    const k = wide ? v128.load(mean, 16) : m;
    const many = rows > CHUNK;
    if (many) memory.fill(TOTALS, 0, 128);
    let t0: v128;
    let t1: v128;
    let u0: v128;
    let u1: v128;
    do {
      t0 = t1 = u0 = u1 = i32x4.splat(0);
      for (let left = min(rows, CHUNK); left > 0; left -= BLOCK) {
        let v0 = i32x4.splat(0);
        let v1 = v0;
        let w0 = v0;
        let w1 = v0;
        for (let r = min(left, BLOCK); r > 0; r--) {
          const g = Lane.read(four, dy);
          v0 = f32x4.add(v0, g);
          w0 = f32x4.add(w0, f32x4.mul(g, f32x4.sub(Lane.read(four, x), m)));
          if (wide) {
            const h = v128.load(dy, 16);
            v1 = f32x4.add(v1, h);
            w1 = f32x4.add(w1, f32x4.mul(h, f32x4.sub(v128.load(x, 16), k)));
          }
          x += stride;
          dy += stride;
        }
        t0 = f32x4.add(t0, v0);
        u0 = f32x4.add(u0, w0);
        if (wide) {
          t1 = f32x4.add(t1, v1);
          u1 = f32x4.add(u1, w1);
        }
      }
      if (many) {
        t0 = grow(TOTALS, t0);
        u0 = grow(TOTALS + 32, u0);
        if (wide) {
          t1 = grow(TOTALS + 64, t1);
          u1 = grow(TOTALS + 96, u1);
        }
      }
      rows -= CHUNK;
    } while (rows > 0);
    Lane.write(four, sums, t0);
    Lane.write(four, slopes, u0);
    if (wide) {
      v128.store(sums, t1, 16);
      v128.store(slopes, u1, 16);
    }
  }
}

/** out [n] = factor times the sum over the rows of x [rows, n]. */
export function columnSums(rows: i32, n: i32, x: usize, factor: f32, out: usize): void {
  Columns.sum<Plain>(rows, n, x, 0, factor, false, out);
}

/** out [2, n] = mean and biased variance of each column of x [rows, n]: two passes, the second about the mean. rows >= 1. */
export function columnMoments(rows: i32, n: i32, x: usize, out: usize): void {
  Columns.sum<Plain>(rows, n, x, 0, <f32>rows, true, out);
  Columns.sum<Deviation>(rows, n, x, out, <f32>rows, true, out + (n << 2));
}

/** slopes [n] = sum over the rows of dy (x - mean), sums [n] = sum of dy; x and dy [rows, n], mean [n]. */
export function columnSlopes(rows: i32, n: i32, x: usize, dy: usize, mean: usize, slopes: usize, sums: usize): void {
  const stride: usize = n << 2;
  let i: usize = 0;
  for (; i + 32 <= stride; i += 32)
    Columns.both(true, true, rows, stride, x + i, dy + i, mean + i, slopes + i, sums + i);
  for (; i + 16 <= stride; i += 16)
    Columns.both(true, false, rows, stride, x + i, dy + i, mean + i, slopes + i, sums + i);
  for (; i < stride; i += 4) Columns.both(false, false, rows, stride, x + i, dy + i, mean + i, slopes + i, sums + i);
}
