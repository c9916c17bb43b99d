// Softmax over the last axis and its cross-entropy, with labels or with whole distributions, in the order of sums of reduce.ts.
// A row's largest value is taken off before the exponentials, so none overflows and the sum is at least 1; the loss comes from
// the logarithm of the sum, not from a probability that may have vanished.
// Rows are independent but for `crossEntropyBackward`, whose factor is 1 / rows: a part of the rows would take its own number for the whole.
import { fill } from "./elementwise";
import { copy } from "./layout";
import { Elementary } from "./math";
import { CHUNK, sum } from "./reduce";
import { Lane } from "./simd";
import { scale } from "./update";

/** What is done to a row x [n] of logits. */
class Row {
  /** Largest of n floats. A NaN is passed over: its own exp makes the row's sum NaN. */
  @inline static max(n: i32, x: usize): f32 {
    let m: f32 = -Infinity;
    let i = 0;
    if (n >= 8) {
      let v = v128.load(x); // the first NaN of a lane would stay, the later are passed over: either way the row is NaN
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

  /** exp(x - shift), shift >= x: stored, and returned for the sum. */
  @inline static term(x: usize, shift: v128, out: usize): v128 {
    const e = Elementary.expNegative(f32x4.sub(v128.load(x), shift));
    v128.store(out, e);
    return e;
  }

  /** out = exp(x - max), and its sum in the order of reduce.ts, in one pass: softmax 1.25 -> 1.08 ns an element, Node 20, Zen 5. */
  static expShifted(n: i32, x: usize, max: f32, out: usize): f32 {
    const shift = f32x4.splat(max);
    let total: f32 = 0;
    do {
      let v0 = i32x4.splat(0);
      let v1 = v0;
      let v2 = v0;
      let v3 = v0;
      const size = min(n, CHUNK);
      const end: usize = x + ((size & ~15) << 2);
      while (x < end) {
        v0 = f32x4.add(v0, Row.term(x, shift, out));
        v1 = f32x4.add(v1, Row.term(x + 16, shift, out + 16));
        if (x == 0) break; // never: ends the block, so that Node 20 does not schedule four exponentials at once and spill
        v2 = f32x4.add(v2, Row.term(x + 32, shift, out + 32));
        v3 = f32x4.add(v3, Row.term(x + 48, shift, out + 48));
        x += 64;
        out += 64;
      }
      // the rest goes to the lanes it would have met
      for (let rest = size & 15, lane = 0; rest > 0; rest -= 4, lane++) {
        let e: v128;
        if (rest >= 4) e = Row.term(x, shift, out);
        else {
          e = Elementary.expNegative(f32x4.sub(Lane.loadTail(x, rest, -Infinity), shift));
          Lane.storeTail(out, e, rest);
        }
        if (lane == 0) v0 = f32x4.add(v0, e);
        else if (lane == 1) v1 = f32x4.add(v1, e);
        else if (lane == 2) v2 = f32x4.add(v2, e);
        else v3 = f32x4.add(v3, e);
        x += 16;
        out += 16;
      }
      total += Lane.sum(f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3)));
      n -= size;
    } while (n > 0);
    return total;
  }
}

/**
 * y = exp(x - max) / sum, for every row of x [rows, n]; y [rows, n]. One product with 1 / sum, not n quotients.
 * A row with NaN, or with infinity as its largest, is NaN all over.
 */
export function softmax(rows: i32, n: i32, x: usize, y: usize): void {
  for (let r = 0; r < rows; r++) {
    scale(n, 1 / Row.expShifted(n, x, Row.max(n, x), y), y);
    x += n << 2;
    y += n << 2;
  }
}

