// Elementwise kernels: out[i] = f(x[i]) and out[i] = f(a[i], b[i]), two vectors an iteration.
// Every loop is one template, inlined for a constant op code, so that an op is one line here and one export.
import { Elementary } from "./math";
import { Lane, TABLE } from "./simd";

const EXP: i32 = 0;
const LOG: i32 = 1;
const TANH: i32 = 2;
const SIGMOID: i32 = 3;
const RELU: i32 = 4;
const NEG: i32 = 5;

const ADD: i32 = 0;
const SUB: i32 = 1;
const MUL: i32 = 2;
const DIV: i32 = 3;
const RELU_BACKWARD: i32 = 4; // (y, dy) -> y > 0 ? dy : 0
const TANH_BACKWARD: i32 = 5; // (y, dy) -> dy (1 - y^2)
const SIGMOID_BACKWARD: i32 = 6; // (y, dy) -> dy y (1 - y)
const EQUAL: i32 = 7; // 1 where equal, else 0

class Unary {
  @inline static apply(op: i32, x: v128): v128 {
    if (op == EXP) return Elementary.exp(x);
    if (op == LOG) return Elementary.log(x);
    if (op == TANH) return Elementary.tanh(x);
    if (op == SIGMOID) return Elementary.sigmoid(x);
    // x < 0 ? 0 : x, which lets NaN through; pmax costs 0.08 ns where f32x4.max costs 0.19
    if (op == RELU) return f32x4.pmax(x, i32x4.splat(0));
    return f32x4.neg(x);
  }

  @inline static loop(op: i32, n: i32, x: usize, out: usize): void {
    const end2: usize = x + ((n & ~7) << 2);
    while (x < end2) {
      const a = Unary.apply(op, v128.load(x));
      const b = Unary.apply(op, v128.load(x, 16));
      v128.store(out, a);
      v128.store(out, b, 16);
      x += 32;
      out += 32;
    }
    if (n & 4) {
      v128.store(out, Unary.apply(op, v128.load(x)));
      x += 16;
      out += 16;
    }
    if (n & 3) Lane.storeTail(out, Unary.apply(op, Lane.loadTail(x, n & 3, 1)), n & 3);
  }
}

export function expKernel(n: i32, x: usize, out: usize): void {
  Unary.loop(EXP, n, x, out);
}
export function logKernel(n: i32, x: usize, out: usize): void {
  Unary.loop(LOG, n, x, out);
}
export function tanhKernel(n: i32, x: usize, out: usize): void {
  Unary.loop(TANH, n, x, out);
}
export function sigmoidKernel(n: i32, x: usize, out: usize): void {
  Unary.loop(SIGMOID, n, x, out);
}
export function reluKernel(n: i32, x: usize, out: usize): void {
  Unary.loop(RELU, n, x, out);
}
export function negKernel(n: i32, x: usize, out: usize): void {
  Unary.loop(NEG, n, x, out);
}

class Binary {
  @inline static apply(op: i32, a: v128, b: v128): v128 {
    if (op == ADD) return f32x4.add(a, b);
    if (op == SUB) return f32x4.sub(a, b);
    if (op == MUL) return f32x4.mul(a, b);
    if (op == DIV) return f32x4.div(a, b);
    if (op == RELU_BACKWARD) return v128.and(b, f32x4.gt(a, i32x4.splat(0)));
    if (op == TANH_BACKWARD) return f32x4.mul(b, f32x4.sub(f32x4.splat(1), f32x4.mul(a, a)));
    if (op == SIGMOID_BACKWARD) return f32x4.mul(b, f32x4.mul(a, f32x4.sub(f32x4.splat(1), a)));
    return v128.and(f32x4.eq(a, b), f32x4.splat(1));
  }

