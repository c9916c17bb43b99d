// How the bounds test calls each export. An elementwise kernel (one size n; the last address is written) needs no entry but
// for the values of its scalars.
import { CODES } from "../../src/ops/elementwise/broadcast.js";
import { products } from "./entries-product.js";
import { type Entry, each, elementwise, LENGTHS, over, some } from "./entry.js";
import { type Call, input, integers, output } from "./regions.js";

/** The steps of two operands, of which one may be a scalar. */
const STEPS = [
  ["", 1, 1],
  ["a scalar on the left", 0, 1],
  ["a scalar on the right", 1, 0],
] as const;
const pair = (more: Call = {}, label = ""): Entry[] =>
  STEPS.map(([steps, aStep, bStep]) =>
    each((n) => ({ n, a: input(aStep ? n : 1), aStep, b: input(bStep ? n : 1), bStep, ...more, out: output(n) }), {
      label: [label, steps].filter(Boolean).join(", "),
    }),
  );

const GENERATOR = { key0: 1, key1: 2, step: 3, stream: 4, first: 1000 };
/** Along the middle axis of [outer, count, inner]: across rows, and along a row. */
const AROUND = [...LENGTHS.map((n) => [2, 3, n]), ...LENGTHS.slice(1).map((n) => [3, n, 1])];
const around = (args: (size: number, kept: number) => Call): Entry =>
  over(AROUND, ([outer, count, inner]) => ({ outer, count, inner, ...args(outer * count * inner, outer * inner) }));

const LABELS = (n: number): number[] => [0, n - 1, n >> 1];
const none = { returns: () => -1 }; // no index is outside
const ROWS = [...LENGTHS.map((n) => [3, n]), ...[1, 4, 7, 16, 37].map((n) => [130, n])]; // more than a chunk of 128
const rows = (args: (rows: number, n: number) => Call): Entry =>
  over(ROWS, ([rows, n]) => ({ rows, n, ...args(rows, n) }));

const soft = (n: number, labels: boolean): Call => ({
  ...{ rows: 3, n, on: 0.9, off: 0.1, weights: input(n), mask: input(3) },
  ...(labels ? { labels: integers(LABELS(n)), targets: 0 } : { labels: 0, targets: input(3 * n) }),
});