/** dx = y (dy - sum(dy y)), row by row; y, dy and dx [rows, n], scratch: n floats, the products of a row. */
export function softmaxBackward(rows: i32, n: i32, y: usize, dy: usize, scratch: usize, dx: usize): void {
  for (let r = 0; r < rows; r++) {
    // sum(dy y) in the order of every row's sum, so the products are laid out first
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

/** A logarithm by the same polynomial as everywhere, of one value. */
class Scalar {
  @inline static log(x: f32): f32 {
    return f32x4.extract_lane(Elementary.log(f32x4.splat(x)), 0);
  }
}

/**
 * losses[r] = -log softmax(x[r])[labels[r]] = log sum exp(x - max) + max - x[label], probabilities kept in y for the gradient.
 * x and y [rows, n], labels [rows] (int32), mask [rows] or 0 for none, losses [rows].
 * Where the mask is 0 the row is passed over: its loss is 0, its label may be anything, and y keeps what it held.
 * Returns -1, or the first row whose label is outside 0..n-1.
 */
export function crossEntropy(rows: i32, n: i32, x: usize, labels: usize, mask: usize, y: usize, losses: usize): i32 {
  for (let r = 0; r < rows; r++) {
    if (mask && load<f32>(mask + (r << 2)) == 0) store<f32>(losses + (r << 2), 0);
    else {
      const label = load<i32>(labels + (r << 2));
      if (<u32>label >= <u32>n) return r;
      const m = Row.max(n, x);
      const total = Row.expShifted(n, x, m, y);
      store<f32>(losses + (r << 2), Scalar.log(total) + (m - load<f32>(x + (label << 2))));
      scale(n, 1 / total, y);
    }
    x += n << 2;
    y += n << 2;
  }
  return -1;
}

/**
 * dx = (y - onehot(label)) dLoss / rows: the gradient of the mean loss. y and dx [rows, n], labels [rows], dLoss [1].
 * Forward has checked the labels.
 */
export function crossEntropyBackward(rows: i32, n: i32, y: usize, labels: usize, dLoss: usize, dx: usize): void {
  const scale: f32 = load<f32>(dLoss) / <f32>rows;
  const s = f32x4.splat(scale);
  const size = rows * n; // all of dx as if no class were right, then one correction a row
  let i = 0;
  for (; i + 4 <= size; i += 4) v128.store(dx + (i << 2), f32x4.mul(v128.load(y + (i << 2)), s));
  for (; i < size; i++) store<f32>(dx + (i << 2), load<f32>(y + (i << 2)) * scale);
  for (let r = 0; r < rows; r++) {
    const at: usize = (r * n + load<i32>(labels + (r << 2))) << 2;
    store<f32>(dx + at, (load<f32>(y + at) - 1) * scale);
  }
}

/**
 * dx[r] = (y[r] - onehot(label)) dLosses[r] mask[r]; 0 where mask [rows] (0: none) is 0. y and dx [rows, n], labels and
 * dLosses [rows]. Forward has checked the labels.
 */
export function crossEntropyRowsBackward(
  rows: i32,
  n: i32,
  y: usize,
  labels: usize,
  mask: usize,
  dLosses: usize,
  dx: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const weight: f32 = mask ? load<f32>(mask + (r << 2)) : 1;
    if (weight == 0) fill(n, 0, dx);
    else {
      const at: usize = dx + (load<i32>(labels + (r << 2)) << 2);
      copy(n, y, dx);
      store<f32>(at, load<f32>(at) - 1);
      scale(n, load<f32>(dLosses + (r << 2)) * weight, dx);
    }
    y += n << 2;
    dx += n << 2;
  }
}

class Target {
  /** w (on t + off) of class c: t is the row's own (at `targets`), or 1 at the label; w are the classes' weights (0: none). */
  @inline static of(c: i32, label: i32, targets: usize, weights: usize, on: f32, off: f32): f32 {
    const t: f32 = targets ? load<f32>(targets + (c << 2)) : c == label ? 1 : 0;
    const q = on * t + off;
    return weights ? q * load<f32>(weights + (c << 2)) : q;
  }
}

/**
 * losses[r] = -sum of q log softmax(x[r]) over the classes, q as in Target: smoothed, weighted. x and y [rows, n],
 * labels [rows] (int32) or 0, targets [rows, n] where labels is 0, weights [n] or 0, mask [rows] or 0, losses [rows].
 * Probabilities are kept in y. Classes of q = 0 are passed over, though their logit be -infinity; so are rows where the mask
 * is 0. The sum is in double.
 * Returns -1, or the first row whose label is outside 0..n-1, or the first position of a target that is not >= 0.
 */
export function softCrossEntropy(
  rows: i32,
  n: i32,
  x: usize,
  labels: usize,
  targets: usize,
  weights: usize,
  mask: usize,
  on: f32,
  off: f32,
  y: usize,
  losses: usize,
): i32 {
  for (let r = 0; r < rows; r++) {
    let loss: f64 = 0;
    if (!mask || load<f32>(mask + (r << 2)) != 0) {
      const label = labels ? load<i32>(labels + (r << 2)) : 0;
      if (<u32>label >= <u32>n) return r;
      if (targets) for (let c = 0; c < n; c++) if (!(load<f32>(targets + (c << 2)) >= 0)) return r * n + c;
      const m = Row.max(n, x);
      const total = Row.expShifted(n, x, m, y);
      const log = <f64>Scalar.log(total);
      for (let c = 0; c < n; c++) {
        const q = Target.of(c, label, targets, weights, on, off);
        if (q != 0) loss += <f64>q * (log + (<f64>m - <f64>load<f32>(x + (c << 2))));
      }
      scale(n, 1 / total, y);
    }
    store<f32>(losses + (r << 2), <f32>loss);
    x += n << 2;
    y += n << 2;
    if (targets) targets += n << 2;
  }
  return -1;
}

/**
 * dx[r] = (y[r] sum(q) - q) dLosses[r] mask[r]; 0 where mask (0: none) is 0. sum(q) is 1 only without weights.
 * Shapes as softCrossEntropy, dx as x; forward has checked labels and targets.
 */
export function softCrossEntropyBackward(
  rows: i32,
  n: i32,
  y: usize,
  labels: usize,
  targets: usize,
  weights: usize,
  mask: usize,
  dLosses: usize,
  on: f32,
  off: f32,
  dx: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const weight: f32 = mask ? load<f32>(mask + (r << 2)) : 1;
    if (weight == 0) fill(n, 0, dx);
    else {
      const label = labels ? load<i32>(labels + (r << 2)) : 0;
      let total: f64 = 0;
      for (let c = 0; c < n; c++) total += Target.of(c, label, targets, weights, on, off);
      for (let c = 0; c < n; c++) {
        const q = Target.of(c, label, targets, weights, on, off);
        store<f32>(dx + (c << 2), load<f32>(y + (c << 2)) * <f32>total - q);
      }
      scale(n, load<f32>(dLosses + (r << 2)) * weight, dx);
    }
    y += n << 2;
    dx += n << 2;
    if (targets) targets += n << 2;
  }
}

/**
 * out[r] = mask[r] (0: no mask, 1) where the first largest value of x[r] is at the label, else 0; a row with NaN is never right.
 * x [rows, n], labels, mask and out [rows]. Where the mask is 0 the label may be anything.
 * Returns -1, or the first row whose label is outside 0..n-1.
 */
export function correctRows(rows: i32, n: i32, x: usize, labels: usize, mask: usize, out: usize): i32 {
  for (let r = 0; r < rows; r++) {
    const weight: f32 = mask ? load<f32>(mask + (r << 2)) : 1;
    let right = weight != 0;
    if (right) {
      const label = load<i32>(labels + (r << 2));
      if (<u32>label >= <u32>n) return r;
      const v = load<f32>(x + (label << 2));
      for (let i = 0; i < n; i++) {
        const w = load<f32>(x + (i << 2));
        if (!(i < label ? v > w : v >= w)) right = false;
      }
    }
    store<f32>(out + (r << 2), right ? weight : 0);
    x += n << 2;
  }
  return -1;
}
