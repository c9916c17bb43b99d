// Sweeps of tiles over all of a product, whose description stands in Product: B where it lies, or B packed in panels.
// Edges: the last tile overlaps its neighbour and stores only its own lanes; no padding, no scalar tail from n = 4 on.
// The lanes that overlap are summed in the same order of k, so they have the same bits.
import { Product } from "./product";
import { Tiles } from "./tiles";

/** Fewer than 4 columns: a row of C is the first n lanes of a vector (adding in scalars, column by column, took 3 times as long). */
class Narrow {
  @inline static load(n: i32, p: usize): v128 {
    if (n == 1) return v128.load32_zero(p);
    return n == 2 ? v128.load64_zero(p) : v128.load32_lane(p, v128.load64_zero(p), 2, 8);
  }

  @inline static store(n: i32, p: usize, v: v128): void {
    if (n == 1) v128.store32_lane(p, v, 0);
    else v128.store64_lane(p, v, 0);
    if (n == 3) v128.store32_lane(p, v, 2, 8);
  }

  @inline static rows(n: i32, m: i32, a: usize, b: usize, start: usize, c: usize): void {
    const k = Product.k;
    const bStep = Product.bStep;
    const aRow: usize = Product.byRows ? Product.aStep : 4;
    const aNext: usize = Product.byRows ? 4 : Product.aStep;
    for (; m > 0; m--) {
      let sum = start ? Narrow.load(n, start) : i32x4.splat(0);
      let q = b;
      let segment = a;
      for (let left = Product.segments; left > 0; left--) {
        let p = segment;
        for (let l = k; l > 0; l--) {
          sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(p), Narrow.load(n, q)));
          p += aNext;
          q += bStep;
        }
        segment += Product.pitch;
      }
      Narrow.store(n, c, Tiles.finish(sum));
      a += aRow;
      c += Product.cStep;
      if (start) start += Product.startStep;
    }
  }
}

/** All of C [m, n], B read where it lies: strips of 4 rows, in each tiles of 8 columns; a row alone in tiles of 24. */
export function sweep(m: i32, a: usize, b: usize, start: usize, c: usize): void {
  const n = Product.n;
  if (n < 4) {
    if (n == 3) Narrow.rows(3, m, a, b, start, c);
    else if (n == 2) Narrow.rows(2, m, a, b, start, c);
    else if (n == 1) Narrow.rows(1, m, a, b, start, c);
    return;
  }
  const byRows = Product.byRows;
  const aRow: usize = byRows ? Product.aStep : 4;
  let i = 0;
  while (i < m) {
    const rows = min(4, m - i);
    let j = 0;
    if (rows == 1) {
      for (; j + 24 <= n; j += 24) {
        const at: usize = j << 2;
        Tiles.wide(byRows, a, b + at, start ? start + at : 0, c + at);
      }
    }
    while (j < n) {
      const left = n - j;
      const columns = left > 4 && n >= 8 ? 8 : 4;
      const skip = max(0, columns - left);
      const at: usize = (j - skip) << 2;
      Tiles.run(rows, columns, byRows, a, b + at, start ? start + at : 0, skip, c + at);
      j += columns - skip;
    }
    a += rows * aRow;
    c += rows * Product.cStep;
    if (start) start += rows * Product.startStep;
    i += rows;
  }
}

/**
 * C over `span` columns with B in panels of 8 of them, the last overlapping (see pack.ts); A by rows. The first `own` columns
 * are a neighbour's and not stored. Needs span >= 8, own < 8; bStep is 32.
 */
export function sweepPanels(m: i32, span: i32, a: usize, panels: usize, start: usize, own: i32, c: usize): void {
  const bytes: usize = Product.k << 5; // of a panel
  for (let i = 0; i < m; i += 4) {
    const rows = min(4, m - i);
    let b = panels;
    for (let j = 0; j < span; j += 8) {
      const first = min(j, span - 8);
      const skip = max(j, own) - first;
      const half = skip >= 4; // of the panel's 8 columns only the upper 4 are left to do
      const shift: usize = half ? 16 : 0;
      const at: usize = (first << 2) + shift;
      Tiles.run(rows, half ? 4 : 8, true, a, b + shift, start ? start + at : 0, skip & 3, c + at);
      b += bytes;
    }
    a += rows * Product.aStep;
    c += rows * Product.cStep;
    if (start) start += rows * Product.startStep;
  }
}