  /** One run of n; a step of 0 repeats the one value. */
  @inline static loop(op: i32, n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
    if (aStep & bStep) {
      const end2: usize = a + ((n & ~7) << 2);
      while (a < end2) {
        const u = Binary.apply(op, v128.load(a), v128.load(b));
        const v = Binary.apply(op, v128.load(a, 16), v128.load(b, 16));
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
      v128.store(out, Binary.apply(op, x, y));
      a += left;
      b += right;
      out += 16;
      n -= 4;
    }
    if (n) {
      const x = aStep ? Lane.loadTail(a, n, 1) : v128.load32_splat(a);
      const y = bStep ? Lane.loadTail(b, n, 1) : v128.load32_splat(b);
      Lane.storeTail(out, Binary.apply(op, x, y), n);
    }
  }
}

export function addKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Binary.loop(ADD, n, a, aStep, b, bStep, out);
}
export function subKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Binary.loop(SUB, n, a, aStep, b, bStep, out);
}
export function mulKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Binary.loop(MUL, n, a, aStep, b, bStep, out);
}
export function divKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Binary.loop(DIV, n, a, aStep, b, bStep, out);
}
export function reluBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Binary.loop(RELU_BACKWARD, n, y, 1, dy, 1, dx);
}
export function tanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Binary.loop(TANH_BACKWARD, n, y, 1, dy, 1, dx);
}
export function sigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  Binary.loop(SIGMOID_BACKWARD, n, y, 1, dy, 1, dx);
}
export function equalKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Binary.loop(EQUAL, n, a, aStep, b, bStep, out);
}

/**
 * out = op(a, b) broadcast over `rank` axes: TABLE holds sizes, strides of a, strides of b (8 x i32 each, in elements).
 * The last axis has strides 0 or 1. op: 0 add, 1 sub, 2 mul, 3 div, 7 equal.
 */
export function binaryStrided(op: i32, rank: i32, a: usize, b: usize, out: usize): void {
  const last: usize = TABLE + ((rank - 1) << 2);
  const n = load<i32>(last);
  const aStep = load<i32>(last, 32);
  const bStep = load<i32>(last, 64);
  let rows = 1;
  for (let d = 0; d < rank - 1; d++) rows *= load<i32>(TABLE + (d << 2));
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let x: usize = a;
    let y: usize = b;
    for (let d = rank - 2; d >= 0; d--) {
      const p: usize = TABLE + (d << 2);
      const size = load<i32>(p);
      const i = rest % size;
      rest /= size;
      x += (i * load<i32>(p, 32)) << 2;
      y += (i * load<i32>(p, 64)) << 2;
    }
    if (op == ADD) addKernel(n, x, aStep, y, bStep, out);
    else if (op == SUB) subKernel(n, x, aStep, y, bStep, out);
    else if (op == MUL) mulKernel(n, x, aStep, y, bStep, out);
    else if (op == DIV) divKernel(n, x, aStep, y, bStep, out);
    else equalKernel(n, x, aStep, y, bStep, out);
    out += n << 2;
  }
}

/** out[i] = value. */
export function fill(n: i32, value: f32, out: usize): void {
  const v = f32x4.splat(value);
  const end: usize = out + ((n & ~3) << 2);
  while (out < end) {
    v128.store(out, v);
    out += 16;
  }
  for (let i = 0; i < (n & 3); i++) store<f32>(out + (i << 2), value);
}

/** out[i] = bytes[i] / divisor, exactly rounded. */
export function fromBytes(n: i32, bytes: usize, divisor: f32, out: usize): void {
  const d = f32x4.splat(divisor);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const wide = v128.load8x8_u(bytes + i);
    v128.store(out + (i << 2), f32x4.div(f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(wide)), d));
    v128.store(out + (i << 2), f32x4.div(f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(wide)), d), 16);
  }
  for (; i < n; i++) store<f32>(out + (i << 2), <f32>load<u8>(bytes + i) / divisor);
}

/** out[i] = uniform word i >= threshold ? x[i] * scale : 0, with the words already in `mask`, which keeps 0 or scale. */
export function dropout(n: i32, threshold: u32, scale: f32, mask: usize, x: usize, out: usize): void {
  const t = i32x4.splat(threshold);
  const s = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const keep = v128.and(i32x4.ge_u(v128.load(mask + (i << 2)), t), s);
    v128.store(mask + (i << 2), keep);
    v128.store(out + (i << 2), f32x4.mul(v128.load(x + (i << 2)), keep));
  }
  for (; i < n; i++) {
    const p: usize = mask + (i << 2);
    const keep: f32 = load<u32>(p) >= threshold ? scale : 0;
    store<f32>(p, keep);
    store<f32>(out + (i << 2), load<f32>(x + (i << 2)) * keep);
  }
}
