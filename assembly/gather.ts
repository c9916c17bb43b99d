// Picking by index: rows, elements along an axis, one-hot rows; and the additions that are their gradients.
// Every index is checked before anything moves: a kernel returns -1, or the position of the first one outside 0..size-1.
// Elements of 4 bytes move as bits, floats or integers; additions run strictly in the order of the indices.

class Rows {
  /** target[i] = source[i], two vectors an iteration: rows are too short for the call of memory.copy. */
  @inline static copy(n: i32, source: usize, target: usize): void {
    const end: usize = source + ((n & ~7) << 2);
    while (source < end) {
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
      source += 32;
      target += 32;
    }
    if (n & 4) {
      v128.store(target, v128.load(source));
      source += 16;
      target += 16;
    }
    for (let i = 0; i < (n & 3); i++) store<i32>(target + (i << 2), load<i32>(source + (i << 2)));
  }

  /** target[i] += source[i]. */
  @inline static add(n: i32, source: usize, target: usize): void {
    const end: usize = source + ((n & ~7) << 2);
    while (source < end) {
      v128.store(target, f32x4.add(v128.load(target), v128.load(source)));
      v128.store(target, f32x4.add(v128.load(target, 16), v128.load(source, 16)), 16);
      source += 32;
      target += 32;
    }
    if (n & 4) {
      v128.store(target, f32x4.add(v128.load(target), v128.load(source)));
      source += 16;
      target += 16;
    }
    for (let i = 0; i < (n & 3); i++) {
      const p: usize = target + (i << 2);
      store<f32>(p, load<f32>(p) + load<f32>(source + (i << 2)));
    }
  }
}

/** Position of the first index outside 0..size-1, or -1. */
function firstOutside(count: i32, size: i32, indices: usize): i32 {
  for (let i = 0; i < count; i++) if (<u32>load<i32>(indices + (i << 2)) >= <u32>size) return i;
  return -1;
}

/** out[o, j, :] = x[o, indices[j], :]; x [outer, size, inner], indices [count], out [outer, count, inner]. */
export function gather(outer: i32, size: i32, inner: i32, count: i32, x: usize, indices: usize, out: usize): i32 {
  const bad = firstOutside(count, size, indices);
  if (bad >= 0) return bad;
  const stride: usize = inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      Rows.copy(inner, x + load<i32>(indices + (j << 2)) * stride, out);
      out += stride;
    }
    x += size * stride;
  }
  return -1;
}

/** out[o, indices[j], :] += x[o, j, :]; x [outer, count, inner], indices [count], out [outer, size, inner]. */
export function scatterAdd(outer: i32, size: i32, inner: i32, count: i32, x: usize, indices: usize, out: usize): i32 {
  const bad = firstOutside(count, size, indices);
  if (bad >= 0) return bad;
  const stride: usize = inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      Rows.add(inner, x, out + load<i32>(indices + (j << 2)) * stride);
      x += stride;
    }
    out += size * stride;
  }
  return -1;
}

/** out[o, j, i] = x[o, indices[o, j, i], i]; x [outer, size, inner], indices and out [outer, count, inner]. */
export function takeAlong(outer: i32, size: i32, inner: i32, count: i32, x: usize, indices: usize, out: usize): i32 {
  const bad = firstOutside(outer * count * inner, size, indices);
  if (bad >= 0) return bad;
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++)
      for (let i = 0; i < inner; i++) {
        store<i32>(out, load<i32>(x + ((load<i32>(indices) * inner + i) << 2)));
        indices += 4;
        out += 4;
      }
    x += (size * inner) << 2;
  }
  return -1;
}

/** dx[o, indices[o, j, i], i] += dy[o, j, i], for indices that takeAlong has checked. */
export function takeAlongBackward(
  outer: i32,
  size: i32,
  inner: i32,
  count: i32,
  dy: usize,
  indices: usize,
  dx: usize,
): void {
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++)
      for (let i = 0; i < inner; i++) {
        const p: usize = dx + ((load<i32>(indices) * inner + i) << 2);
        store<f32>(p, load<f32>(p) + load<f32>(dy));
        indices += 4;
        dy += 4;
      }
    dx += (size * inner) << 2;
  }
}

/** out[j, :] = 0 but 1 at indices[j]; out [count, classes]. */
export function oneHot(count: i32, classes: i32, indices: usize, out: usize): i32 {
  const bad = firstOutside(count, classes, indices);
  if (bad >= 0) return bad;
  memory.fill(out, 0, (count * classes) << 2);
  for (let j = 0; j < count; j++) {
    store<f32>(out + (load<i32>(indices + (j << 2)) << 2), 1);
    out += classes << 2;
  }
  return -1;
}
