// Activations and their gradients, each gradient in one pass.
// All addresses are of n floats, and `out` may be `x`, `dx` may be `dy`: a vector is read before it is written.
// A gradient takes y where the slope can be had from it (tanh, sigmoid, relu, the two saturating ones): the forward value is
// there anyway, and no exponential is computed again. The others take x.
// At a NaN of what the slope is read at, every gradient is NaN (ARCHITECTURE.md, "Gradients at NaN").
// tanh, sigmoid and relu stand in every network and get the loop of two vectors; the others the small one (see each.ts).
import { Each } from "./each";
import { Elementary } from "./math";
import { Lane } from "./simd";

// biome-ignore format: a row is one vector
const GATE = memory.data<f32>([
    1.2, 1.2, 1.2, 1.2, // 0
    0.1, 0.1, 0.1, 0.1, // 16
    1, 1, 1, 1, // 32
    0.8333333333, 0.8333333333, 0.8333333333, 0.8333333333, // 48: 1 / 1.2
    1.1, 1.1, 1.1, 1.1, // 64
    0.9090909091, 0.9090909091, 0.9090909091, 0.9090909091, // 80: 1 / 1.1
], 16);

class Tanh {
  @inline of(x: v128): v128 {
    return Elementary.tanh(x);
  }
}
/** out = tanh(x) = ±d / (2 - d), d = 1 - e^(-2 |x|). At most 4.3 ulp off; reaches ±1 exactly. */
export function tanhKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Tanh>(n, x, out);
}

class TanhBackward {
  @inline of(y: v128, dy: v128): v128 {
    return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}
/** dx = dy (1 - y^2), y = tanh(x). */
export function tanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.two<TanhBackward>(n, y, 1, dy, 1, dx);
}

class Sigmoid {
  @inline of(x: v128): v128 {
    return Elementary.sigmoid(x);
  }
}
/** out = 1 / (1 + e^-x). At most 2.5 ulp off above -87.3; 0 below -88.72. */
export function sigmoidKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Sigmoid>(n, x, out);
}

class SigmoidBackward {
  @inline of(y: v128, dy: v128): v128 {
    return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
  }
}
/** dx = dy y (1 - y), y = sigmoid(x). */
export function sigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.two<SigmoidBackward>(n, y, 1, dy, 1, dx);
}

class Relu {
  @inline of(x: v128): v128 {
    return f32x4.pmax(x, i32x4.splat(0));
  }
}
/**
 * out = x < 0 ? 0 : x: NaN stays NaN, -0 stays -0.
 * pmax is that comparison in one instruction, 0.08 ns an element; f32x4.max orders NaN and zeros as well and costs 0.19.
 */
export function reluKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Relu>(n, x, out);
}

class ReluBackward {
  @inline of(y: v128, dy: v128): v128 {
    return Lane.orNaN(v128.and(dy, f32x4.gt(y, i32x4.splat(0))), y);
  }
}
/** dx = dy where y > 0, else 0; y = relu(x). The slope at 0 is 0. */
export function reluBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.two<ReluBackward>(n, y, 1, dy, 1, dx);
}

class Softplus {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    const rest = Elementary.logOnePlus(Elementary.expNegative(f32x4.neg(f32x4.abs(x))));
    return f32x4.add(f32x4.pmax(x, i32x4.splat(0)), rest);
  }
}
/**
 * out = log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): the exponent is never positive, so nothing overflows.
 * At most 4.5 ulp off above -86.98; 0 below.
 */
export function softplusKernel(n: i32, x: usize, out: usize): void {
  Each.small<Softplus>(n, x, 0, 0, out);
}

class SoftplusBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(dy, Elementary.sigmoid(x));
  }
}
/** dx = dy sigmoid(x). */
export function softplusBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<SoftplusBackward>(n, x, dy, 0, 0, dx);
}

class Gelu {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(Elementary.notLess(x), Elementary.normal(x, Elementary.bell(x)));
  }
}
/**
 * out = x Phi(x), Phi the distribution function of the normal distribution: the exact form, not the one by tanh.
 * -infinity is made finite first: its product with Phi = 0 is 0, not NaN.
 */
export function geluKernel(n: i32, x: usize, out: usize): void {
  Each.small<Gelu>(n, x, 0, 0, out);
}

class GeluBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    const bell = Elementary.bell(x);
    const slope = f32x4.mul(Elementary.finite(x), Elementary.density(bell));
    return f32x4.mul(dy, f32x4.add(Elementary.normal(x, bell), slope));
  }
}
/** dx = dy (Phi(x) + x phi(x)), phi the normal density. Both come from one exponential, e^(-x^2 / 2). */
export function geluBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<GeluBackward>(n, x, dy, 0, 0, dx);
}

class Elu {
  @inline of(x: v128, p: v128, _q: v128): v128 {
    const below = f32x4.mul(p, f32x4.neg(Elementary.oneMinusExp(x)));
    return v128.bitselect(x, below, f32x4.ge(x, i32x4.splat(0)));
  }
}
/** out = x where x >= 0, else alpha (e^x - 1), which loses no digits near 0. At most 3.1 ulp off with alpha 1. */
export function eluKernel(n: i32, x: usize, alpha: f32, out: usize): void {
  Each.small<Elu>(n, x, alpha, 0, out);
}

