// Sweeps of tiles over all of a product, whose description stands in Product: B where it lies, or B packed in panels.
// A tile is 4 x 8 of C: 8 accumulators, 2 vectors of B, 4 splats of A and one for their product are the 15 registers that Node
// 20 leaves; with one more row it spills (5 x 8: 29 GFLOP/s against 43).
// Edges: the last tile overlaps its neighbour and stores only its own lanes; no padding (which costs 12 % at 50 columns, the
// overlap 4), no scalar tail. The lanes that overlap are summed in the same order of k, so they have the same bits.
// Rows outside, columns inside: 4 rows of A stay in the first-level cache while B passes by.
import { Product } from "./product";
import { Tiles } from "./tiles";

/**
 * Fewer than 4 columns: a row of C is the first n lanes of a vector, and as many chains of additions run at once. In scalars,
 * column by column, 100 x 3 over k = 50 took 10.1 us, so it takes 4.1 (Node 20).
 */
class Narrow {
  /** n floats, a literal 1..3; the other lanes are 0. */
  @inline static load(n: i32, p: usize): v128 {
    if (n == 1) return v128.load32_zero(p);
    return n == 2 ? v128.load64_zero(p) : v128.load32_lane(p, v128.load64_zero(p), 2, 8);
  }

  /** The first n lanes. */
  @inline static store(n: i32, p: usize, v: v128): void {
    if (n == 1) v128.store32_lane(p, v, 0);
    else v128.store64_lane(p, v, 0);
    if (n == 3) v128.store32_lane(p, v, 2, 8);
  }

  /** c [m, n] = start + sum over segments and k of a b, a row at a time. */
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

/**
 * All of C [m, n], B read where it lies: strips of 4 rows, in each tiles of 8 columns; a row alone in tiles of 24, which load
 * each splat of A once for six vectors. start 0: none. Also right for k = 0, n = 0 and m = 0.
 */
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
      const skip = max(0, columns - left); // lanes that the tile before has stored
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
 * A strip of A meets all panels before the next strip: the block of panels stays in the second-level cache.
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
