// Along the middle axis of x [outer, count, inner], strictly in its order: running sums, products, first extremes.
// outer can be shared out; the axis itself cannot, each step needs the one before.
import { addKernel } from "./binary";
import { copy } from "./layout";

/**
 * out [outer, count, inner]: out[r] = x[0] + .. + x[r], or x[r] + .. + x[count - 1] with `reverse`, which is the gradient.
 * Each is the sum before it plus one: the same chain of roundings as a loop. Along a row one by one, else a row at a time.
 */
export function cumsum(outer: i32, count: i32, inner: i32, x: usize, reverse: i32, out: usize): void {
  const stride: usize = inner << 2;
  const whole: usize = count * stride;
  const step: usize = reverse ? 0 - stride : stride;
  if (whole == 0) return;
  for (let o = 0; o < outer; o++) {
    let p = reverse ? x + whole - stride : x;
    let q = reverse ? out + whole - stride : out;
    if (inner == 1) {
      // from the first element, not from 0: -0 stays -0
      let total = load<f32>(p);
      store<f32>(q, total);
      for (let r = 1; r < count; r++) {
        p += step;
        q += step;
        total += load<f32>(p);
        store<f32>(q, total);
      }
    } else {
      copy(inner, p, q);
      for (let r = 1; r < count; r++) {
        p += step;
        addKernel(inner, q, 1, p, 1, q + step);
        q += step;
      }
    }
    x += whole;
    out += whole;
  }
}

/** out [outer, inner] = product over the middle axis of x, from 1, in its order. */
export function prodColumns(outer: i32, count: i32, inner: i32, x: usize, out: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let total: f32 = 1;
      for (let r = 0; r < count; r++) total *= load<f32>(x + ((r * inner + i) << 2));
      store<f32>(out + (i << 2), total);
    }
    x += (count * inner) << 2;
    out += inner << 2;
  }
}

/**
 * dx[o, r, i] = (product of the x before r) (dy[o, i] times the product of those after it): right with zeros among them, where
 * y / x would be 0 / 0. x and dx [outer, count, inner], dy [outer, inner]. Up once and down once, the first half kept in dx.
 */
export function prodBackward(outer: i32, count: i32, inner: i32, x: usize, dy: usize, dx: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let before: f32 = 1;
      for (let r = 0; r < count; r++) {
        const at = (r * inner + i) << 2;
        store<f32>(dx + at, before);
        before *= load<f32>(x + at);
      }
      let after = load<f32>(dy + (i << 2));
      for (let r = count - 1; r >= 0; r--) {
        const at = (r * inner + i) << 2;
        store<f32>(dx + at, load<f32>(dx + at) * after);
        after *= load<f32>(x + at);
      }
    }
    x += (count * inner) << 2;
    dx += (count * inner) << 2;
    dy += inner << 2;
  }
}

/**
 * out [outer, inner] (int32) = first r at which x is largest, or with `least` least; a NaN is beyond every number, as in
 * numpy. Needs count >= 1.
 */
export function firstExtreme(outer: i32, count: i32, inner: i32, x: usize, least: i32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let p: usize = x + (i << 2);
      let best = load<f32>(p);
      let at = 0;
      for (let r = 1; r < count; r++) {
        p += inner << 2;
        const v = load<f32>(p);
        // strictly beyond, so that the first of equals stays; the first NaN ends the search
        if ((least ? v < best : v > best) || (F32.isNaN(v) && !F32.isNaN(best))) {
          best = v;
          at = r;
        }
      }
      store<i32>(out + (i << 2), at);
    }
    x += (count * inner) << 2;
    out += inner << 2;
  }
}