class EluBackward {
  @inline of(x: v128, dy: v128, p: v128, _q: v128): v128 {
    const below = f32x4.mul(dy, f32x4.mul(p, Elementary.exp(x)));
    return v128.bitselect(dy, below, f32x4.gt(x, i32x4.splat(0)));
  }
}
/** dx = dy where x > 0, else dy alpha e^x. */
export function eluBackward(n: i32, x: usize, dy: usize, alpha: f32, dx: usize): void {
  Each.pair<EluBackward>(n, x, dy, alpha, 0, dx);
}

class LeakyRelu {
  @inline of(x: v128, p: v128, _q: v128): v128 {
    return v128.bitselect(x, f32x4.mul(p, x), f32x4.gt(x, i32x4.splat(0)));
  }
}
/** out = x where x > 0, else slope x. */
export function leakyReluKernel(n: i32, x: usize, slope: f32, out: usize): void {
  Each.small<LeakyRelu>(n, x, slope, 0, out);
}

class LeakyReluBackward {
  @inline of(x: v128, dy: v128, p: v128, _q: v128): v128 {
    return Lane.orNaN(v128.bitselect(dy, f32x4.mul(p, dy), f32x4.gt(x, i32x4.splat(0))), x);
  }
}
/** dx = dy where x > 0, else slope dy. */
export function leakyReluBackward(n: i32, x: usize, dy: usize, slope: f32, dx: usize): void {
  Each.pair<LeakyReluBackward>(n, x, dy, slope, 0, dx);
}

class SaturatingSigmoid {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    const y = f32x4.sub(f32x4.mul(Elementary.sigmoid(x), v128.load(GATE)), v128.load(GATE, 16));
    return f32x4.pmin(f32x4.pmax(y, i32x4.splat(0)), v128.load(GATE, 32));
  }
}
/** out = 1.2 sigmoid(x) - 0.1, cut to 0..1: the gate of the Neural GPU, which can shut and open all the way. */
export function saturatingSigmoidKernel(n: i32, x: usize, out: usize): void {
  Each.small<SaturatingSigmoid>(n, x, 0, 0, out);
}

class SaturatingSigmoidBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    const u = f32x4.add(y, v128.load(GATE, 16));
    const slope = f32x4.mul(u, f32x4.sub(v128.load(GATE, 32), f32x4.mul(u, v128.load(GATE, 48))));
    const inside = v128.and(f32x4.gt(y, i32x4.splat(0)), f32x4.lt(y, v128.load(GATE, 32)));
    return Lane.orNaN(v128.and(f32x4.mul(dy, slope), inside), y);
  }
}
/**
 * dx = dy 1.2 s (1 - s), s = sigmoid(x), where 0 < y < 1, else 0.
 * With u = y + 0.1 = 1.2 s that is dy u (1 - u / 1.2): y alone is enough.
 */
export function saturatingSigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<SaturatingSigmoidBackward>(n, y, dy, 0, 0, dx);
}

class SaturatingTanh {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    const one = v128.load(GATE, 32);
    return f32x4.pmin(f32x4.pmax(f32x4.mul(Elementary.tanh(x), v128.load(GATE, 64)), f32x4.neg(one)), one);
  }
}
/** out = 1.1 tanh(x), cut to -1..1. */
export function saturatingTanhKernel(n: i32, x: usize, out: usize): void {
  Each.small<SaturatingTanh>(n, x, 0, 0, out);
}

class SaturatingTanhBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    const slope = f32x4.sub(v128.load(GATE, 64), f32x4.mul(f32x4.mul(y, y), v128.load(GATE, 80)));
    return Lane.orNaN(v128.and(f32x4.mul(dy, slope), f32x4.lt(f32x4.abs(y), v128.load(GATE, 32))), y);
  }
}
/** dx = dy 1.1 (1 - t^2), t = tanh(x) = y / 1.1, where |y| < 1, else 0: dy (1.1 - y^2 / 1.1). */
export function saturatingTanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<SaturatingTanhBackward>(n, y, dy, 0, 0, dx);
}

class Silu {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(Elementary.notLess(x), Elementary.sigmoid(x));
  }
}
/** out = x sigmoid(x), also known as swish. At most 2.9 ulp off above -87.3; 0 below -88.72, -infinity included. */
export function siluKernel(n: i32, x: usize, out: usize): void {
  Each.small<Silu>(n, x, 0, 0, out);
}

class SiluBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    const one = v128.load(GATE, 32);
    const s = Elementary.sigmoid(x);
    const slope = f32x4.mul(s, f32x4.add(one, f32x4.mul(Elementary.finite(x), f32x4.sub(one, s))));
    return f32x4.mul(dy, slope);
  }
}
/** dx = dy s (1 + x (1 - s)), s = sigmoid(x). x is made finite, so that its product with 1 - s = 0 is 0. */
export function siluBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<SiluBackward>(n, x, dy, 0, 0, dx);
}
