// B of a product by panels: what a tile of 8 columns reads next lies next, whatever the width of B, so that no two rows of it
// share a set of the cache. A product over packed panels has the bits of any other.
// Only B is packed: rows of A have pointers of their own, which share one offset, and need no copy.
import { Product } from "./product";
import { sweepPanels } from "./sweep";

/** Rows of a packed block of B: 256 x 256 floats stay in the second-level cache. */
export const BLOCK_K: i32 = 256;

/** out [ceil(n / 8), k, 8] = the panels of 8 columns of b [k, n], whose rows lie bStep bytes apart; the last overlaps. n >= 8. */
export function pack(n: i32, k: i32, b: usize, bStep: usize, out: usize): void {
  for (let j = 0; j < n; j += 8) {
    let p: usize = b + (min(j, n - 8) << 2);
    for (let l = 0; l < k; l++) {
      v128.store(out, v128.load(p));
      v128.store(out, v128.load(p, 16), 16);
      p += bStep;
      out += 32;
    }
  }
}

/**
 * B [k, n] by panels for `matmulPacked`: blocks of 256 rows, in each the panels of 8 columns, [panel][row][8]; the last panel
 * overlaps. n >= 8; out: k 8 ceil(n / 8) floats. Worth it where one B meets many A: packing costs as much as 4 rows of A.
 */
export function packPanels(n: i32, k: i32, b: usize, out: usize): void {
  const width: usize = (n + 7) & ~7;
  for (let at = 0; at < k; at += BLOCK_K) {
    pack(n, min(BLOCK_K, k - at), b + at * (n << 2), n << 2, out + at * (width << 2));
  }
}

/**
 * C [m, n] = A [m, k] B + start with B from `packPanels`; start, startStep and finish as in `matmul`, and the same bits.
 * C may be start itself.
 */
export function matmulPacked(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  packed: usize,
  start: usize,
  startStep: i32,
  finish: i32,
  c: usize,
): void {
  Product.plain(true, n, k, k << 2);
  Product.bStep = 32;
  const width: usize = (n + 7) & ~7;
  for (let at = 0; at < k; at += BLOCK_K) {
    const size = min(BLOCK_K, k - at);
    Product.part(size, at == 0, at + size >= k, startStep << 2, finish);
    sweepPanels(m, n, a + (at << 2), packed, at ? c : start, 0, c);
    packed += size * (width << 2);
  }
}
