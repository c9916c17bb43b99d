// How far elementary kernels are from the truth, in units in the last place of a float: the bounds that docstrings state, where
// each is worst, and the measure. ulp.test.ts runs it in the gate, ulp.slow.test.ts over millions of floats a range.
import type { Kernels } from "../../src/wasm/kernels.js";
import { Runtime } from "../../src/wasm/runtime.js";

const bits = new DataView(new ArrayBuffer(4));
const floatOf = (word: number): number => {
  bits.setUint32(0, word);
  return bits.getFloat32(0);
};
const wordOf = (x: number): number => {
  bits.setFloat32(0, x);
  return bits.getUint32(0);
};

const runtime = new Runtime();

/** Kernels of one input by name, with the parameters they are measured at. */
const calls = {
  exp: (k, n, x, out) => k.expKernel(n, x, out),
  log: (k, n, x, out) => k.logKernel(n, x, out),
  tanh: (k, n, x, out) => k.tanhKernel(n, x, out),
  sigmoid: (k, n, x, out) => k.sigmoidKernel(n, x, out),
  softplus: (k, n, x, out) => k.softplusKernel(n, x, out),
  silu: (k, n, x, out) => k.siluKernel(n, x, out),
  gelu: (k, n, x, out) => k.geluKernel(n, x, out),
  elu: (k, n, x, out) => k.eluKernel(n, x, 1, out),
  sin: (k, n, x, out) => k.trigKernel(n, x, 0, out),
  cos: (k, n, x, out) => k.trigKernel(n, x, 1, out),
} satisfies { [name: string]: (k: Kernels, n: number, x: number, out: number) => void };
export type Kernel = keyof typeof calls;

export function apply(kernel: Kernel, x: Float32Array): Float32Array {
  const { memory, kernels } = runtime;
  memory.top = memory.base;
  const from = memory.allocate(x.byteLength);
  const to = memory.allocate(x.byteLength);
  memory.f32.set(x, from / 4);
  calls[kernel](kernels, x.length, from, to);
  return memory.f32.slice(to / 4, to / 4 + x.length);
}

/** Size of a unit in the last place of the float nearest to `want`. */
function ulp(want: number): number {
  const size = Math.abs(want);
  if (size < 2 ** -126) return 2 ** -149;
  const exponent = Math.floor(Math.log2(size));
  return 2 ** ((2 ** exponent > size ? exponent - 1 : exponent) - 23);
}

/** Every `stride`-th float of low <= x <= high, which have one sign, by bit pattern. */
export function floatsBetween(low: number, high: number, stride: number): Float32Array {
  const [a, b] = [wordOf(low), wordOf(high)].sort((p, q) => p - q);
  return Float32Array.from({ length: Math.floor((b - a) / stride) + 1 }, (_, i) => floatOf(a + i * stride));
}

/** Phi(x) in double: its series near 0, its continued fraction in the tails. Source: Abramowitz & Stegun 26.2.10, 26.2.14. */
function normalCdf(x: number): number {
  const a = Math.abs(x);
  const density = Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);
  let tail = 0;
  if (a < 2) {
    let term = a;
    let total = a;
    for (let k = 3; term > 1e-18; k += 2) {
      term *= (a * a) / k;
      total += term;
    }
    tail = 0.5 - total * density;
  } else {
    for (let k = 80; k >= 1; k--) tail = k / (a + tail);
    tail = density / (a + tail);
  }
  return x < 0 ? tail : 1 - tail;
}

type Range = readonly [low: number, high: number];
const both = (low: number, high: number): Range[] => [
  [-high, -low],
  [low, high],
];
const angles: Range[] = [
  [1e-45, 0.8],
  [0.78, 10],
  [-100, -0.1],
  [10, 1e5],
  [2e4, 1.4e5],
  [1e5, 4e8],
  [3.9e8, 4.1e8],
  [-3.4e38, -4e8],
  // beside multiples of pi / 2, where the reduction cancels most
  ...[1, 2, 3, 4, 31, 1000, 36000, 2 ** 20, 2 ** 27].map((n): Range => {
    const near = Math.fround((n * Math.PI) / 2);
    return [near * (1 - 2 ** -18), near * (1 + 2 ** -18)];
  }),
];

