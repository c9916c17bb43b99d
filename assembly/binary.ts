// Kernels of two inputs that broadcast: out[i] = f(a[i], b[i]). A step is 1, or 0 for the one value that meets all others.
// `out` may be either input. Axes in the middle that broadcast are walked by `binaryStrided`, a run of the last axis at a time.
// add, sub, mul and div get a fast loop of their own, the others share a small one: they are a choice of `binary` only.
import { Each } from "./each";
import { pow } from "./math";
import { TABLE } from "./simd";

class Add {
  @inline of(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}
/** out = a + b. */
export function addKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Each.two<Add>(n, a, aStep, b, bStep, out);
}

class Sub {
  @inline of(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}
/** out = a - b. */
export function subKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Each.two<Sub>(n, a, aStep, b, bStep, out);
}

class Mul {
  @inline of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}
/** out = a b. */
export function mulKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Each.two<Mul>(n, a, aStep, b, bStep, out);
}

class Div {
  @inline of(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}
/** out = a / b. */
export function divKernel(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
  Each.two<Div>(n, a, aStep, b, bStep, out);
}

/** The larger; NaN where either is NaN. */
class Maximum {
  @inline of(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}

/** The smaller; NaN where either is NaN. */
class Minimum {
  @inline of(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}

/** The slope of maximum by a: 0 where a < b, 1/2 where they are equal, else 1; NaN where either is NaN. */
class Share {
  @inline of(a: v128, b: v128): v128 {
    const most = v128.andnot(f32x4.splat(1), f32x4.lt(a, b));
    const known = v128.bitselect(f32x4.splat(0.5), most, f32x4.eq(a, b));
    return v128.or(known, v128.or(f32x4.ne(a, a), f32x4.ne(b, b)));
  }
}

/** The loops of what is rarer: one vector at a time, one copy of the code. */
class Run {
  /** out = of(a, b), four at a time. */
  @inline static small<T>(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
    while (n > 0) {
      Each.put(n, out, changetype<T>(0).of(Each.next(n, a, aStep), Each.next(n, b, bStep)));
      a += aStep << 4;
      b += bStep << 4;
      out += 16;
      n -= 4;
    }
  }

