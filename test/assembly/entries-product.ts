// How the bounds test calls products, convolutions and pools: at shapes with every edge of their tiles.
import { type Entry, each, over } from "./entry.js";
import { type Call, input, kernels, output } from "./regions.js";

const PRODUCTS = [
  ...[0, 1, 2, 3].flatMap((n) => [1, 5].map((m) => [m, n, 7])),
  ...[
    [1, 25, 3],
    [3, 5, 9],
    [7, 7, 7],
    [4, 9, 1],
    [2, 3, 0],
    [5, 9, 0],
    [17, 101, 67],
    [97, 259, 65],
    [20, 50, 300],
  ],
];
const product = (form: number, relu: number): Entry =>
  over(
    PRODUCTS,
    ([m, n, k]) => ({
      ...{ m, n, k, form, finish: relu, startStep: 0 },
      ...{ a: input(m * k), b: input(k * n), start: relu ? input(n) : 0 },
      scratch: output(kernels.matmulScratch(m, n, k, form)),
      c: output(m * n),
    }),
    { label: `form ${form}${relu ? " with bias and ReLU" : ""}` },
  );

/** batch, out height and width, channels in and out, kernel height and width, strides down and right. */
const IMAGES = [
  ...[1, 2, 3, 4, 5, 8, 9, 13].map((co) => [2, 3, 5, 3, co, 3, 2, 1, 1]),
  ...[
    [1, 2, 3, 1, 4, 1, 1, 2, 2],
    [2, 3, 4, 5, 25, 2, 3, 2, 1],
    [1, 1, 1, 2, 3, 2, 2, 1, 3],
    [0, 2, 2, 3, 4, 2, 2, 1, 1],
  ],
];
const images = (more: (image: number, kernel: number, out: number, co: number) => Call): Entry =>
  over(IMAGES, ([batch, outH, outW, ci, co, kh, kw, strideY, strideX]) => {
    const [height, width] = [(outH - 1) * strideY + kh, (outW - 1) * strideX + kw];
    const sizes = { batch, height, width, ci, kh, kw, outH, outW, co, strideY, strideX };
    return { ...sizes, ...more(batch * height * width * ci, kh * kw * ci * co, batch * outH * outW * co, co) };
  });

/** Pooling of an image 5 x 4 in windows 3 x 2, n channels; padded by one row on top and bottom. */
const pooling = { table: (n: number) => [5, 4, n, 3, 2, 2, 2, 1, 1, 3, 3] };

export const products: Record<string, readonly Entry[]> = {
  // products
  matmul: [0, 1, 2, 3].flatMap((form) => [product(form, 0), product(form, 1)]),
  packPanels: [
    over(
      [8, 9, 12, 15, 16, 24, 51].flatMap((n) => [3, 9, 300].map((k) => [n, k])),
      ([n, k]) => ({
        ...{ n, k, b: input(k * n), out: output(k * Math.ceil(n / 8) * 8) },
      }),
    ),
  ],
  matmulPacked: [
    over(
      [8, 9, 12, 13, 15, 16, 20, 24, 51].flatMap((n) => [
        [1, n, 3],
        [6, n, 9],
        [7, n, 300],
      ]),
      ([m, n, k]) => ({
        ...{ m, n, k, a: input(m * k), packed: input(k * Math.ceil(n / 8) * 8) },
        ...{ start: input(m * n), startStep: n, finish: 2, c: output(m * n) },
      }),
    ),
  ],
  // images
  maxPool: [each((n) => ({ batch: 1, x: input(20 * n), y: output(9 * n) }), pooling)],
  averagePool: [each((n) => ({ batch: 1, x: input(20 * n), y: output(9 * n) }), pooling)],
  maxPoolBackward: [
    each((n) => ({ batch: 1, x: input(20 * n), y: input(9 * n), dy: input(9 * n), dx: output(20 * n) }), pooling),
  ],
  averagePoolBackward: [each((n) => ({ batch: 1, dy: input(9 * n), dx: output(20 * n) }), pooling)],
  convolve: [0, 1, 2].map((finish) =>
    images((image, kernel, out, co) => ({
      ...{ x: input(image), weight: input(kernel), bias: finish ? input(co) : 0, finish, y: output(out) },
    })),
  ),
  convolveWeights: [images((image, kernel, out) => ({ x: input(image), dy: input(out), dw: output(kernel) }))],
  placeImages: [
    ...[
      [1, 1, 1, 1, 5, 6],
      [-1, -2, 1, 1, 1, 2],
      [0, 1, 2, 3, 6, 11],
      [-1, -1, 2, 2, 3, 3],
      [4, 5, 1, 1, 3, 4],
    ].map(([top, left, stepY, stepX, outH, outW]) =>
      each(
        (c) => ({
          ...{ batch: 2, height: 3, width: 4, c, top, left, stepY, stepX, outH, outW },
          ...{ x: input(24 * c), out: output(2 * outH * outW * c) },
        }),
        { label: `to ${top}, ${left} by ${stepY}, ${stepX}` },
      ),
    ),
  ],
  turnKernel: [each((co) => ({ kh: 2, kw: 3, ci: 5, co, weight: input(30 * co), out: output(30 * co) }))],
};
