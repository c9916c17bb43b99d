// Normalisation: over the last axis (layer norm), and over all the others (batch norm).
// Sums along a row keep the order of reduce.ts, those over rows that of columns.ts. Variances are biased (divided by the
// count) and taken about the mean in a second pass: the mean square less the squared mean would cancel.
// Bodies take a literal `four`: four columns at a time, or one; the formula is written once.
// The rows of the forward kernels and of the last loop of batchNormBackward are independent; the sums over rows that the
// gradients by scale and offset need are not, so their kernels cannot be shared out by rows.
import { CHUNK, columnMoments, columnSlopes, flush } from "./columns";
import { fill } from "./elementwise";
import { sum, sumSquares } from "./reduce";
import { Lane } from "./simd";

/** Bodies of layer norm, on a row or a part of it. mean, inverse: splats of the row's own. */
class Row {
  /** out = x - mean, four at a time or one. */
  @inline static centre(four: bool, x: usize, mean: v128, out: usize): void {
    Lane.write(four, out, f32x4.sub(Lane.read(four, x), mean));
  }

  /** out = out inverse scale + offset, on what `centre` has left. */
  @inline static stretch(four: bool, inverse: v128, scale: usize, offset: usize, out: usize): void {
    const h = f32x4.mul(Lane.read(four, out), inverse);
    Lane.write(four, out, f32x4.add(f32x4.mul(h, Lane.read(four, scale)), Lane.read(four, offset)));
  }

  /** dScale += dy h, dOffset += dy, dx = dy scale, product = dx h, for the normalised h: one visit to x and dy for all four. */
  @inline static gather(
    four: bool,
    x: usize,
    mean: v128,
    inverse: v128,
    scale: usize,
    dy: usize,
    product: usize,
    dx: usize,
    dScale: usize,
    dOffset: usize,
  ): void {
    const h = f32x4.mul(f32x4.sub(Lane.read(four, x), mean), inverse);
    const g = Lane.read(four, dy);
    Lane.write(four, dScale, f32x4.add(Lane.read(four, dScale), f32x4.mul(g, h)));
    Lane.write(four, dOffset, f32x4.add(Lane.read(four, dOffset), g));
    const t = f32x4.mul(g, Lane.read(four, scale));
    Lane.write(four, dx, t);
    Lane.write(four, product, f32x4.mul(t, h));
  }

  /** dx = inverse (dx - a - h b). */
  @inline static finish(four: bool, x: usize, mean: v128, inverse: v128, a: v128, b: v128, dx: usize): void {
    const h = f32x4.mul(f32x4.sub(Lane.read(four, x), mean), inverse);
    const t = f32x4.sub(f32x4.sub(Lane.read(four, dx), a), f32x4.mul(h, b));
    Lane.write(four, dx, f32x4.mul(inverse, t));
  }
}

/**
 * out = (x - mean) / sqrt(variance + epsilon) scale + offset, row by row with the row's own mean and biased variance.
 * x and out [rows, n], scale and offset [n]; stats [rows, 2] keeps mean and 1 / sqrt(variance + epsilon) for the gradient.
 * out holds x - mean in between: no scratch. n = 0 leaves out empty.
 */
export function layerNorm(
  rows: i32,
  n: i32,
  x: usize,
  scale: usize,
  offset: usize,
  epsilon: f32,
  stats: usize,
  out: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const mean: f32 = sum(n, x) / <f32>n;
    const m = f32x4.splat(mean);
    let i = 0;
    for (; i + 4 <= n; i += 4) Row.centre(true, x + (i << 2), m, out + (i << 2));
    for (; i < n; i++) Row.centre(false, x + (i << 2), m, out + (i << 2));
    const inverse: f32 = 1 / sqrt<f32>(sumSquares(n, out) / <f32>n + epsilon);
    const v = f32x4.splat(inverse);
    for (i = 0; i + 4 <= n; i += 4) Row.stretch(true, v, scale + (i << 2), offset + (i << 2), out + (i << 2));
    for (; i < n; i++) Row.stretch(false, v, scale + (i << 2), offset + (i << 2), out + (i << 2));
    store<f32>(stats, mean);
    store<f32>(stats, inverse, 4);
    stats += 8;
    x += n << 2;
    out += n << 2;
  }
}

