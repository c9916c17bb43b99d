// Elementwise kernels that are neither one function of one value nor of two: filling, bytes to floats, dropout.

/** out [n] = value. A loop and not memory.fill, which repeats a byte. */
export function fill(n: i32, value: f32, out: usize): void {
  const v = f32x4.splat(value);
  const end: usize = out + ((n & ~3) << 2);
  while (out < end) {
    v128.store(out, v);
    out += 16;
  }
  for (let i = 0; i < (n & 3); i++) store<f32>(out + (i << 2), value);
}

/**
 * out [n] (float) = bytes [n] (u8) / divisor, exactly rounded: products with 1 / 255 would be off for 126 of the 256 bytes.
 * Images travel and wait as bytes, a quarter of the size, and become floats only in the scope that reads them.
 */
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

/**
 * out [n] = x [n] scale where a random word is >= threshold, else 0.
 * mask [n]: the words (u32) from `fillWords`; left in it is what x was multiplied by, 0 or scale, which is the gradient.
 * threshold: the rate times 2^32, so that a word is below it with that probability; scale: 1 / (1 - rate).
 */
export function dropout(n: i32, x: usize, threshold: u32, scale: f32, mask: usize, out: usize): void {
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
