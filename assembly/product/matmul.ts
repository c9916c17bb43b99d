// Matrix products: C [m, n] = A B, A' B, A B' or A' B', optionally starting from a bias row and ending in a ReLU or a flush.
// Every element of C is summed strictly in the order of k, so tiles, edges, packing and blocks never change a bit, and neither
// does a split: rows of C are independent, a parallel-for passes a + rows, start + rows, c + rows and a smaller m. With A'
// (form 1 and 3) rows of C are columns of A, whose stride is m: they are split inside, where Product.aStep says the stride.
// Three routes: B where it lies; B where it lies in parts of k; B packed. Packing costs a pass over B and pays where many rows
// use it: at 512 from 33 to 45 GFLOP/s, at 1024 from 25 to 43, at 50 it loses 39 to 32 (Node 20).
import { transpose } from "../layout";
import { BLOCK_K, pack } from "./pack";
import { Product } from "./product";
import { sweep, sweepPanels } from "./sweep";

/** Columns of a packed block of B. */
const BLOCK_N: i32 = 256;
/** Floats of B that one sweep over rows of A should touch: with its tile of C and rows of A they fit 32 kB. */
const L1_FLOATS: i32 = 6600;

/**
 * B read in place, k cut into parts of `size`, so that the part of B in use stays in the first-level cache: 784 x 50 floats are
 * 157 kB, and every 4 rows of A pass over all of them. Between parts the sums wait in C.
 */
function inParts(m: i32, size: i32, a: usize, b: usize, start: usize, c: usize): void {
  const k = Product.k;
  const startStep = Product.startStep;
  const finish = Product.finish;
  for (let at = 0; at < k; at += size) {
    Product.part(min(size, k - at), at == 0, at + size >= k, startStep, finish);
    sweep(m, a + (at << 2), b + at * Product.bStep, at ? c : start, c);
  }
}

/**
 * Large products: B [k, n] packed by blocks of 256 x 256 into `scratch`, and all of A swept over each. Needs n >= 8.
 * Blocks of columns outside, of k inside: C's columns stay near while the sums wait in them.
 */
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

/**
 * C [m, n] = 0 + a b' for vectors a [m], b [n]: weight gradients at batch 1, where a tile's call costs more than its work (4
 * times as fast there). The 0 is added because a tile starts from 0: -0 becomes 0.
 */
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

/** Whether packing B pays: enough columns, a k worth it, and rows of A to use each panel again. */
function isLarge(m: i32, n: i32, k: i32): bool {
  return n >= 96 && k >= 64 && m >= 16;
}

/**
 * C [m, n] = op(A) op(B) + start; form 0: A B, 1: A' B (A is [k, m]), 2: A B' (B is [n, k]), 3: A' B'. k = 0 gives start or 0.
 * start: 0, or the address of rows the sums start from, startStep floats apart (0 repeats one row: a bias). C may be start.
 * finish: 0 stores the sum, 1 max(0, sum), 2 zero where |sum| < 2^-100: from an all-zero start the gradients of a deep network
 * are denormal, whose products took a step from 1.9 to 46 ms.
 * scratch: `matmulScratch` floats: a packed block of B, then op(B) and op(A) where they are transposed.
 */
export function matmul(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  b: usize,
  start: usize,
  startStep: i32,
  form: i32,
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
  // a transposed B is turned first: the form of dot products along k would add in another order
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
      // by columns, as it lies; that falls to 20-30 GFLOP/s from 512 on, so what is large was turned above
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
export function matmulScratch(m: i32, n: i32, k: i32, form: i32): i32 {
  const large = isLarge(m, n, k);
  let floats = large || form & 3 ? BLOCK_K * BLOCK_N : 0;
  if (form & 2) floats += n * k;
  if (form & 1 && large && m >= 96) floats += m * k;
  return floats;
}
