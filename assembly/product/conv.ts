// Convolutions of images [batch, height, width, channels] by direct products, without im2col.
// The patch under one row of the kernel is contiguous (kw ci floats), and patches of neighbouring outputs overlap: a row of
// outputs is one matrix product whose k runs through kh segments, a row of the image apart. Images carry their halo of zeros.
// Every sum runs strictly in the order of (ky, kx, channel), of the weights' gradient in that of (image, y, x).
// im2col would copy each pixel kh kw times: 35 GFLOP/s against 41 for 24 -> 24 channels, 13 against 19 for 1 -> 8 (Node 20).
// The gradient by the image needs no kernel: it is `convolve` of the output's gradient, spread by the stride, under the kernel
// turned by `turnKernel`.
// A parallel-for over convolve takes images, or rows of outputs of one. The weights' gradient sums over all images in order, so
// it takes rows of the kernel: x + p rows of the image, dw + p slabs, and a smaller kh.
import { transpose } from "../layout";
import { Product } from "./product";
import { sweep } from "./sweep";

/** Floats of image and gradient that one sweep over tiles of the weights' gradient should touch. */
const L1_FLOATS: i32 = 5000;

/**
 * y[b, i, j, o] = bias[o] + sum over (p, q, c) of x[b, i strideY + p, j strideX + q, c] weight[p, q, c, o].
 * x [batch, height, width, ci] with its halo, weight [kh, kw, ci, co], bias [co] or 0, y [batch, outH, outW, co];
 * finish as in matmul. Needs height >= (outH - 1) strideY + kh, and the same of width.
 * A row of outputs is the product [outW, kh kw ci] x [kh kw ci, co]: rows of A strideX pixels apart, overlapping in memory.
 */
export function convolve(
  batch: i32,
  height: i32,
  width: i32,
  ci: i32,
  kh: i32,
  kw: i32,
  outH: i32,
  outW: i32,
  co: i32,
  x: usize,
  weight: usize,
  bias: usize,
  strideY: i32,
  strideX: i32,
  finish: i32,
  y: usize,
): void {
  const pitch: usize = (width * ci) << 2;
  Product.plain(true, co, kw * ci, (strideX * ci) << 2);
  Product.segments = kh;
  Product.pitch = pitch;
  Product.startStep = 0;
  Product.finish = finish;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outH; i++) {
      sweep(outW, x + i * strideY * pitch, weight, bias, y);
      y += (outW * co) << 2;
    }
    x += height * pitch;
  }
}

/**
 * dw[p, q, c, o] = sum over (b, i, j) of x[b, i strideY + p, j strideX + q, c] dy[b, i, j, o]; sizes and shapes as in convolve,
 * dy as y, dw as weight. No images, or no outputs: 0.
 * For each row p of the kernel a product A' B with A' = the patches [kw ci, outputs], B = dy: a few rows of outputs at a time,
 * as many as stay in the first-level cache while all p pass over them; dw waits between.
 */
export function convolveWeights(
  batch: i32,
  height: i32,
  width: i32,
  ci: i32,
  kh: i32,
  kw: i32,
  outH: i32,
  outW: i32,
  co: i32,
  x: usize,
  dy: usize,
  strideY: i32,
  strideX: i32,
  dw: usize,
): void {
  const pitch: usize = (width * ci) << 2;
  const slab: usize = (kw * ci * co) << 2;
  if (batch * outH * outW == 0) memory.fill(dw, 0, kh * slab);
  const rows = max(1, L1_FLOATS / max(1, strideY * width * ci + outW * co));
  Product.plain(false, co, outW, (strideX * ci) << 2);
  Product.pitch = strideY * pitch;
  Product.startStep = co << 2;
  Product.finish = 0;
  let begun = false; // whether dw holds a sum to start from
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outH; i += rows) {
      const count = min(rows, outH - i);
      Product.segments = count;
      for (let p = 0; p < kh; p++) {
        const c: usize = dw + p * slab;
        const from: usize = x + (i * strideY + p) * pitch;
        sweep(kw * ci, from, dy, begun ? c : 0, c);
      }
      begun = true;
      dy += (count * outW * co) << 2;
    }
    x += height * pitch;
  }
}

/** Runs of a few pixels, for which memory.copy and memory.fill cost more than they move (17 -> 14 us for 32 images of 20 x 4 x 24). */
class Pixels {
  /** Zeros to `bytes` bytes at p; returns their end. */
  @inline static clear(p: usize, bytes: usize): usize {
    const end = p + bytes;
    const zero = i32x4.splat(0);
    for (; p + 16 <= end; p += 16) v128.store(p, zero);
    for (; p < end; p += 4) store<i32>(p, 0);
    return end;
  }

  /** `bytes` bytes from source to p; returns the end of what is written. */
  @inline static copy(p: usize, source: usize, bytes: usize): usize {
    const end = p + bytes;
    for (; p + 16 <= end; p += 16) {
      v128.store(p, v128.load(source));
      source += 16;
    }
    for (; p < end; p += 4) {
      store<i32>(p, load<i32>(source));
      source += 4;
    }
    return end;
  }
}

/**
 * out [batch, outH, outW, c] = 0 but for x [batch, height, width, c], whose pixel (i, j) goes to (top + i stepY, left + j stepX)
 * where that is inside: a halo, a crop (top or left below 0), or rows and columns of zeros between the pixels.
 * Row by row of out, each byte written once. stepY and stepX >= 1.
 */
export function placeImages(
  batch: i32,
  height: i32,
  width: i32,
  c: i32,
  outH: i32,
  outW: i32,
  x: usize,
  top: i32,
  left: i32,
  stepY: i32,
  stepX: i32,
  out: usize,
): void {
  const pixel: usize = c << 2;
  // columns j0 .. j1 of x fall inside
  const j0 = left < 0 ? (stepX - 1 - left) / stepX : 0;
  const j1 = outW > left ? min(width, (outW - left + stepX - 1) / stepX) : 0;
  for (let b = 0; b < batch; b++) {
    let i = top < 0 ? (stepY - 1 - top) / stepY : 0; // the row of x that comes next
    for (let row = 0; row < outH; row++) {
      if (j1 <= j0 || i >= height || row != top + i * stepY) {
        out = Pixels.clear(out, outW * pixel);
        continue;
      }
      const source: usize = x + (i++ * width + j0) * pixel;
      const before = left + j0 * stepX;
      out = Pixels.clear(out, before * pixel);
      if (stepX == 1) {
        out = Pixels.copy(out, source, (j1 - j0) * pixel);
        out = Pixels.clear(out, (outW - before - (j1 - j0)) * pixel);
      } else {
        const end = out + (outW - before) * pixel;
        for (let j = 0; j < j1 - j0; j++) {
          out = Pixels.copy(out, source + j * pixel, pixel);
          out = Pixels.clear(out, min((stepX - 1) * pixel, end - out));
        }
        out = Pixels.clear(out, end - out);
      }
    }
    x += height * width * pixel;
  }
}

/**
 * out [kh, kw, co, ci]: weight [kh, kw, ci, co] turned by 180 degrees, channels exchanged: what the gradient by the image is
 * convolved with.
 */
export function turnKernel(kh: i32, kw: i32, ci: i32, co: i32, weight: usize, out: usize): void {
  const slab: usize = (ci * co) << 2;
  for (let t = kh * kw - 1; t >= 0; t--) {
    transpose(ci, co, weight + t * slab, out);
    out += slab;
  }
}
