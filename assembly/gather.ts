// Picking by index: rows, elements along an axis, one-hot rows; and the additions that are their gradients.
// Every index is checked before anything moves: a kernel returns -1, or the position of the first one outside 0..size-1.
// Elements of 4 bytes move as bits, floats or integers; additions run strictly in the order of the indices.
import { Rows } from "./simd";

/** Position of the first of indices [count] outside 0..size-1, or -1. Compared without sign: negative ones are huge. */
function firstOutside(count: i32, size: i32, indices: usize): i32 {
  for (let i = 0; i < count; i++) if (<u32>load<i32>(indices + (i << 2)) >= <u32>size) return i;
  return -1;
}

/** The loop of `gather` and `scatterAdd`, which are each other's gradient. */
class Along {
  /** Row indices[j] of every o: copied from x, or with `add` added to out; the other side goes on row by row. */
  @inline static rows(
    add: bool,
    outer: i32,
    size: i32,
    inner: i32,
    count: i32,
    x: usize,
    indices: usize,
    out: usize,
  ): i32 {
    const bad = firstOutside(count, size, indices);
    if (bad >= 0) return bad;
    const stride: usize = inner << 2;
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < count; j++) {
        const at: usize = load<i32>(indices + (j << 2)) * stride;
        if (add) {
          Rows.add(inner, x, out + at);
          x += stride;
        } else {
          Rows.copy(inner, x + at, out);
          out += stride;
        }
      }
      if (add) out += size * stride;
      else x += size * stride;
    }
    return -1;
  }
}

/**
 * out[o, j, :] = x[o, indices[j], :]; x [outer, size, inner], indices [count] (int32), out [outer, count, inner].
 * Returns -1, or the position of the first index outside: then nothing is written. Rows of out are independent: a parallel-for
 * takes stretches of the indices (with outer = 1), or of outer.
 */
export function gather(outer: i32, size: i32, inner: i32, count: i32, x: usize, indices: usize, out: usize): i32 {
  return Along.rows(false, outer, size, inner, count, x, indices, out);
}

/**
 * out[o, indices[j], :] += x[o, j, :]; x [outer, count, inner], indices [count] (int32), out [outer, size, inner].
 * Returns as gather. Equal indices add in their order, so the indices cannot be shared out; outer can.
 * out is not cleared first.
 */
export function scatterAdd(outer: i32, size: i32, inner: i32, count: i32, x: usize, indices: usize, out: usize): i32 {
  return Along.rows(true, outer, size, inner, count, x, indices, out);
}

/**
 * out[o, j, i] = x[o, indices[o, j, i], i]; x [outer, size, inner], indices (int32) and out [outer, count, inner].
 * Returns as gather.
 */
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

/**
 * dx[o, indices[o, j, i], i] += dy[o, j, i], for indices that takeAlong has checked; shapes as there, dx as x. dx is not
 * cleared first.
 */
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

/** out[j, :] = 0 but 1 at indices[j]; indices [count] (int32), out [count, classes]. Returns as gather. */
export function oneHot(count: i32, classes: i32, indices: usize, out: usize): i32 {
  const bad = firstOutside(count, classes, indices);
  if (bad >= 0) return bad;
  memory.fill(out, 0, (count * classes) << 2); // bytes of 0 are floats of 0
  for (let j = 0; j < count; j++) {
    store<f32>(out + (load<i32>(indices + (j << 2)) << 2), 1);
    out += classes << 2;
  }
  return -1;
}
