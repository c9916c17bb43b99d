// Softmax over the last axis and its cross-entropy with integer labels, in the order of sums of reduce.ts.
import { Elementary } from "./math";
import { sum } from "./reduce";
import { Lane } from "./simd";
import { scale } from "./update";

class Row {
  /** Largest of n floats. A NaN is passed over: its own exp makes the row's sum NaN. */
  @inline static max(n: i32, x: usize): f32 {
    let m: f32 = -Infinity;
    let i = 0;
    if (n >= 8) {
      let v = v128.load(x);
      let w = v128.load(x, 16);
      for (i = 8; i + 8 <= n; i += 8) {
        v = f32x4.pmax(v, v128.load(x + (i << 2)));
        w = f32x4.pmax(w, v128.load(x + (i << 2), 16));
      }
      v = f32x4.pmax(v, w);
      for (let l = 0; l < 4; l++) {
        const y = f32x4.extract_lane(v, 0);
        m = y > m ? y : m;
        v = i32x4.shuffle(v, v, 1, 2, 3, 0);
      }
    }
    for (; i < n; i++) {
      const y = load<f32>(x + (i << 2));
      m = y > m ? y : m;
    }
    return m;
  }

  /** out = exp(x - shift). */
  @inline static expShifted(n: i32, x: usize, shift: f32, out: usize): void {
    const s = f32x4.splat(shift);
    let i = 0;
    for (; i + 8 <= n; i += 8) {
      const a = Elementary.exp(f32x4.sub(v128.load(x + (i << 2)), s));
      const b = Elementary.exp(f32x4.sub(v128.load(x + (i << 2), 16), s));
      v128.store(out + (i << 2), a);
      v128.store(out + (i << 2), b, 16);
    }
    for (; i < n; i += 4) {
      const left = n - i;
      if (left >= 4) v128.store(out + (i << 2), Elementary.exp(f32x4.sub(v128.load(x + (i << 2)), s)));
      else Lane.storeTail(out + (i << 2), Elementary.exp(f32x4.sub(Lane.loadTail(x + (i << 2), left, 0), s)), left);
    }
  }
}

/** y[r] = exp(x[r] - max) times 1 / sum, for every row r of x [rows, n]. */
export function softmax(rows: i32, n: i32, x: usize, y: usize): void {
  for (let r = 0; r < rows; r++) {
    Row.expShifted(n, x, Row.max(n, x), y);
    scale(n, 1 / sum(n, y), y);
    x += n << 2;
    y += n << 2;
  }
}

/** dx = y (dy - sum(dy y)), row by row; `scratch` holds n floats. */
export function softmaxBackward(rows: i32, n: i32, y: usize, dy: usize, scratch: usize, dx: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < n; i++) store<f32>(scratch + (i << 2), load<f32>(y + (i << 2)) * load<f32>(dy + (i << 2)));
    const dot = sum(n, scratch);
    for (let i = 0; i < n; i++) {
      const p = i << 2;
      store<f32>(dx + p, load<f32>(y + p) * (load<f32>(dy + p) - dot));
    }
    y += n << 2;
    dy += n << 2;
    dx += n << 2;
  }
}

class Scalar {
  @inline static log(x: f32): f32 {
    return f32x4.extract_lane(Elementary.log(f32x4.splat(x)), 0);
  }
}

/**
 * losses[r] = -log softmax(x[r])[labels[r]], probabilities kept in y [rows, n] for the gradient.
 * Returns -1, or the first row whose label is outside 0..n-1.
 */
export function crossEntropy(rows: i32, n: i32, x: usize, labels: usize, y: usize, losses: usize): i32 {
  for (let r = 0; r < rows; r++) {
    const label = load<i32>(labels + (r << 2));
    if (<u32>label >= <u32>n) return r;
    const m = Row.max(n, x);
    Row.expShifted(n, x, m, y);
    const total = sum(n, y);
    store<f32>(losses + (r << 2), Scalar.log(total) + (m - load<f32>(x + (label << 2))));
    scale(n, 1 / total, y);
    x += n << 2;
    y += n << 2;
  }
  return -1;
}

/** dx = (y - onehot(label)) * upstream / rows, upstream a scalar at `dLoss`. */
export function crossEntropyBackward(rows: i32, n: i32, y: usize, labels: usize, dLoss: usize, dx: usize): void {
  const scale: f32 = load<f32>(dLoss) / <f32>rows;
  const s = f32x4.splat(scale);
  const size = rows * n;
  let i = 0;
  for (; i + 4 <= size; i += 4) v128.store(dx + (i << 2), f32x4.mul(v128.load(y + (i << 2)), s));
  for (; i < size; i++) store<f32>(dx + (i << 2), load<f32>(y + (i << 2)) * scale);
  for (let r = 0; r < rows; r++) {
    const at: usize = (r * n + load<i32>(labels + (r << 2))) << 2;
    store<f32>(dx + at, (load<f32>(y + at) - 1) * scale);
  }
}

/** How many rows of x [rows, n] have their first largest value at the label. Returns -1 - row for a label outside 0..n-1. */
export function countCorrect(rows: i32, n: i32, x: usize, labels: usize): i32 {
  let count = 0;
  for (let r = 0; r < rows; r++) {
    const label = load<i32>(labels + (r << 2));
    if (<u32>label >= <u32>n) return -1 - r;
    let best = 0;
    for (let i = 1; i < n; i++) if (load<f32>(x + (i << 2)) > load<f32>(x + (best << 2))) best = i;
    if (best == label) count++;
    x += n << 2;
  }
  return count;
}