const written: Record<string, readonly (Entry | undefined)[]> = {
  ...products,
  binary: Object.entries(CODES).flatMap(([name, op]) => pair({ op }, name)),
  ...Object.fromEntries(["addKernel", "subKernel", "mulKernel", "divKernel"].map((name) => [name, pair()])),
  binaryStrided: [
    each((n) => ({ op: 0, rank: 3, a: input(2 * n), b: input(3 * n), out: output(6 * n) }), {
      table: (n) => [2, 3, n, 0, 0, 0, 0, 0, n, 0, 1, 0, 0, 0, 0, 0, 0, n, 1],
    }),
  ],
  select: [
    each((n) => ({
      n,
      shift: 1,
      condition: input(n),
      cStep: 1,
      a: input(n),
      aStep: 1,
      b: input(1),
      bStep: 0,
      out: output(n),
    })),
    each(
      (n) => ({ n, shift: 0, condition: input(1), cStep: 0, a: input(1), aStep: 0, b: 0, bStep: 0, out: output(n) }),
      {
        label: "a scalar or zeros",
      },
    ),
  ],
  eluKernel: [elementwise("eluKernel", { alpha: 1 })],
  eluBackward: [elementwise("eluBackward", { alpha: 1 })],
  leakyReluKernel: [elementwise("leakyReluKernel", { slope: 0.1 })],
  leakyReluBackward: [elementwise("leakyReluBackward", { slope: 0.1 })],
  clipKernel: [elementwise("clipKernel", { least: 0, most: 1 })],
  clipBackward: [elementwise("clipBackward", { least: 0, most: 1 })],
  trigKernel: [0, 1].map((quarters) => elementwise("trigKernel", { quarters }, `${quarters} quarters`)),
  fill: [elementwise("fill", { value: 3 })],
  fromBytes: [each((n) => ({ n, bytes: input((n + 3) >> 2), divisor: 255, out: output(n) }))],
  toIntegers: [each((n) => ({ n, x: input(n), out: output(n) }), none)],
  dropout: [each((n) => ({ n, threshold: 5, scale: 2, mask: output(n), x: input(n), out: output(n) }))],
  lerpBackward: [
    ...[7, 1, 2, 4].map((which) =>
      each(
        (n) => ({
          ...{ n, a: input(n), b: input(n), t: input(n), dy: input(n) },
          ...{ da: which & 1 ? output(n) : 0, db: which & 2 ? output(n) : 0, dt: which & 4 ? output(n) : 0 },
        }),
        { label: `outputs ${which}` },
      ),
    ),
  ],
  // updates
  scale: [each((n) => ({ n, factor: 2, g: output(n) }), { returns: () => 1 })],
  allBelow: [elementwise("allBelow", { limit: 9 })],
  takeMasked: [each((n) => ({ n, mask: input((n + 3) >> 2), x: input(n), out: output(n) }))],
  putMasked: [each((n) => ({ n, mask: input((n + 3) >> 2), x: input(n), out: output(n) }))],
  momentum: [0, 1].map((nesterov) =>
    each((n) => ({ n, rate: 0.9, keep: 1, nesterov, slot: output(n), g: output(n) }), {
      label: `nesterov ${nesterov}`,
    }),
  ),
  adam: [
    each((n) => ({
      ...{ n, b1: 0.9, keep1: 0.1, b2: 0.99, keep2: 0.01, c1: 1, c2: 1, epsilon: 1e-8 },
      ...{ m: output(n), v: output(n), g: output(n) },
    })),
  ],
  addScaled: [elementwise("addScaled", { factor: 2 })],
  clampUpdates: [elementwise("clampUpdates", { limit: 2 })],
  centeredRms: [each((n) => ({ n, decay: 0.9, keep: 0.1, epsilon: 1e-8, m: output(n), v: output(n), g: output(n) }))],
  segmentSquares: [
    each((n) => ({ count: 2, pieces: integers([0, n, n >> 1, n - (n >> 1)]), x: input(n), out: output(4) })),
  ],
  // the generator
  ...Object.fromEntries(
    ["fillWords", "fillUniform", "fillNormal"].map((name) => [
      name,
      [each((count) => ({ count, ...GENERATOR, out: output(count) }))],
    ]),
  ),
  addNormal: [each((count) => ({ count, ...GENERATOR, std: 0.5, g: output(count) }))],
  philox: [over([0], () => ({ c0: 1, c1: 2, c2: 3, c3: 4, key0: 5, key1: 6, out: output(4) }))],
  xoshiro: [each((count) => ({ count, state: output(4), out: output(count) }))],
  // reductions and scans
  sumRows: [each((n) => ({ outer: 3, count: n, x: input(3 * n), scale: 1, out: output(3) }))],
  sumColumns: [
    ...[1, 3, 130].map((count) =>
      each((n) => ({ outer: 2, count, inner: n, x: input(2 * count * n), scale: 1, out: output(2 * n) }), {
        label: `${count} rows`,
      }),
    ),
  ],
  ...Object.fromEntries(
    ["maxColumns", "minColumns", "normColumns", "prodColumns"].map((name) => [
      name,
      [around((size, kept) => ({ x: input(size), out: output(kept) }))],
    ]),
  ),
  cumsum: [0, 1].map((reverse) => around((size) => ({ reverse, x: input(size), out: output(size) }))),
  prodBackward: [around((size, kept) => ({ x: input(size), dy: input(kept), dx: output(size) }))],
  firstExtreme: [0, 1].map((least) => around((size, kept) => ({ least, x: input(size), out: output(kept) }))),
  // softmax and losses
  softmax: [each((n) => ({ rows: 3, n, x: input(3 * n), y: output(3 * n) }))],
  softmaxBackward: [
    each((n) => ({ rows: 3, n, y: input(3 * n), dy: input(3 * n), scratch: output(n), dx: output(3 * n) })),
  ],
  crossEntropy: [
    ...[0, input(3)].map((mask) =>
      some(
        (n) => ({
          ...{ rows: 3, n, x: input(3 * n), labels: integers(LABELS(n)), mask },
          ...{ y: output(3 * n), losses: output(3) },
        }),
        { ...none, label: mask ? "masked" : "" },
      ),
    ),
  ],
  crossEntropyBackward: [
    some((n) => ({ rows: 3, n, y: input(3 * n), labels: integers(LABELS(n)), dLoss: input(1), dx: output(3 * n) })),
  ],
  crossEntropyRowsBackward: [
    some((n) => ({
      ...{ rows: 3, n, y: input(3 * n), labels: integers(LABELS(n)) },
      ...{ mask: input(3), dLosses: input(3), dx: output(3 * n) },
    })),
  ],
  correctRows: [
    some((n) => ({ rows: 3, n, x: input(3 * n), labels: integers(LABELS(n)), mask: input(3), out: output(3) }), none),
  ],
  softCrossEntropy: [true, false].map((labels) =>
    some((n) => ({ ...soft(n, labels), x: input(3 * n), y: output(3 * n), losses: output(3) }), {
      ...none,
      label: labels ? "labels" : "targets",
    }),
  ),
  softCrossEntropyBackward: [true, false].map((labels) =>
    some((n) => ({ ...soft(n, labels), y: input(3 * n), dLosses: input(3), dx: output(3 * n) }), {
      label: labels ? "labels" : "targets",
    }),
  ),
  // picking by index
  gather: [
    each(
      (inner) => ({
        ...{ outer: 2, size: 3, inner, count: 4, x: input(6 * inner), indices: integers([2, 0, 2, 1]) },
        out: output(8 * inner),
      }),
      none,
    ),
  ],
  scatterAdd: [
    each(
      (inner) => ({
        ...{ outer: 2, size: 3, inner, count: 4, x: input(8 * inner), indices: integers([2, 0, 2, 1]) },
        out: output(6 * inner),
      }),
      none,
    ),
  ],
  takeAlong: [
    each(
      (inner) => ({
        ...{ outer: 2, size: 3, inner, count: 2, x: input(6 * inner) },
        ...{
          indices: integers(
            LENGTHS.slice(0, 1)
              .concat(Array(4 * inner).fill(2))
              .slice(1),
          ),
          out: output(4 * inner),
        },
      }),
      none,
    ),
  ],
  takeAlongBackward: [
    each((inner) => ({
      ...{ outer: 2, size: 3, inner, count: 2, dy: input(4 * inner) },
      ...{ indices: integers(Array(4 * inner).fill(2)), dx: output(6 * inner) },
    })),
  ],
  oneHot: [
    some((classes) => ({ count: 3, classes, indices: integers(LABELS(classes)), out: output(3 * classes) }), none),
  ],
  // layout
  copy: [each((n) => ({ n, source: input(n), target: output(n) }))],
  transpose: [
    ...[1, 5].flatMap((other) => [
      each((n) => ({ rows: n, columns: other, x: input(other * n), out: output(other * n) }), {
        label: `n x ${other}`,
      }),
      each((n) => ({ rows: other, columns: n, x: input(other * n), out: output(other * n) }), {
        label: `${other} x n`,
      }),
    ]),
  ],
  copyStrided: [
    each((n) => ({ rank: 2, source: input(3 * n), target: output(3 * n) }), {
      table: (n) => [3, n, 0, 0, 0, 0, 0, 0, n, 1, 0, 0, 0, 0, 0, 0, 1, 3],
      label: "a transpose",
    }),
    each((n) => ({ rank: 2, source: input(3 * n), target: output(3 * n) }), {
      table: (n) => [3, n, 0, 0, 0, 0, 0, 0, n, 1, 0, 0, 0, 0, 0, 0, n, 1],
      label: "rows",
    }),
  ],
  // normalisation
  layerNorm: [
    rows((r, n) => ({
      ...{ x: input(r * n), scale: input(n), offset: input(n), epsilon: 0.1 },
      ...{ stats: output(2 * r), out: output(r * n) },
    })),
  ],
  layerNormBackward: [
    rows((r, n) => ({
      ...{ x: input(r * n), stats: input(2 * r), scale: input(n), dy: input(r * n) },
      ...{ scratch: output(r > 128 ? 5 * n : n), dx: output(r * n), dScale: output(n), dOffset: output(n) },
    })),
  ],
  batchStatistics: [rows((r, n) => ({ x: input(r * n), out: output(2 * n) }))],
  batchNorm: [
    rows((r, n) => ({
      ...{ x: input(r * n), mean: input(n), variance: input(n), scale: input(n), offset: input(n), epsilon: 0.1 },
      ...{ scratch: output(n), out: output(r * n) },
    })),
  ],
  batchNormBackward: [0, 1].map((own) =>
    rows((r, n) => ({
      ...{ x: input(r * n), mean: input(n), variance: input(n), scale: input(n), dy: input(r * n), epsilon: 0.1, own },
      ...{ scratch: output(3 * n), dx: output(r * n), dScale: output(n), dOffset: output(n) },
    })),
  ),
  // recurrent
  lstmForward: [
    each((hidden) => {
      const state = 2 * hidden;
      return {
        ...{ batch: 2, hidden, cBefore: input(state), gates: output(4 * state) },
        ...{ c: output(state), tanhC: output(state), h: output(state) },
      };
    }),
  ],
  lstmBackward: [
    each((hidden) => {
      const state = 2 * hidden;
      return {
        ...{ batch: 2, hidden, cBefore: input(state), tanhC: input(state), dh: input(state) },
        ...{ dc: output(state), gates: output(4 * state) },
      };
    }),
  ],
  gruForward: [
    each((hidden) => {
      const state = 2 * hidden;
      return { batch: 2, hidden, hBefore: input(state), u: input(3 * state), x: output(3 * state), h: output(state) };
    }),
  ],
  gruBackward: [
    each((hidden) => {
      const state = 2 * hidden;
      return {
        ...{ batch: 2, hidden, hBefore: input(state), dh: input(state) },
        ...{ dhBefore: output(state), u: output(3 * state), x: output(3 * state) },
      };
    }),
  ],
};

/** The entries of an export; none where one has yet to be written. */
export const entriesOf = (name: string): Entry[] =>
  (written[name] ?? [elementwise(name)]).filter((entry) => entry !== undefined);
/** The names that entries were written for. */
export const names = Object.keys(written);