/**
 * With h the normalised row and g = dy scale: dx = inverse (g - mean(g) - h mean(g h)), dScale = sum of dy h over the
 * rows, dOffset = sum of dy. x, dy and dx [rows, n], stats [rows, 2] from layerNorm, scale, dScale and dOffset [n];
 * scratch: 5 n floats, or n for up to 128 rows: a row's products, then the two totals in double.
 */
export function layerNormBackward(
  rows: i32,
  n: i32,
  x: usize,
  stats: usize,
  scale: usize,
  dy: usize,
  scratch: usize,
  dx: usize,
  dScale: usize,
  dOffset: usize,
): void {
  // dScale and dOffset hold the sums of a chunk of rows; behind 128 of them these move to the totals, in double
  fill(n, 0, dScale);
  fill(n, 0, dOffset);
  const many = rows > CHUNK;
  const totals: usize = scratch + (n << 2);
  if (many) fill(n << 2, 0, totals);
  for (let r = 0; r < rows; r++) {
    const m = v128.load32_splat(stats);
    const v = v128.load32_splat(stats, 4);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const p: usize = i << 2;
      Row.gather(true, x + p, m, v, scale + p, dy + p, scratch + p, dx + p, dScale + p, dOffset + p);
    }
    for (; i < n; i++) {
      const p: usize = i << 2;
      Row.gather(false, x + p, m, v, scale + p, dy + p, scratch + p, dx + p, dScale + p, dOffset + p);
    }
    // dx holds g, scratch g h: their means along the row
    const a = f32x4.splat(sum(n, dx) / <f32>n);
    const b = f32x4.splat(sum(n, scratch) / <f32>n);
    for (i = 0; i + 4 <= n; i += 4) Row.finish(true, x + (i << 2), m, v, a, b, dx + (i << 2));
    for (; i < n; i++) Row.finish(false, x + (i << 2), m, v, a, b, dx + (i << 2));
    const last = r == rows - 1;
    if (many && (last || (r & (CHUNK - 1)) == CHUNK - 1)) {
      flush(n, last, dScale, totals);
      flush(n, last, dOffset, totals + (n << 3));
    }
    stats += 8;
    x += n << 2;
    dy += n << 2;
    dx += n << 2;
  }
}

/** Bodies of batch norm: every column has its own mean and factor, every row the same. */
class Column {
  /** Of the columns at byte `at`, from dOffset (sum of dy) and dScale (sum of dy (x - mean)): dScale, and the three factors of dx. */
  @inline static factors(
    four: bool,
    at: usize,
    rows: i32,
    stride: usize,
    variance: usize,
    scale: usize,
    epsilon: f32,
    own: bool,
    factors: usize,
    dScale: usize,
    dOffset: usize,
  ): void {
    const spread = f32x4.add(Lane.read(four, variance + at), f32x4.splat(epsilon));
    const inverse = f32x4.div(f32x4.splat(1), f32x4.sqrt(spread));
    const along = f32x4.mul(Lane.read(four, dScale + at), inverse);
    Lane.write(four, dScale + at, along);
    const share = f32x4.splat(own ? 1 / <f32>rows : 0);
    const target = factors + at;
    Lane.write(four, target, f32x4.mul(inverse, Lane.read(four, scale + at)));
    Lane.write(four, target + stride, f32x4.mul(Lane.read(four, dOffset + at), share));
    Lane.write(four, target + (stride << 1), f32x4.mul(f32x4.mul(along, inverse), share));
  }

