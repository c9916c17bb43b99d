// Oracles of the convolutions.
import fc from "fast-check";
import type { Tensor } from "../../../src/core/tensor.js";
import { type Conv2dOptions, conv2d } from "../../../src/ops/image/conv.js";
import type { Case, Oracles } from "../case.js";
import { at, build, type Doubles } from "../doubles.js";

type Sides = readonly [top: number, right: number, bottom: number, left: number];

function correlate(x: Doubles, w: Doubles, b: Doubles | undefined, stride: readonly number[], sides: Sides): Doubles {
  const [batch, height, width, ci] = x.shape;
  const [kh, kw, , co] = w.shape;
  const [top, right, bottom, left] = sides;
  const outHeight = Math.floor((top + height + bottom - kh) / stride[0]) + 1;
  const outWidth = Math.floor((left + width + right - kw) / stride[1]) + 1;
  return build([batch, outHeight, outWidth, co], ([n, i, j, o]) => {
    let sum = b ? b.data[o] : 0;
    for (let p = 0; p < kh; p++)
      for (let q = 0; q < kw; q++) {
        const row = i * stride[0] + p - top;
        const column = j * stride[1] + q - left;
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        for (let c = 0; c < ci; c++) sum += at(x, [n, row, column, c]) * at(w, [p, q, c, o]);
      }
    return sum;
  });
}

/** Zeros on each side so that there are ceil(size / stride) outputs, the odd one behind. */
function same(size: number, kernel: number, stride: number): [number, number] {
  const zeros = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  return [Math.floor(zeros / 2), Math.ceil(zeros / 2)];
}

interface Sizes {
  readonly image: readonly [batch: number, height: number, width: number, ci: number];
  readonly kernel: readonly [kh: number, kw: number, co: number];
  readonly stride: readonly [number, number];
  readonly padding: NonNullable<Conv2dOptions["padding"]>;
  readonly bias: boolean;
  readonly activation?: "relu" | "sigmoid" | "tanh";
}

function convCase({ image, kernel: [kh, kw, co], stride, padding, bias, activation }: Sizes): Case {
  const after = {
    relu: (v: number) => Math.max(v, 0),
    sigmoid: (v: number) => 1 / (1 + Math.exp(-v)),
    tanh: Math.tanh,
  } as const;
  const f = activation ? after[activation] : (v: number) => v;
  const [t, b] = same(image[1], kh, stride[0]);
  const [l, r] = same(image[2], kw, stride[1]);
  const sides: Sides =
    padding === "same" ? [t, r, b, l] : typeof padding === "number" ? [padding, padding, padding, padding] : padding;
  return {
    shapes: [image, [kh, kw, image[3], co], ...(bias ? [[co]] : [])],
    values: ["any", "any", "any"],
    apply: ([x, w, c]: Tensor[]) => conv2d(x, w, c, { stride, padding, ...(activation && { activation }) }),
    oracle: ([x, w, c]) => {
      const y = correlate(x, w, c, stride, sides);
      return { shape: y.shape, data: y.data.map(f) };
    },
  };
}

const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const zeros = fc.integer({ min: 0, max: 3 });

export const convOracles: Oracles = {
  conv2dOp: {
    line: (n) =>
      convCase({
        image: [1, 3, 3, (n % 9) + 1],
        kernel: [2, 3, n],
        stride: [1, 1],
        padding: [0, n % 2, 1, 1],
        bias: n % 3 > 0,
      }),
    random: fc
      .record({
        image: fc.tuple(size(2), size(6), size(6), size(6)),
        kernel: fc.tuple(size(4), size(4), size(9)),
        stride: fc.tuple(size(3), size(3)),
        padding: fc.oneof(zeros, fc.tuple(zeros, zeros, zeros, zeros), fc.constant("same" as const)),
        bias: fc.boolean(),
        activation: fc.constantFrom(undefined, "sigmoid" as const, "tanh" as const),
      })
      .map(({ image: [b, h, w, c], kernel: [kh, kw, co], ...rest }) =>
        convCase({ image: [b, h + kh - 1, w + kw - 1, c], kernel: [kh, kw, co], ...rest }),
      ),
    tolerance: 1e-5,
    differentiable: true,
  },
};
