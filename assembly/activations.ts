// Activations and their gradients, each gradient in one pass.
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
export function tanhKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Tanh>(n, x, out);
}

/** dy (1 - y^2). */
class TanhBackward {
  @inline of(y: v128, dy: v128): v128 {
    return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}
export function tanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.two<TanhBackward>(n, y, 1, dy, 1, dx);
}

class Sigmoid {
  @inline of(x: v128): v128 {
    return Elementary.sigmoid(x);
  }
}
export function sigmoidKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Sigmoid>(n, x, out);
}

/** dy y (1 - y). */
class SigmoidBackward {
  @inline of(y: v128, dy: v128): v128 {
    return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
  }
}
export function sigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.two<SigmoidBackward>(n, y, 1, dy, 1, dx);
}

/** x < 0 ? 0 : x, which lets NaN through; pmax costs 0.08 ns where f32x4.max costs 0.19. */
class Relu {
  @inline of(x: v128): v128 {
    return f32x4.pmax(x, i32x4.splat(0));
  }
}
export function reluKernel(n: i32, x: usize, out: usize): void {
  Each.fast<Relu>(n, x, out);
}

/** dy where y > 0, NaN where y is NaN. */
class ReluBackward {
  @inline of(y: v128, dy: v128): v128 {
    return Lane.orNaN(v128.and(dy, f32x4.gt(y, i32x4.splat(0))), y);
  }
}
export function reluBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.two<ReluBackward>(n, y, 1, dy, 1, dx);
}

/** max(x, 0) + log(1 + exp(-|x|)). */
class Softplus {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    const rest = Elementary.logOnePlus(Elementary.expNegative(f32x4.neg(f32x4.abs(x))));
    return f32x4.add(f32x4.pmax(x, i32x4.splat(0)), rest);
  }
}
export function softplusKernel(n: i32, x: usize, out: usize): void {
  Each.small<Softplus>(n, x, 0, 0, out);
}

/** dy sigmoid(x). */
class SoftplusBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(dy, Elementary.sigmoid(x));
  }
}
export function softplusBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<SoftplusBackward>(n, x, dy, 0, 0, dx);
}

/** x Phi(x), Phi the normal distribution function. */
class Gelu {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(Elementary.notLess(x), Elementary.normal(x, Elementary.bell(x)));
  }
}
export function geluKernel(n: i32, x: usize, out: usize): void {
  Each.small<Gelu>(n, x, 0, 0, out);
}

/** dy (Phi(x) + x phi(x)). */
class GeluBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    const bell = Elementary.bell(x);
    const slope = f32x4.mul(Elementary.finite(x), Elementary.density(bell));
    return f32x4.mul(dy, f32x4.add(Elementary.normal(x, bell), slope));
  }
}
export function geluBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<GeluBackward>(n, x, dy, 0, 0, dx);
}

/** x where x >= 0, else p (e^x - 1). */
class Elu {
  @inline of(x: v128, p: v128, _q: v128): v128 {
    const below = f32x4.mul(p, f32x4.neg(Elementary.oneMinusExp(x)));
    return v128.bitselect(x, below, f32x4.ge(x, i32x4.splat(0)));
  }
}
export function eluKernel(n: i32, x: usize, alpha: f32, out: usize): void {
  Each.small<Elu>(n, x, alpha, 0, out);
}

/** dy where x > 0, else dy p e^x. */
class EluBackward {
  @inline of(x: v128, dy: v128, p: v128, _q: v128): v128 {
    const below = f32x4.mul(dy, f32x4.mul(p, Elementary.exp(x)));
    return v128.bitselect(dy, below, f32x4.gt(x, i32x4.splat(0)));
  }
}
export function eluBackward(n: i32, x: usize, dy: usize, alpha: f32, dx: usize): void {
  Each.pair<EluBackward>(n, x, dy, alpha, 0, dx);
}

/** x where x > 0, else p x. */
class LeakyRelu {
  @inline of(x: v128, p: v128, _q: v128): v128 {
    return v128.bitselect(x, f32x4.mul(p, x), f32x4.gt(x, i32x4.splat(0)));
  }
}
export function leakyReluKernel(n: i32, x: usize, slope: f32, out: usize): void {
  Each.small<LeakyRelu>(n, x, slope, 0, out);
}

