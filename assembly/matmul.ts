// Matrix products: C [m, n] = A B, A' B or A B', optionally starting from a bias row and ending in a ReLU or a flush.
// Every element of C is summed strictly in the order of k, so tiles, edges and blocks never change a bit.

import { transpose } from "./layout";
import { Tile } from "./tile";

const BLOCK_K: i32 = 256; // rows of a packed block of B
const BLOCK_N: i32 = 256; // columns of one: 256 x 256 floats stay in the second-level cache
const L1_FLOATS: i32 = 6600; // of B that one sweep over rows of A should touch

/** A by rows, B [k, n] read in place; k is cut so that the part of B in use stays in the first-level cache. */
function rowsDirect(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  start: usize,
  startStep: usize,
  finish: i32,
  c: usize,
  cStep: usize,
): void {
  let block = k;
  if (m > 8 && n * k > L1_FLOATS) block = max(64, (L1_FLOATS / max(n, 1)) & ~3);
  let at = 0;
  do {
    const size = min(block, k - at);
    const last = at + size >= k;
    Tile.sweep(
      true,
      m,
      n,
      1,
      0,
      size,
      a + (at << 2),
      aStep,
      b + at * bStep,
      bStep,
      at ? c : start,
      at ? cStep : startStep,
      last ? finish : 0,
      c,
      cStep,
    );
    at += size;
  } while (at < k);
}

function columnsDirect(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  start: usize,
  startStep: usize,
  finish: i32,
  c: usize,
  cStep: usize,
): void {
  Tile.sweep(false, m, n, 1, 0, k, a, aStep, b, bStep, start, startStep, finish, c, cStep);
}

class Pack {
  /** Panels of 8 columns (the last of 4 or less overlaps, as the tiles do): [panel][size][8] from B [.., n]. */
  static panels(size: i32, n: i32, b: usize, bStep: usize, out: usize): void {
    for (let j = 0; j < n; j += 8) {
      const at: usize = min(j, n - 8) << 2;
      let p: usize = b + at;
      for (let l = 0; l < size; l++) {
        v128.store(out, v128.load(p));
        v128.store(out, v128.load(p, 16), 16);
        p += bStep;
        out += 32;
      }
    }
  }
}

/** Large products: B packed by blocks into `scratch`; A by rows. Needs n >= 8. */
function rowsPacked(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  start: usize,
  startStep: usize,
  finish: i32,
  scratch: usize,
  c: usize,
  cStep: usize,
): void {
  for (let column = 0; column < n; column += BLOCK_N) {
    // a last block of fewer than 8 columns joins the one before, shifted left
    const width = min(BLOCK_N, n - column);
    const first = width < 8 ? n - 8 : column;
    const own = column - first;
    const span = width + own;
    for (let at = 0; at < k; at += BLOCK_K) {
      const size = min(BLOCK_K, k - at);
      const last = at + size >= k;
      Pack.panels(size, span, b + at * bStep + (first << 2), bStep, scratch);
      const from: usize = at ? c : start;
      const fromStep: usize = at ? cStep : startStep;
      for (let i = 0; i < m; i += 4) {
        const rows = min(4, m - i);
        const p: usize = a + i * aStep + (at << 2);
        let panel: usize = scratch;
        for (let j = 0; j < span; j += 8) {
          const begin = min(j, span - 8);
          let skip = max(j - begin, own - begin);
          const target: usize = (first + begin) << 2;
          let columns = 8;
          let offset: usize = 0;
          if (skip >= 4) {
            columns = 4;
            offset = 16;
            skip -= 4;
          }
          Tile.run(
            rows,
            columns,
            true,
            1,
            0,
            size,
            p,
            aStep,
            panel + offset,
            32,
            from ? from + i * fromStep + target + offset : 0,
            fromStep,
            skip,
            last ? finish : 0,
            c + i * cStep + target + offset,
            cStep,
          );
          panel += size << 5;
        }
      }
    }
  }
}

/**
 * B [k, n] by panels for `matmulPacked`: blocks of 256 rows, in each the panels of 8 columns, [panel][row][8]; the last panel
 * overlaps. n >= 8; out: k 8 ceil(n / 8) floats. Worth it where one B meets many A: packing costs as much as 4 rows of A.
 */
