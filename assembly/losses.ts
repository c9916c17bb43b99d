// Losses of single values, in forms that neither overflow nor cancel, and the masks that leave some out.
import { Elementary } from "./math";
import { Lane } from "./simd";

class Loss {
  /** (max(x, 0) - x t) + log(1 + e), e = exp(-|x|); log(1 + e) as log(u) + (e - (u - 1)) / u with u = 1 + e rounded. */
  @inline static sigmoid(x: v128, t: v128): v128 {
    const one = f32x4.splat(1);
    const e = Elementary.expNegative(f32x4.neg(f32x4.abs(x)));
    const u = f32x4.add(one, e);
    const log = f32x4.add(Elementary.log(u), f32x4.div(f32x4.sub(e, f32x4.sub(u, one)), u));
    return f32x4.add(f32x4.sub(f32x4.pmax(x, i32x4.splat(0)), f32x4.mul(x, t)), log);
  }
}

/**
 * out [n] = -t log s - (1 - t) log(1 - s), s = sigmoid(x): the cross-entropy of logits x [n] with probabilities t [n].
 * Computed as max(x, 0) - x t + log(1 + e^-|x|): s itself would round to 1 from x = 17 on, and its logarithm be lost.
 * The gradient is (s - t) dy, by three elementwise kernels.
 */
export function sigmoidCrossEntropy(n: i32, x: usize, t: usize, out: usize): void {
  for (; n >= 4; n -= 4) {
    v128.store(out, Loss.sigmoid(v128.load(x), v128.load(t)));
    x += 16;
    t += 16;
    out += 16;
  }
  if (n) Lane.storeTail(out, Loss.sigmoid(Lane.loadTail(x, n, 0), Lane.loadTail(t, n, 0)), n);
}

/** out [n] = x [n] where mask [n] is not 0, else 0, even where x is NaN: a product with the mask would pass it on. */
export function keep(n: i32, mask: usize, x: usize, out: usize): void {
  const zero = i32x4.splat(0);
  for (; n >= 4; n -= 4) {
    v128.store(out, v128.and(v128.load(x), f32x4.ne(v128.load(mask), zero)));
    mask += 16;
    x += 16;
    out += 16;
  }
  for (let i = 0; i < n; i++) store<f32>(out + (i << 2), load<f32>(mask + (i << 2)) != 0 ? load<f32>(x + (i << 2)) : 0);
}
