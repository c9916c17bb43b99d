// The pointwise half of a recurrent step, row by row of the batch. The gates' functions are the elementwise kernels on a row
// in the first-level cache: one fused loop is no faster (Node 20 spills: 6.3 ns a unit against 5.7) and far larger.
// Backward kernels turn the gates kept from forward into their gradients in place.
// The other half, the products with the weights, is done before (see src/ops/sequence): gates hold the input's part and the
// hidden state's. Rows of the batch are independent: a parallel-for takes fewer of them from an offset.
// A row of gates lies [gate][unit], so `gates + row` is the next gate of the same unit.
import { sigmoidKernel, tanhKernel } from "./activations";
import { addKernel, mulKernel } from "./binary";
import { Lane } from "./simd";

// biome-ignore format: a row is one vector
const CONSTANTS = memory.data<f32>([
    1.0, 1.0, 1.0, 1.0, // 0
    7.888609052210118e-31, 7.888609052210118e-31, 7.888609052210118e-31, 7.888609052210118e-31, // 16: 2^-100
], 16);

/** As Lane's, out of line: the last 1-3 units of a row. */
function loadTail(p: usize, count: i32): v128 {
  return Lane.loadTail(p, count, 0);
}
function storeTail(p: usize, v: v128, count: i32): void {
  Lane.storeTail(p, v, count);
}

/** Bodies for four units; `tail` is the literal 0 in loops, and the number of units in the last piece of a row. */
class Step {
  @inline static load(p: usize, tail: i32): v128 {
    return tail ? loadTail(p, tail) : v128.load(p);
  }
  @inline static store(p: usize, v: v128, tail: i32): void {
    if (tail) storeTail(p, v, tail);
    else v128.store(p, v);
  }

  /** out = a b + c d */
  @inline static products(a: usize, b: usize, c: usize, d: usize, out: usize, tail: i32): void {
    const ab = f32x4.mul(Step.load(a, tail), Step.load(b, tail));
    Step.store(out, f32x4.add(ab, f32x4.mul(Step.load(c, tail), Step.load(d, tail))), tail);
  }

  /** n += r u */
  @inline static candidate(r: usize, u: usize, n: usize, tail: i32): void {
    Step.store(n, f32x4.add(Step.load(n, tail), f32x4.mul(Step.load(r, tail), Step.load(u, tail))), tail);
  }

  /** h = n + z (before - n) */
  @inline static mix(z: usize, n: usize, before: usize, h: usize, tail: i32): void {
    const v = Step.load(n, tail);
    Step.store(h, f32x4.add(v, f32x4.mul(Step.load(z, tail), f32x4.sub(Step.load(before, tail), v))), tail);
  }

  /**
   * One LSTM unit back. y = tanh(c): do = dh y o (1 - o), dc += dh o (1 - y^2), di = dc g i (1 - i), df = dc cBefore f (1 - f),
   * dg = dc i (1 - g^2), and dc f is the gradient by cBefore.
   */
  @inline static lstm(row: usize, cBefore: usize, tanhC: usize, dh: usize, dc: usize, gates: usize, tail: i32): void {
    const one = v128.load(CONSTANTS);
    const i = Step.load(gates, tail);
    const f = Step.load(gates + row, tail);
    const g = Step.load(gates + 2 * row, tail);
    const o = Step.load(gates + 3 * row, tail);
    const y = Step.load(tanhC, tail);
    const dy = Step.load(dh, tail);
    const dO = f32x4.mul(f32x4.mul(dy, y), f32x4.mul(o, f32x4.sub(one, o)));
    Step.store(gates + 3 * row, dO, tail);
    const d = f32x4.add(Step.load(dc, tail), f32x4.mul(f32x4.mul(dy, o), f32x4.sub(one, f32x4.mul(y, y))));
    const dI = f32x4.mul(f32x4.mul(d, g), f32x4.mul(i, f32x4.sub(one, i)));
    Step.store(gates, dI, tail);
    const dF = f32x4.mul(f32x4.mul(d, Step.load(cBefore, tail)), f32x4.mul(f, f32x4.sub(one, f)));
    Step.store(gates + row, dF, tail);
    Step.store(gates + 2 * row, f32x4.mul(f32x4.mul(d, i), f32x4.sub(one, f32x4.mul(g, g))), tail);
    // along a long sequence it shrinks without end: the law on denormals
    const before = f32x4.mul(d, f);
    Step.store(dc, v128.andnot(before, f32x4.lt(f32x4.abs(before), v128.load(CONSTANTS, 16))), tail);
  }

  /**
   * One GRU unit back. dn = dh (1 - z) (1 - n^2), dz = dh (hBefore - n) z (1 - z), dr = dn u_n r (1 - r); by the input's part
   * x they are dr, dz, dn, by the hidden state's u dr, dz, dn r; and dhBefore grows by dh z.
   */
  @inline static gru(row: usize, hBefore: usize, dh: usize, dhBefore: usize, u: usize, x: usize, tail: i32): void {
    const one = v128.load(CONSTANTS);
    const r = Step.load(x, tail);
    const z = Step.load(x + row, tail);
    const n = Step.load(x + 2 * row, tail);
    const dy = Step.load(dh, tail);
    const rest = f32x4.sub(one, z);
    Step.store(dhBefore, f32x4.add(Step.load(dhBefore, tail), f32x4.mul(dy, z)), tail);
    const dN = f32x4.mul(f32x4.mul(dy, rest), f32x4.sub(one, f32x4.mul(n, n)));
    const dZ = f32x4.mul(f32x4.mul(dy, f32x4.sub(Step.load(hBefore, tail), n)), f32x4.mul(z, rest));
    const dR = f32x4.mul(f32x4.mul(dN, Step.load(u + 2 * row, tail)), f32x4.mul(r, f32x4.sub(one, r)));
    Step.store(x, dR, tail);
    Step.store(u, dR, tail);
    Step.store(x + row, dZ, tail);
    Step.store(u + row, dZ, tail);
    Step.store(x + 2 * row, dN, tail);
    Step.store(u + 2 * row, f32x4.mul(dN, r), tail);
  }
}