export function packPanels(n: i32, k: i32, b: usize, out: usize): void {
  const step: usize = ((n + 7) & ~7) << 2;
  for (let at = 0; at < k; at += BLOCK_K) {
    Pack.panels(min(BLOCK_K, k - at), n, b + at * (n << 2), n << 2, out + at * step);
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
  const aStep: usize = k << 2;
  const cStep: usize = n << 2;
  for (let at = 0; at < k; at += BLOCK_K) {
    const size = min(BLOCK_K, k - at);
    const ending = at + size >= k ? finish : 0;
    const from: usize = at ? c : start;
    const fromStep: usize = at ? cStep : startStep << 2;
    for (let i = 0; i < m; i += 4) {
      const rows = min(4, m - i);
      const p: usize = a + i * aStep + (at << 2);
      const source: usize = from ? from + i * fromStep : 0;
      const target: usize = c + i * cStep;
      let panel: usize = packed;
      for (let j = 0; j < n; j += 8) {
        const skip = max(0, j + 8 - n);
        const half = skip >= 4;
        const shift: usize = (half ? j - skip + 4 : j - skip) << 2;
        const columns = half ? 4 : 8;
        const q: usize = half ? panel + 16 : panel;
        Tile.run(
          rows,
          columns,
          true,
          1,
          0,
          size,
          p,
          aStep,
          q,
          32,
          source ? source + shift : 0,
          fromStep,
          skip & 3,
          ending,
          target + shift,
          cStep,
        );
        panel += size << 5;
      }
    }
    packed += size * (((n + 7) & ~7) << 2);
  }
}

/** C [m, n] = 0 + a b' for vectors a [m], b [n]: weight gradients at batch 1, where a tile's call costs more than its work. */
function outer(m: i32, n: i32, a: usize, b: usize, c: usize): void {
  const zero = i32x4.splat(0);
  const whole: usize = b + ((n & ~7) << 2);
  const end: usize = b + (n << 2);
  for (let i = 0; i < m; i++) {
    const s = v128.load32_splat(a + (i << 2));
    let q = b;
    while (q < whole) {
      v128.store(c, f32x4.add(zero, f32x4.mul(s, v128.load(q))));
      v128.store(c, f32x4.add(zero, f32x4.mul(s, v128.load(q, 16))), 16);
      q += 32;
      c += 32;
    }
    while (q < end) {
      store<f32>(c, <f32>0 + f32x4.extract_lane(s, 0) * load<f32>(q));
      q += 4;
      c += 4;
    }
  }
}

/**
 * C [m, n] = op(A) op(B) + start; form 0: A B, 1: A' B (A is [k, m]), 2: A B' (B is [n, k]), 3: A' B'.
 * start: 0, or the address of rows the sums start from, startStep floats apart (0 repeats one row: a bias).
 * finish: 0 stores the sum, 1 max(0, sum), 2 zero where |sum| < 2^-100. scratch: BLOCK_K BLOCK_N floats, then room for op(A) and op(B) where they are transposed.
 */
export function matmul(
  form: i32,
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  b: usize,
  start: usize,
  startStep: i32,
  finish: i32,
  scratch: usize,
  c: usize,
): void {
  const cStep: usize = n << 2;
  const sStep: usize = startStep << 2;
  if (k == 0) {
    Tile.narrow(m, n, 1, 0, 0, a, 0, 0, b, 0, start, sStep, finish, c, cStep);
    return;
  }
  if (k == 1 && !start && finish == 0) {
    outer(m, n, a, b, c);
    return;
  }
  const large = n >= 96 && k >= 64 && m >= 16;
  let room: usize = scratch + ((BLOCK_K * BLOCK_N) << 2);
  if (form & 2) {
    transpose(n, k, b, room);
    b = room;
    room += (n * k) << 2;
  }
  if (form & 1) {
    if (large && m >= 96) {
      transpose(k, m, a, room);
      rowsPacked(m, n, k, room, k << 2, b, n << 2, start, sStep, finish, scratch, c, cStep);
    } else columnsDirect(m, n, k, a, m << 2, b, n << 2, start, sStep, finish, c, cStep);
  } else if (large) rowsPacked(m, n, k, a, k << 2, b, n << 2, start, sStep, finish, scratch, c, cStep);
  else rowsDirect(m, n, k, a, k << 2, b, n << 2, start, sStep, finish, c, cStep);
}

/** Floats of scratch that `matmul` needs for these sizes. */
export function matmulScratch(form: i32, m: i32, n: i32, k: i32): i32 {
  const large = n >= 96 && k >= 64 && m >= 16;
  let floats = large ? BLOCK_K * BLOCK_N : 0;
  if (form & 3) floats = BLOCK_K * BLOCK_N;
  if (form & 2) floats += n * k;
  if (form & 1 && large && m >= 96) floats += m * k;
  return floats;
}