/** dy where x > 0, else p dy; NaN where x is NaN. */
class LeakyReluBackward {
  @inline of(x: v128, dy: v128, p: v128, _q: v128): v128 {
    return Lane.orNaN(v128.bitselect(dy, f32x4.mul(p, dy), f32x4.gt(x, i32x4.splat(0))), x);
  }
}
export function leakyReluBackward(n: i32, x: usize, dy: usize, slope: f32, dx: usize): void {
  Each.pair<LeakyReluBackward>(n, x, dy, slope, 0, dx);
}

/** 1.2 sigmoid(x) - 0.1 within 0..1; NaN stays. */
class SaturatingSigmoid {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    const y = f32x4.sub(f32x4.mul(Elementary.sigmoid(x), v128.load(GATE)), v128.load(GATE, 16));
    return f32x4.pmin(f32x4.pmax(y, i32x4.splat(0)), v128.load(GATE, 32));
  }
}
export function saturatingSigmoidKernel(n: i32, x: usize, out: usize): void {
  Each.small<SaturatingSigmoid>(n, x, 0, 0, out);
}

/** dy 1.2 s (1 - s) = dy u (1 - u / 1.2), u = y + 0.1, where 0 < y < 1; NaN where y is NaN. */
class SaturatingSigmoidBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    const u = f32x4.add(y, v128.load(GATE, 16));
    const slope = f32x4.mul(u, f32x4.sub(v128.load(GATE, 32), f32x4.mul(u, v128.load(GATE, 48))));
    const inside = v128.and(f32x4.gt(y, i32x4.splat(0)), f32x4.lt(y, v128.load(GATE, 32)));
    return Lane.orNaN(v128.and(f32x4.mul(dy, slope), inside), y);
  }
}
export function saturatingSigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<SaturatingSigmoidBackward>(n, y, dy, 0, 0, dx);
}

/** 1.1 tanh(x) within -1..1; NaN stays. */
class SaturatingTanh {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    const one = v128.load(GATE, 32);
    return f32x4.pmin(f32x4.pmax(f32x4.mul(Elementary.tanh(x), v128.load(GATE, 64)), f32x4.neg(one)), one);
  }
}
export function saturatingTanhKernel(n: i32, x: usize, out: usize): void {
  Each.small<SaturatingTanh>(n, x, 0, 0, out);
}

/** dy 1.1 (1 - t^2) = dy (1.1 - y^2 / 1.1), where |y| < 1; NaN where y is NaN. */
class SaturatingTanhBackward {
  @inline of(y: v128, dy: v128, _p: v128, _q: v128): v128 {
    const slope = f32x4.sub(v128.load(GATE, 64), f32x4.mul(f32x4.mul(y, y), v128.load(GATE, 80)));
    return Lane.orNaN(v128.and(f32x4.mul(dy, slope), f32x4.lt(f32x4.abs(y), v128.load(GATE, 32))), y);
  }
}
export function saturatingTanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Each.pair<SaturatingTanhBackward>(n, y, dy, 0, 0, dx);
}

/** x / (1 + e^-x). */
class Silu {
  @inline of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.mul(Elementary.notLess(x), Elementary.sigmoid(x));
  }
}
export function siluKernel(n: i32, x: usize, out: usize): void {
  Each.small<Silu>(n, x, 0, 0, out);
}

/** dy s (1 + x (1 - s)), s = sigmoid(x). */
class SiluBackward {
  @inline of(x: v128, dy: v128, _p: v128, _q: v128): v128 {
    const one = v128.load(GATE, 32);
    const s = Elementary.sigmoid(x);
    const slope = f32x4.mul(s, f32x4.add(one, f32x4.mul(Elementary.finite(x), f32x4.sub(one, s))));
    return f32x4.mul(dy, slope);
  }
}
export function siluBackward(n: i32, x: usize, dy: usize, dx: usize): void {
  Each.pair<SiluBackward>(n, x, dy, 0, 0, dx);
}