/**
 * c = sigmoid(f) cBefore + sigmoid(i) tanh(g), tanhC = tanh(c), h = sigmoid(o) tanhC; all [batch, hidden].
 * gates [batch, 4 hidden] = i, f, g, o before their functions, and after them when it returns: kept for the gradient, as
 * tanhC is. c may be cBefore.
 * Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
 */
export function lstmForward(
  batch: i32,
  hidden: i32,
  cBefore: usize,
  gates: usize,
  c: usize,
  tanhC: usize,
  h: usize,
): void {
  const row: usize = hidden << 2;
  for (let b = 0; b < batch; b++) {
    const g: usize = gates + 2 * row;
    sigmoidKernel(2 * hidden, gates, gates); // i and f lie side by side
    tanhKernel(hidden, g, g);
    sigmoidKernel(hidden, g + row, g + row);
    let at: usize = 0;
    for (const end: usize = (hidden & ~3) << 2; at < end; at += 16) {
      Step.products(gates + row + at, cBefore + at, gates + at, g + at, c + at, 0);
    }
    if (hidden & 3) Step.products(gates + row + at, cBefore + at, gates + at, g + at, c + at, hidden & 3);
    tanhKernel(hidden, c, tanhC);
    mulKernel(hidden, g + row, 1, tanhC, 1, h);
    gates += 4 * row;
    cBefore += row;
    c += row;
    tanhC += row;
    h += row;
  }
}

/**
 * From dh and dc, the gradients by h and c of this step: gates (after their functions) become the gradients before them,
 * dc that by cBefore, which is 0 where below 2^-100. cBefore, tanhC, dh and dc [batch, hidden], gates [batch, 4 hidden].
 */
export function lstmBackward(
  batch: i32,
  hidden: i32,
  cBefore: usize,
  tanhC: usize,
  dh: usize,
  dc: usize,
  gates: usize,
): void {
  const row: usize = hidden << 2;
  for (let b = 0; b < batch; b++) {
    let at: usize = 0;
    for (const end: usize = (hidden & ~3) << 2; at < end; at += 16) {
      Step.lstm(row, cBefore + at, tanhC + at, dh + at, dc + at, gates + at, 0);
    }
    if (hidden & 3) Step.lstm(row, cBefore + at, tanhC + at, dh + at, dc + at, gates + at, hidden & 3);
    gates += 4 * row;
    cBefore += row;
    tanhC += row;
    dh += row;
    dc += row;
  }
}

/**
 * x [batch, 3 hidden] = the input's part of r, z, n; u [batch, 3 hidden] = the hidden state's, with its own bias:
 * r = sigmoid(x + u), z = sigmoid(x + u), n = tanh(x + r u), left in x; h = n + z (hBefore - n), all [batch, hidden].
 * Source: Cho et al. 2014, with the reset after the product, as cuDNN and PyTorch have it.
 */
export function gruForward(batch: i32, hidden: i32, hBefore: usize, u: usize, x: usize, h: usize): void {
  const row: usize = hidden << 2;
  for (let b = 0; b < batch; b++) {
    const n: usize = x + 2 * row;
    const v: usize = u + 2 * row;
    addKernel(2 * hidden, x, 1, u, 1, x); // r and z: both parts are complete sums before they are added
    sigmoidKernel(2 * hidden, x, x);
    const end: usize = (hidden & ~3) << 2;
    let at: usize = 0;
    for (; at < end; at += 16) Step.candidate(x + at, v + at, n + at, 0);
    if (hidden & 3) Step.candidate(x + at, v + at, n + at, hidden & 3);
    tanhKernel(hidden, n, n);
    at = 0;
    for (; at < end; at += 16) Step.mix(x + row + at, n + at, hBefore + at, h + at, 0);
    if (hidden & 3) Step.mix(x + row + at, n + at, hBefore + at, h + at, hidden & 3);
    x += 3 * row;
    u += 3 * row;
    hBefore += row;
    h += row;
  }
}

/**
 * From dh, the gradient by h of this step: x (r, z, n after forward) and u [batch, 3 hidden] become the gradients by the
 * input's and the hidden state's parts, and dhBefore grows by dh z. hBefore, dh and dhBefore [batch, hidden].
 */
export function gruBackward(
  batch: i32,
  hidden: i32,
  hBefore: usize,
  dh: usize,
  dhBefore: usize,
  u: usize,
  x: usize,
): void {
  const row: usize = hidden << 2;
  for (let b = 0; b < batch; b++) {
    let at: usize = 0;
    for (const end: usize = (hidden & ~3) << 2; at < end; at += 16) {
      Step.gru(row, hBefore + at, dh + at, dhBefore + at, u + at, x + at, 0);
    }
    if (hidden & 3) Step.gru(row, hBefore + at, dh + at, dhBefore + at, u + at, x + at, hidden & 3);
    x += 3 * row;
    u += 3 * row;
    hBefore += row;
    dh += row;
    dhBefore += row;
  }
}
