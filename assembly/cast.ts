// Between the two kinds of elements, float32 and int32.

/** out [n] (float) = x [n] (int32), rounded to nearest, ties to even: exact up to 2^24. */
export function toFloats(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) store<f32>(out + (i << 2), <f32>load<i32>(x + (i << 2)));
}

/**
 * out [n] (int32) = x [n] (float) without its fraction.
 * Returns -1, or the first position of NaN or of what is outside -2^31..2^31 - 1: the host names it. Saturating there, as the
 * instruction for four does, would turn a mistake into a number; so it goes one by one.
 */
export function toIntegers(n: i32, x: usize, out: usize): i32 {
  for (let i = 0; i < n; i++) {
    const v = load<f32>(x + (i << 2));
    if (!(v >= -2147483648 && v < 2147483648)) return i;
    store<i32>(out + (i << 2), <i32>v);
  }
  return -1;
}
