// Matrix products: C [m, n] = A B, A' B or A B', optionally starting from a bias row and ending in a ReLU or a flush.
// Every element of C is summed strictly in the order of k, so tiles, edges and blocks never change a bit.
import { transpose } from "../layout";
import { BLOCK_K, pack } from "./pack";
import { Product } from "./product";
import { sweep, sweepPanels } from "./sweep";

const BLOCK_N: i32 = 256; // columns of a packed block of B
const L1_FLOATS: i32 = 6600; // of B that one sweep over rows of A should touch

/** B read in place, k cut so that the part of B in use stays in the first-level cache. */
function inParts(m: i32, size: i32, a: usize, b: usize, start: usize, c: usize): void {
  const k = Product.k;
  const startStep = Product.startStep;
  const finish = Product.finish;
  for (let at = 0; at < k; at += size) {
    Product.part(min(size, k - at), at == 0, at + size >= k, startStep, finish);
    sweep(m, a + (at << 2), b + at * Product.bStep, at ? c : start, c);
  }
}

/** Large products: B [k, n] packed by blocks into `scratch`. Needs n >= 8. */
function packed(m: i32, a: usize, b: usize, start: usize, scratch: usize, c: usize): void {
  const n = Product.n;
  const k = Product.k;
  const step: usize = n << 2;
  const startStep = Product.startStep;
  const finish = Product.finish;
  Product.bStep = 32;
  for (let column = 0; column < n; column += BLOCK_N) {
    // a last block of fewer than 8 columns joins the one before, shifted left
    const width = min(BLOCK_N, n - column);
    const first = width < 8 ? n - 8 : column;
    const own = column - first;
    const shift: usize = first << 2;
    for (let at = 0; at < k; at += BLOCK_K) {
      const size = min(BLOCK_K, k - at);
      pack(width + own, size, b + at * step + shift, step, scratch);
      Product.part(size, at == 0, at + size >= k, startStep, finish);
      const from: usize = at ? c : start;
      sweepPanels(m, width + own, a + (at << 2), scratch, from ? from + shift : 0, own, c + shift);
    }
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

/** Whether packing B pays: enough columns and rows to use each panel again. */
function isLarge(m: i32, n: i32, k: i32): bool {
  return n >= 96 && k >= 64 && m >= 16;
}

/**
 * C [m, n] = op(A) op(B) + start; form 0: A B, 1: A' B (A is [k, m]), 2: A B' (B is [n, k]), 3: A' B'.
 * start: 0, or the address of rows the sums start from, startStep floats apart (0 repeats one row: a bias).
 * finish: 0 stores the sum, 1 max(0, sum), 2 zero where |sum| < 2^-100.
 * scratch: `matmulScratch` floats: a packed block of B, then op(B) and op(A) where they are transposed.
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
  if (k == 1 && !start && finish == 0) {
    outer(m, n, a, b, c);
    return;
  }
  Product.plain(true, n, k, k << 2);
  Product.startStep = startStep << 2;
  Product.finish = finish;
  const large = isLarge(m, n, k);
  let room: usize = scratch + ((BLOCK_K * BLOCK_N) << 2);
  if (form & 2) {
    transpose(n, k, b, room);
    b = room;
    room += (n * k) << 2;
  }
  if (form & 1) {
    if (large && m >= 96) {
      transpose(k, m, a, room);
      a = room;
    } else {
      Product.byRows = false;
      Product.aStep = m << 2;
    }
  }
  if (!Product.byRows) sweep(m, a, b, start, c);
  else if (large) packed(m, a, b, start, scratch, c);
  else if (m > 8 && n * k > L1_FLOATS) inParts(m, max(64, (L1_FLOATS / n) & ~3), a, b, start, c);
  else sweep(m, a, b, start, c);
}

/** Floats of scratch that `matmul` needs for these sizes. */
export function matmulScratch(form: i32, m: i32, n: i32, k: i32): i32 {
  const large = isLarge(m, n, k);
  let floats = large || form & 3 ? BLOCK_K * BLOCK_N : 0;
  if (form & 2) floats += n * k;
  if (form & 1 && large && m >= 96) floats += m * k;
  return floats;
}