  /** out = of(a, b), one value at a time in double, rounded once: powers, of which musl's port knows a scalar only. */
  @inline static doubles<T>(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, out: usize): void {
    for (; n > 0; n--) {
      store<f32>(out, <f32>changetype<T>(0).of(load<f32>(a), load<f32>(b)));
      a += aStep << 2;
      b += bStep << 2;
      out += 4;
    }
  }
}

/** a^b as C has it: 1^b and (-1)^(±infinity) are 1, where JavaScript says NaN. */
class Power {
  @inline of(a: f64, b: f64): f64 {
    return a == 1 || (a == -1 && abs<f64>(b) == Infinity) ? 1 : pow(a, b);
  }
}

/** The slope of a^b by a: b a^(b - 1), 0 where b is 0. */
class PowerByBase {
  @inline of(a: f64, b: f64): f64 {
    return b == 0 ? 0 : b * pow(a, b - 1);
  }
}

/** The slope of y = a^b by b, from y and a: y log(a), 0 where a is 0 and y is not infinite. */
class PowerByExponent {
  @inline of(y: f64, a: f64): f64 {
    return a == 0 && abs<f64>(y) <= 1 ? 0 : y * NativeMath.log(a);
  }
}

class Weigh {
  @inline of(w: v128, dy: v128, _p: v128, _q: v128): v128 {
    return v128.and(f32x4.mul(w, dy), f32x4.ne(w, i32x4.splat(0)));
  }
}
/** out [n] = w [n] dy [n], but 0 where w is 0, whatever dy is: what a slope of 0 leaves out stays out, at NaN and infinity too. */
export function weigh(n: i32, w: usize, dy: usize, out: usize): void {
  Each.pair<Weigh>(n, w, dy, 0, 0, out);
}

/**
 * out [n] = a where the condition is not 0, else b. An address a or b of 0 stands for zeros: the gradients by a and by b.
 * condition: floats (shift 1, which drops the sign, so that -0 is 0 as well) or int32 (shift 0). Elements move as bits, so
 * a and b may be floats or int32. Steps as above.
 */
export function select(
  n: i32,
  condition: usize,
  cStep: i32,
  a: usize,
  aStep: i32,
  b: usize,
  bStep: i32,
  shift: i32,
  out: usize,
): void {
  const zero = i32x4.splat(0);
  while (n > 0) {
    const c = i32x4.ne(i32x4.shl(Each.next(n, condition, cStep), shift), zero);
    const x = a ? Each.next(n, a, aStep) : zero;
    const y = b ? Each.next(n, b, bStep) : zero;
    Each.put(n, out, v128.bitselect(x, y, c));
    condition += cStep << 4;
    a += aStep << 4;
    b += bStep << 4;
    out += 16;
    n -= 4;
  }
}

/**
 * out = 1 where a and b compare so, else 0. The low bits of `op`: 0 equal, 1 notEqual, 2 less, 3 lessEqual; 4: a is int32,
 * 8: b is int32. Two int32 compare as such; one beside a float is rounded to a float. A NaN equals nothing and is not less.
 */
function compare(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, op: i32, out: usize): void {
  const whole = (op & 12) == 12;
  const one = f32x4.splat(1);
  while (n > 0) {
    let x = Each.next(n, a, aStep);
    let y = Each.next(n, b, bStep);
    let r: v128;
    if (!whole) {
      if (op & 4) x = f32x4.convert_i32x4_s(x);
      if (op & 8) y = f32x4.convert_i32x4_s(y);
    }
    if (op & 2) {
      if (whole) r = op & 1 ? i32x4.le_s(x, y) : i32x4.lt_s(x, y);
      else r = op & 1 ? f32x4.le(x, y) : f32x4.lt(x, y);
    } else {
      r = whole ? i32x4.eq(x, y) : f32x4.eq(x, y);
      if (op & 1) r = v128.not(r);
    }
    Each.put(n, out, v128.and(r, one));
    a += aStep << 4;
    b += bStep << 4;
    out += 16;
    n -= 4;
  }
}

/**
 * out [n] = op(a, b), where op is a code of src/ops/elementwise/broadcast.ts:
 * 0 add, 1 sub, 2 mul, 3 div, 4 maximum, 5 minimum, 6 share (the slope of maximum by a), 7 pow, 8 pow's slope by the base (from a
 * and b), 9 by the exponent (from y and a), 16.. compare. One export, since a broadcast op chooses by number.
 */
export function binary(n: i32, a: usize, aStep: i32, b: usize, bStep: i32, op: i32, out: usize): void {
  if (op == 0) addKernel(n, a, aStep, b, bStep, out);
  else if (op == 1) subKernel(n, a, aStep, b, bStep, out);
  else if (op == 2) mulKernel(n, a, aStep, b, bStep, out);
  else if (op == 3) divKernel(n, a, aStep, b, bStep, out);
  else if (op == 4) Run.small<Maximum>(n, a, aStep, b, bStep, out);
  else if (op == 5) Run.small<Minimum>(n, a, aStep, b, bStep, out);
  else if (op == 6) Run.small<Share>(n, a, aStep, b, bStep, out);
  else if (op == 7) Run.doubles<Power>(n, a, aStep, b, bStep, out);
  else if (op == 8) Run.doubles<PowerByBase>(n, a, aStep, b, bStep, out);
  else if (op == 9) Run.doubles<PowerByExponent>(n, a, aStep, b, bStep, out);
  else compare(n, a, aStep, b, bStep, op, out);
}

/**
 * out = op(a, b) broadcast over `rank` axes, out row-major; op as in `binary`.
 * TABLE holds sizes, strides of a, strides of b (8 x i32 each, in elements; 0 along an axis that is stretched); the host has
 * merged neighbouring axes that both sides walk alike. Needs rank >= 1, and strides of 0 or 1 along the last axis.
 * A run of the last axis at a time; where a run begins follows from its number by division, axis by axis.
 */
export function binaryStrided(rank: i32, a: usize, b: usize, op: i32, out: usize): void {
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
    binary(n, x, aStep, y, bStep, op, out);
    out += n << 2;
  }
}
