// Moving elements: one strided copy serves transpose, slice, concatenation, broadcasting and their gradients.
// Elements are 4 bytes, floats or int32, and move as bits: a NaN keeps its own.
import { TABLE } from "./simd";

/**
 * target[i . targetStrides] = source[i . sourceStrides] for every index i of `rank` axes, rank >= 1.
 * TABLE holds sizes, source strides, target strides (8 x i32 each, in elements); the host has merged what lies together, so
 * that the last axis is as long as it can be. Where both strides of it are 1 a row is one memory.copy.
 * source and target must not overlap. Pieces for threads need tables of their own: the sizes are not among the arguments.
 */
export function copyStrided(rank: i32, source: usize, target: usize): void {
  const last: usize = TABLE + ((rank - 1) << 2);
  const n = load<i32>(last);
  const from: usize = load<i32>(last, 32) << 2;
  const to: usize = load<i32>(last, 64) << 2;
  let rows = 1;
  for (let d = 0; d < rank - 1; d++) rows *= load<i32>(TABLE + (d << 2));
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let s = source;
    let t = target;
    for (let d = rank - 2; d >= 0; d--) {
      const p: usize = TABLE + (d << 2);
      const size = load<i32>(p);
      const i = rest % size;
      rest /= size;
      s += (i * load<i32>(p, 32)) << 2;
      t += (i * load<i32>(p, 64)) << 2;
    }
    if (from == 4 && to == 4) {
      memory.copy(t, s, n << 2);
    } else {
      for (let i = 0; i < n; i++) {
        store<i32>(t, load<i32>(s));
        s += from;
        t += to;
      }
    }
  }
}

/**
 * out [columns, rows] = x [rows, columns] turned, by 4 x 4 blocks in registers: 4 loads, 8 shuffles and 4 stores for 16
 * elements, which one by one take 16 of each. Four rows at a time, then the rest of the columns, then the last rows.
 * x and out must not overlap. Cannot be shared out by its sizes: each is the stride of the other side.
 */
export function transpose(rows: i32, columns: i32, x: usize, out: usize): void {
  const xStride: usize = columns << 2;
  const outStride: usize = rows << 2;
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    let p: usize = x + r * xStride;
    let q: usize = out + (r << 2);
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      const a = v128.load(p);
      const b = v128.load(p + xStride);
      const d = v128.load(p + (xStride << 1));
      const e = v128.load(p + xStride * 3);
      // pairs of rows zipped, then pairs of pairs
      const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
      const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
      const de0 = i32x4.shuffle(d, e, 0, 4, 1, 5);
      const de1 = i32x4.shuffle(d, e, 2, 6, 3, 7);
      v128.store(q, i64x2.shuffle(ab0, de0, 0, 2));
      v128.store(q + outStride, i64x2.shuffle(ab0, de0, 1, 3));
      v128.store(q + (outStride << 1), i64x2.shuffle(ab1, de1, 0, 2));
      v128.store(q + outStride * 3, i64x2.shuffle(ab1, de1, 1, 3));
      p += 16;
      q += outStride << 2;
    }
    for (; c < columns; c++) {
      store<i32>(q, load<i32>(p));
      store<i32>(q, load<i32>(p + xStride), 4);
      store<i32>(q, load<i32>(p + (xStride << 1)), 8);
      store<i32>(q, load<i32>(p + xStride * 3), 12);
      p += 4;
      q += outStride;
    }
  }
  for (; r < rows; r++) {
    let p: usize = x + r * xStride;
    let q: usize = out + (r << 2);
    for (let c = 0; c < columns; c++) {
      store<i32>(q, load<i32>(p));
      p += 4;
      q += outStride;
    }
  }
}

/** target [n] = source [n]; they may overlap. */
export function copy(n: i32, source: usize, target: usize): void {
  memory.copy(target, source, n << 2);
}
