// The loops of elementwise kernels, as templates over a class whose method `of` maps one vector.
// The class has no fields and is never made: `changetype<T>(0).of(x)` resolves at compile time and is inlined.
// So an op is one small class and one export. Two loops for each number of inputs: a fast one, two vectors an iteration, whose
// independent chains hide the latency of a polynomial, and a small one, a quarter of the code.
// Tails of 1-3 floats pass through memory of our own (Lane.loadTail): no kernel reads or writes past its end.
// Any stretch of the elements can be done alone: a parallel-for offsets the addresses and passes a smaller n.
import { Lane } from "./simd";

/** As Lane's, out of line: a tail is met once a call. What it is filled up with (1) is in the domain of every function. */
function loadTail(p: usize, count: i32): v128 {
  return Lane.loadTail(p, count, 1);
}
function storeTail(p: usize, v: v128, count: i32): void {
  Lane.storeTail(p, v, count);
}

export class Each {
  /** out[i] = of(x[i]), two vectors an iteration: for what is short or hot. Both are loaded before either is stored. */
  @inline static fast<T>(n: i32, x: usize, out: usize): void {
    const end2: usize = x + ((n & ~7) << 2);
    while (x < end2) {
      const a = changetype<T>(0).of(v128.load(x));
      const b = changetype<T>(0).of(v128.load(x, 16));
      v128.store(out, a);
      v128.store(out, b, 16);
      x += 32;
      out += 32;
    }
    if (n & 4) {
      v128.store(out, changetype<T>(0).of(v128.load(x)));
      x += 16;
      out += 16;
    }
    if (n & 3) Lane.storeTail(out, changetype<T>(0).of(Lane.loadTail(x, n & 3, 1)), n & 3);
  }

  /** out[i] = of(x[i], p, q), one vector an iteration and one copy of the code: a quarter of the size. */
  @inline static small<T>(n: i32, x: usize, p: f32, q: f32, out: usize): void {
    const u = f32x4.splat(p);
    const v = f32x4.splat(q);
    while (n > 0) {
      const y = changetype<T>(0).of(n >= 4 ? v128.load(x) : loadTail(x, n), u, v);
      if (n >= 4) v128.store(out, y);
      else storeTail(out, y, n);
      x += 16;
      out += 16;
      n -= 4;
    }
  }

  /** out[i] = of(a[i], b[i], p, q), one copy of the code: the gradients. */
  @inline static pair<T>(n: i32, a: usize, b: usize, p: f32, q: f32, out: usize): void {
    const u = f32x4.splat(p);
    const v = f32x4.splat(q);
    while (n > 0) {
      const whole = n >= 4;
      const x = whole ? v128.load(a) : loadTail(a, n);
      const y = changetype<T>(0).of(x, whole ? v128.load(b) : loadTail(b, n), u, v);
      if (whole) v128.store(out, y);
      else storeTail(out, y, n);
      a += 16;
      b += 16;
      out += 16;
      n -= 4;
    }
  }

  /**
   * out[i] = of(a[i], b[i]), two vectors an iteration; a step of 0 repeats the one value.
   * With a scalar operand the splat is made in every iteration: that loop is bound by memory either way.
   */
  @inline static two<T>(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
    if (aStep & bStep) {
      const end2: usize = a + ((n & ~7) << 2);
      while (a < end2) {
        const u = changetype<T>(0).of(v128.load(a), v128.load(b));
        const v = changetype<T>(0).of(v128.load(a, 16), v128.load(b, 16));
        v128.store(out, u);
        v128.store(out, v, 16);
        a += 32;
        b += 32;
        out += 32;
      }
      n &= 7;
    }
    const left = aStep ? 16 : 0;
    const right = bStep ? 16 : 0;
    while (n >= 4) {
      const x = aStep ? v128.load(a) : v128.load32_splat(a);
      const y = bStep ? v128.load(b) : v128.load32_splat(b);
      v128.store(out, changetype<T>(0).of(x, y));
      a += left;
      b += right;
      out += 16;
      n -= 4;
    }
    if (n) {
      const x = aStep ? Lane.loadTail(a, n, 1) : v128.load32_splat(a);
      const y = bStep ? Lane.loadTail(b, n, 1) : v128.load32_splat(b);
      Lane.storeTail(out, changetype<T>(0).of(x, y), n);
    }
  }

  /** The next min(n, 4) values of a run whose step is 0 or 1. */
  @inline static next(n: i32, p: usize, step: i32): v128 {
    return step ? (n >= 4 ? v128.load(p) : loadTail(p, n)) : v128.load32_splat(p);
  }

  /** The first min(n, 4) lanes of v go to out. */
  @inline static put(n: i32, out: usize, v: v128): void {
    if (n >= 4) v128.store(out, v);
    else storeTail(out, v, n);
  }
}