  /** out = (x - mean) factor + offset. */
  @inline static stretch(four: bool, x: usize, mean: usize, factor: usize, offset: usize, out: usize): void {
    const d = f32x4.sub(Lane.read(four, x), Lane.read(four, mean));
    Lane.write(four, out, f32x4.add(f32x4.mul(d, Lane.read(four, factor)), Lane.read(four, offset)));
  }

  /** dx = factor (dy - share - (x - mean) slope). */
  @inline static spread(four: bool, x: usize, mean: usize, factors: usize, stride: usize, dy: usize, dx: usize): void {
    const d = f32x4.mul(f32x4.sub(Lane.read(four, x), Lane.read(four, mean)), Lane.read(four, factors + (stride << 1)));
    const g = f32x4.sub(f32x4.sub(Lane.read(four, dy), Lane.read(four, factors + stride)), d);
    Lane.write(four, dx, f32x4.mul(Lane.read(four, factors), g));
  }
}

/** out [2, n] = mean and biased variance of each column of x [rows, n], rows >= 1. */
export function batchStatistics(rows: i32, n: i32, x: usize, out: usize): void {
  columnMoments(rows, n, x, out);
}

/**
 * out = (x - mean) / sqrt(variance + epsilon) scale + offset; x and out [rows, n], the rest [n], mean and variance given: those
 * of the batch, or running ones. scratch: n floats, the factor of each column, so that a row is a subtraction, a product
 * and an addition an element.
 */
export function batchNorm(
  rows: i32,
  n: i32,
  x: usize,
  mean: usize,
  variance: usize,
  scale: usize,
  offset: usize,
  epsilon: f32,
  scratch: usize,
  out: usize,
): void {
  for (let i = 0; i < n; i++) {
    const p: usize = i << 2;
    store<f32>(scratch + p, load<f32>(scale + p) / sqrt<f32>(load<f32>(variance + p) + epsilon));
  }
  for (let r = 0; r < rows; r++) {
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const p: usize = i << 2;
      Column.stretch(true, x + p, mean + p, scratch + p, offset + p, out + p);
    }
    for (; i < n; i++) {
      const p: usize = i << 2;
      Column.stretch(false, x + p, mean + p, scratch + p, offset + p, out + p);
    }
    x += n << 2;
    out += n << 2;
  }
}

/**
 * dOffset = sum of dy over the rows, dScale = sum of dy h with h the normalised x, and
 * dx = scale inverse (dy - dOffset / rows - h dScale / rows), without the last two terms unless the statistics are the
 * batch's `own`. x, dy and dx [rows, n], the rest [n]. scratch: 3 n floats, the factors of dx: inverse scale, the share of
 * dOffset, the slope along x - mean.
 */
export function batchNormBackward(
  rows: i32,
  n: i32,
  x: usize,
  mean: usize,
  variance: usize,
  scale: usize,
  dy: usize,
  epsilon: f32,
  own: bool,
  scratch: usize,
  dx: usize,
  dScale: usize,
  dOffset: usize,
): void {
  const stride: usize = n << 2;
  let i = 0;
  // dScale holds the sum of dy (x - mean) until its factor 1 / sqrt(variance + epsilon) comes to it
  columnSlopes(rows, n, x, dy, mean, dScale, dOffset);
  for (; i + 4 <= n; i += 4)
    Column.factors(true, i << 2, rows, stride, variance, scale, epsilon, own, scratch, dScale, dOffset);
  for (; i < n; i++)
    Column.factors(false, i << 2, rows, stride, variance, scale, epsilon, own, scratch, dScale, dOffset);
  for (let r = 0; r < rows; r++) {
    for (i = 0; i + 4 <= n; i += 4) {
      const p: usize = i << 2;
      Column.spread(true, x + p, mean + p, scratch + p, stride, dy + p, dx + p);
    }
    for (; i < n; i++) {
      const p: usize = i << 2;
      Column.spread(false, x + p, mean + p, scratch + p, stride, dy + p, dx + p);
    }
    x += stride;
    dy += stride;
    dx += stride;
  }
}
