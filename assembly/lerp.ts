// Linear interpolation a + t (b - a), element by element: the update of a gated recurrent unit in one pass.
// As three ops it would pass over memory three times, and keep two results for the gradients.
import { Lane } from "./simd";

/** Four elements at once. t = 0 gives a, t = 1 gives b but for rounding. */
class Lerp {
  @inline static forward(a: v128, b: v128, t: v128): v128 {
    return f32x4.add(a, f32x4.mul(t, f32x4.sub(b, a)));
  }
}

/** out [n] = a + t (b - a); a, b, t [n]. out may be any of them. */
export function lerp(n: i32, a: usize, b: usize, t: usize, out: usize): void {
  const end: usize = a + ((n & ~3) << 2);
  while (a < end) {
    v128.store(out, Lerp.forward(v128.load(a), v128.load(b), v128.load(t)));
    a += 16;
    b += 16;
    t += 16;
    out += 16;
  }
  const rest = n & 3;
  if (rest) {
    const x = Lane.loadTail(a, rest, 0);
    const y = Lane.loadTail(b, rest, 0);
    Lane.storeTail(out, Lerp.forward(x, y, Lane.loadTail(t, rest, 0)), rest);
  }
}

/**
 * da [n] = dy - dy t, db [n] = dy t, dt [n] = dy (b - a); an address of 0 leaves one out: its operand is a constant.
 * a, b, t, dy [n]. An output may be any input: a vector is read before it is written.
 */
export function lerpBackward(n: i32, a: usize, b: usize, t: usize, dy: usize, da: usize, db: usize, dt: usize): void {
  for (let i = 0; i < n; i += 4) {
    const p: usize = i << 2;
    const rest = n - i;
    const whole = rest >= 4;
    const g = whole ? v128.load(dy + p) : Lane.loadTail(dy + p, rest, 0);
    const weight = f32x4.mul(g, whole ? v128.load(t + p) : Lane.loadTail(t + p, rest, 0));
    if (dt) {
      const x = whole ? v128.load(a + p) : Lane.loadTail(a + p, rest, 0);
      const y = whole ? v128.load(b + p) : Lane.loadTail(b + p, rest, 0);
      const d = f32x4.mul(g, f32x4.sub(y, x));
      if (whole) v128.store(dt + p, d);
      else Lane.storeTail(dt + p, d, rest);
    }
    if (da) {
      if (whole) v128.store(da + p, f32x4.sub(g, weight));
      else Lane.storeTail(da + p, f32x4.sub(g, weight), rest);
    }
    if (db) {
      if (whole) v128.store(db + p, weight);
      else Lane.storeTail(db + p, weight, rest);
    }
  }
}
