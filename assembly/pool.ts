// Pooling over windows of images [batch, height, width, channels], four channels at a time.
// A gradient adds up window by window, rows of windows first: where windows overlap, in that order. dx is not cleared first.
// What lies in the padding is never read: the largest passes it over, the mean counts it as 0 (its divisor is the window's).
// Sizes but the batch come in TABLE, since there are eleven of them. Images are independent, which is what a parallel-for splits.
import { Lane, TABLE } from "./simd";

const MAX: i32 = 0;
const AVERAGE: i32 = 1;
const MAX_BACKWARD: i32 = 2;
const AVERAGE_BACKWARD: i32 = 3;

/** The four kernels are one loop; `op` is a literal, so each export is compiled with its own branch alone. */
class Pool {
  /**
   * One window of rows x columns at x, of four channels or one; dx lies `shift` bytes further, so that one pointer walks both.
   * A step down or right is in bytes.
   */
  @inline static window(
    op: i32,
    four: bool,
    rows: i32,
    columns: i32,
    down: usize,
    right: usize,
    share: v128,
    x: usize,
    y: usize,
    dy: usize,
    shift: usize,
  ): void {
    let v = op == MAX ? f32x4.splat(-Infinity) : i32x4.splat(0);
    let g = v;
    let unknown = v;
    if (op == MAX_BACKWARD) {
      // a window of NaN: its gradient is made NaN, and nobody in it is below
      v = Lane.read(four, y);
      unknown = f32x4.ne(v, v);
      g = v128.or(Lane.read(four, dy), unknown);
    }
    if (op == AVERAGE_BACKWARD) g = f32x4.mul(Lane.read(four, dy), share);
    for (let r = 0; r < rows; r++) {
      let p = x;
      for (let c = 0; c < columns; c++) {
        if (op == MAX) v = f32x4.max(v, Lane.read(four, p));
        if (op == AVERAGE) v = f32x4.add(v, Lane.read(four, p));
        if (op == AVERAGE_BACKWARD) Lane.write(four, p + shift, f32x4.add(Lane.read(four, p + shift), g));
        if (op == MAX_BACKWARD) {
          // the first that is not below the largest takes the gradient, which is then spent; a NaN goes to all
          const below = f32x4.lt(Lane.read(four, p), v);
          Lane.write(four, p + shift, f32x4.add(Lane.read(four, p + shift), v128.andnot(g, below)));
          g = v128.and(g, v128.or(below, unknown));
        }
        p += right;
      }
      x += down;
    }
    if (op == MAX) Lane.write(four, y, v);
    if (op == AVERAGE) Lane.write(four, y, f32x4.mul(v, share));
  }

  /** TABLE holds height, width, channels; then height and width of window, stride, padding and output. */
  @inline static windows(op: i32, batch: i32, x: usize, y: usize, dy: usize, dx: usize): void {
    const height = load<i32>(TABLE);
    const width = load<i32>(TABLE, 4);
    const channels = load<i32>(TABLE, 8);
    const high = load<i32>(TABLE, 12);
    const wide = load<i32>(TABLE, 16);
    const outHeight = load<i32>(TABLE, 36);
    const outWidth = load<i32>(TABLE, 40);
    const share = f32x4.splat(1 / <f32>(high * wide));
    const right: usize = channels << 2;
    const down: usize = width * right;
    for (let b = batch; b > 0; b--) {
      for (let i = 0; i < outHeight; i++) {
        const top = i * load<i32>(TABLE, 20) - load<i32>(TABLE, 28);
        const first = max(top, 0);
        const rows = min(top + high, height) - first;
        for (let j = 0; j < outWidth; j++) {
          const left = j * load<i32>(TABLE, 24) - load<i32>(TABLE, 32);
          const start = max(left, 0);
          const columns = min(left + wide, width) - start;
          let p: usize = x + first * down + start * right;
          let c = channels;
          for (; c >= 4; c -= 4) {
            Pool.window(op, true, rows, columns, down, right, share, p, y, dy, dx - x);
            p += 16;
            y += 16;
            dy += 16;
          }
          for (; c > 0; c--) {
            Pool.window(op, false, rows, columns, down, right, share, p, y, dy, dx - x);
            p += 4;
            y += 4;
            dy += 4;
          }
        }
      }
      x += height * down;
      dx += height * down;
    }
  }
}

/**
 * y = largest of each window of x, NaN where a NaN is met.
 * x [batch, height, width, channels], y [batch, outHeight, outWidth, channels]; sizes in TABLE, see Pool.windows.
 */
export function maxPool(batch: i32, x: usize, y: usize): void {
  Pool.windows(MAX, batch, x, y, 0, 0);
}

/**
 * dx += dy at the first largest value of each window, NaN all over a window with a NaN. x and y of the forward pass; dy as y,
 * dx as x. The winner is found again by comparing with y: no place is kept.
 */
export function maxPoolBackward(batch: i32, x: usize, y: usize, dy: usize, dx: usize): void {
  Pool.windows(MAX_BACKWARD, batch, x, y, dy, dx);
}

/** y = sum of each window of x, row by row, times 1 / its size. Shapes as maxPool. */
export function averagePool(batch: i32, x: usize, y: usize): void {
  Pool.windows(AVERAGE, batch, x, y, 0, 0);
}

/** dx += dy / size of the window, all over each window. Shapes as maxPool. */
export function averagePoolBackward(batch: i32, dy: usize, dx: usize): void {
  Pool.windows(AVERAGE_BACKWARD, batch, dx, 0, dy, dx);
}
