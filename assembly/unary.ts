// Kernels of one input and their gradients. All addresses are of n floats; `out` may be `x`, and `dx` may be `dy`.
// Gradients of exp, log, sin and cos need no kernel of their own: they are a product or a quotient of values that are there.
// exp, log and neg get the loop of two vectors an iteration (exp 1.11 -> 0.86 ns from that alone, Node 20); the rest the small
// one. Where x is 0 or infinite the formulas give what IEEE 754 gives: 1 / 0 is infinite, the square root of -1 NaN.
import { Each } from "./each";
import { Elementary } from "./math";
import { Lane } from "./simd";

// biome-ignore format: a row is one vector
const UNARY = memory.data<f32>([
    1, 1, 1, 1, // 0
    0.5, 0.5, 0.5, 0.5, // 16
    -0.0, -0.0, -0.0, -0.0, // 32: the sign
    -0.5, -0.5, -0.5, -0.5, // 48
], 16);

class Exp {
  @inline of(x: v128): v128 {
    return Elementary.exp(x);
  }
}
/** out = e^x; 0 below -86.98, where it is under 2^-125. At most 1 ulp off. */
export function expKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Exp>(n, x, out);
}

class Log {
  @inline of(x: v128): v128 {
    return Elementary.log(x);
  }
}
/** out = ln(x); -infinity at 0, NaN below. At most 0.85 ulp off. */
export function logKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Log>(n, x, out);
}

class Neg {
  @inline of(x: v128): v128 {
    return f32x4.neg(x);
  }
}
/** out = -x. */
export function negKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Neg>(n, x, out);
}

class Abs {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.abs(x);
  }
}
/** out = |x|. */
export function absKernel(n: i32, x: usize, out: usize): void {
  Each.small<Abs>(n, x, 0, 0, out);
}

class AbsBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    const signed = v128.xor(dy, v128.and(x, v128.load(UNARY, 32)));
    return Lane.orNaN(v128.and(signed, f32x4.ne(x, i32x4.splat(0))), x);
  }
}
/**
 * dx = dy sign(x), 0 where x is 0, NaN where x is NaN.
 * The sign of x is put on dy as a bit: no comparison, no product.
 */
export function absBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<AbsBackward>(n, x, dy, 0, 0, dx);
}

class SquareBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(f32x4.add(x, x), dy);
  }
}
/** dx = 2 x dy. */
export function squareBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<SquareBackward>(n, x, dy, 0, 0, dx);
}

class Sqrt {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.sqrt(x);
  }
}
/** out = sqrt(x), exactly rounded. */
export function sqrtKernel(n: i32, x: usize, out: usize): void {
  Each.small<Sqrt>(n, x, 0, 0, out);
}

class SqrtBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    return f32x4.div(dy, f32x4.add(y, y));
  }
}
/** dx = dy / (2 y), y = sqrt(x). Infinite at 0. */
export function sqrtBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<SqrtBackward>(n, y, dy, 0, 0, dx);
}

class Rsqrt {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.div(v128.load(UNARY), f32x4.sqrt(x));
  }
}
/** out = 1 / sqrt(x), in two exactly rounded steps. */
export function rsqrtKernel(n: i32, x: usize, out: usize): void {
  Each.small<Rsqrt>(n, x, 0, 0, out);
}

class RsqrtBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(f32x4.mul(dy, v128.load(UNARY, 48)), f32x4.mul(y, f32x4.mul(y, y)));
  }
}
/** dx = -1/2 y^3 dy, y = 1 / sqrt(x). */
export function rsqrtBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<RsqrtBackward>(n, y, dy, 0, 0, dx);
}

class Reciprocal {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.div(v128.load(UNARY), x);
  }
}
/** out = 1 / x. */
export function reciprocalKernel(n: i32, x: usize, out: usize): void {
  Each.small<Reciprocal>(n, x, 0, 0, out);
}

class ReciprocalBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    return f32x4.neg(f32x4.mul(dy, f32x4.mul(y, y)));
  }
}
/** dx = -y^2 dy, y = 1 / x. */
export function reciprocalBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<ReciprocalBackward>(n, y, dy, 0, 0, dx);
}

class Clip {
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, p), q);
  }
}
/** out = min(max(x, least), most), NaN stays: pmax(x, p) is x < p ? p : x, false at NaN. */
export function clipKernel(n: i32, x: usize, least: f32, most: f32, out: usize): void {
  Each.small<Clip>(n, x, least, most, out);
}

class ClipBackward {
  @inline of(x: v128, dy: v128, p: v128, q: v128): v128 {
    return Lane.orNaN(v128.and(dy, v128.and(f32x4.ge(x, p), f32x4.le(x, q))), x);
  }
}
/** dx = dy where least <= x <= most, else 0; NaN where x is NaN. */
export function clipBackward(n: i32, x: usize, dy: usize, least: f32, most: f32, dx: usize): void {
  Each.pair<ClipBackward>(n, x, dy, least, most, dx);
}