export interface Bound {
  readonly kernel: Kernel;
  /** Units in the last place that no error exceeds: what the docstring says. */
  readonly most: number;
  readonly truth: (x: number) => number;
  readonly ranges: readonly Range[];
  /** Where it was found to be worst, of every float in the range around. */
  readonly worst: number;
}

/** The largest errors found, over 10^7 to 3 * 10^7 floats each, are 0.990, 0.846, 4.228, 2.481, 4.449, 2.861, 6.692, 69.06, 3.067, 1.084, 1.077. */
export const bounds: readonly Bound[] = [
  {
    kernel: "exp",
    most: 1,
    truth: Math.exp,
    ranges: [[-86.98, -1e-6], [1e-6, 88.72283], [-86.98, -80], [80, 88.72283], ...both(0.25, 8)],
    worst: -5.858424186706543,
  },
  {
    kernel: "log",
    most: 0.85,
    truth: Math.log,
    ranges: [
      [1e-45, 1.17e-38],
      [1.18e-38, 3.4e38],
      [0.5, 2],
      [0.99, 1.01],
    ],
    worst: 0.7059239745140076,
  },
  {
    kernel: "tanh",
    most: 4.3,
    truth: Math.tanh,
    ranges: [...both(1e-45, 20), [3e-4, 5e-4], [0.05, 0.6], [1, 10], [7.8, 8]],
    worst: 0.12563097476959229,
  },
  {
    kernel: "sigmoid",
    most: 2.5,
    truth: (x) => 1 / (1 + Math.exp(-x)),
    ranges: [[-87.33, -1e-6], [1e-6, 100], [-30, -8], ...both(0.1, 4)],
    worst: -16.635704040527344,
  },
  {
    kernel: "softplus",
    most: 4.5,
    truth: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    ranges: [[-86.9, -1], [-4, -0.5], ...both(1e-6, 4), [4, 100]],
    worst: -2.7505910396575928,
  },
  {
    kernel: "silu",
    most: 2.9,
    truth: (x) => x / (1 + Math.exp(-x)),
    ranges: [[-87.33, -1e-6], [1e-6, 100], [-30, -8], ...both(0.1, 4)],
    worst: -16.699264526367188,
  },
  {
    kernel: "gelu",
    most: 6.8,
    truth: (x) => x * normalCdf(x),
    ranges: [...both(1e-20, 3), [-3, -1], [3, 100]],
    worst: -2.830902338027954,
  },
  { kernel: "gelu", most: 70, truth: (x) => x * normalCdf(x), ranges: [[-13, -3]], worst: -12.663206100463867 },
  {
    kernel: "elu",
    most: 3.1,
    truth: (x) => (x > 0 ? x : Math.expm1(x)),
    ranges: [...both(1e-30, 3), [-0.6, -0.06], [-100, -1]],
    worst: -0.13306427001953125,
  },
  { kernel: "sin", most: 1.1, truth: Math.sin, ranges: angles, worst: 32203.6796875 },
  { kernel: "cos", most: 1.1, truth: Math.cos, ranges: angles, worst: 62617.46484375 },
];

const BATCH = 1 << 18;

/** The largest error over `points` floats of every range and `around` floats on both sides of the worst place; printed. */
export function largestError({ kernel, truth, ranges, worst }: Bound, points: number, around: number): number {
  let most = 0;
  let where = 0;
  let count = 0;
  const scan = (low: number, high: number, stride: number): void => {
    for (let from = low; from <= high; from += BATCH * stride) {
      const n = Math.min(BATCH, Math.floor((high - from) / stride) + 1);
      const x = Float32Array.from({ length: n }, (_, i) => floatOf(from + i * stride));
      const y = apply(kernel, x);
      for (let i = 0; i < n; i++) {
        const want = truth(x[i]);
        const error = Math.abs(y[i] - want) / ulp(want);
        if (!(error <= most)) {
          most = error;
          where = x[i];
        }
      }
      count += n;
    }
  };
  for (const range of ranges) {
    const [low, high] = range.map(wordOf).sort((p, q) => p - q);
    // an odd stride, so that every pattern of low bits is met
    scan(low, high, Math.max(1, Math.floor((high - low) / points) | 1));
  }
  scan(wordOf(worst) - around, wordOf(worst) + around, 1);
  console.log(`${kernel}: largest error ${most.toFixed(3)} ulp at x = ${where}, of ${count} floats`);
  return most;
}
