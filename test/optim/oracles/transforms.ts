// Every transform with an oracle: its rule in plain TypeScript doubles, update by update. A transform of the library without
// an entry here fails test/optim/list.test.ts. Sources of the rules: the papers that its docstring names.
import { key, STREAM } from "../../../src/core/random.js";
import * as optim from "../../../src/optim/index.js";
import { Runtime } from "../../../src/wasm/runtime.js";
import { norm, vector } from "../fixtures.js";

/** What is made of the updates u of step t, at parameters p. A rule may keep what it needs from step to step. */
export type Rule = (u: readonly number[], t: number, p: readonly number[]) => readonly number[];

export interface TransformCase {
  readonly make: () => optim.GradientTransform;
  readonly oracle: () => Rule;
  /** It turns gradients only into gradients: a trainer needs an optimizer behind it. */
  readonly partial?: true;
  /** Another value of one of its settings: its description differs. */
  readonly other: () => optim.GradientTransform;
  /** A call that it must refuse. */
  readonly refused: () => unknown;
}

const { kernels, memory } = new Runtime();

/** The first normals of a step, which test/golden pins. */
function normals(seed: number, step: number, stream: number, n: number): number[] {
  const out = memory.allocate(4 * n);
  const { low, high } = key(seed);
  kernels.fillNormal(n, low, high, step, stream, 0, out);
  return Array.from(memory.f32.subarray(out / 4, out / 4 + n));
}

const each =
  (f: (v: number, i: number) => number): Rule =>
  (u) =>
    u.map(f);
const scaled = (factor: number): Rule => each((v) => factor * v);
const after =
  (...rules: readonly Rule[]): Rule =>
  (u, t, p) =>
    rules.reduce((v, rule) => rule(v, t, p), u);

const noiseRule =
  (eta: number, gamma: number, seed: number, stream: number = STREAM.noise): Rule =>
  (u, t) => {
    const std = Math.sqrt(eta / (1 + t) ** gamma);
    return normals(seed, t, stream, u.length).map((z, i) => u[i] + std * z);
  };

const momentumRule = (decay: number, dampening = 0, nesterov = false): Rule => {
  let m: number[] | undefined;
  return (u) => {
    m = m ? m.map((v, i) => decay * v + (1 - dampening) * u[i]) : [...u];
    return m.map((v, i) => (nesterov ? u[i] + decay * v : v));
  };
};

const adamRule = (rate: number, decay = 0): Rule => {
  let [m, v]: number[][] = [[], []];
  return (u, t, p) => {
    m = u.map((g, i) => 0.9 * (m[i] ?? 0) + 0.1 * g);
    v = u.map((g, i) => 0.999 * (v[i] ?? 0) + 0.001 * g * g);
    return u.map(
      (_, i) =>
        (-rate * m[i]) / (1 - 0.9 ** (t + 1)) / (Math.sqrt(v[i] / (1 - 0.999 ** (t + 1))) + 1e-8) - rate * decay * p[i],
    );
  };
};

const squaresRule = (keep: number, add: number, step: (g: number, v: number) => number): Rule => {
  let v: number[] = [];
  return (u) => {
    v = u.map((g, i) => keep * (v[i] ?? 0) + add * g * g);
    return u.map((g, i) => step(g, v[i]));
  };
};

const error = ({ error: e }: { readonly [name: string]: number }): number => e;
/** Every other element of a vector of any length. */
const half = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i % 2);

export const SIZE = 37;
/** The metric `error` of every step. */
export const ERROR = 0.5;

export const transforms: { readonly [name: string]: readonly TransformCase[] } = {
  sgd: [
    {
      make: () => optim.sgd(0.1),
      oracle: () => scaled(-0.1),
      other: () => optim.sgd(0.2),
      refused: () => optim.sgd(-0.1),
    },
    {
      make: () => optim.sgd(0.1, { momentum: 0.9, nesterov: true }),
      oracle: () => after(momentumRule(0.9, 0, true), scaled(-0.1)),
      other: () => optim.sgd(0.1, { momentum: 0.9 }),
      refused: () => optim.sgd(0.1, { nesterov: true }),
    },
  ],
  momentum: [
    {
      partial: true,
      make: () => optim.momentum(0.9, { dampening: 0.1 }),
      oracle: () => momentumRule(0.9, 0.1),
      other: () => optim.momentum(0.9),
      refused: () => optim.momentum(1),
    },
  ],
  weightDecay: [
    {
      partial: true,
      make: () => optim.weightDecay(0.1),
      oracle: () => (u, _t, p) => u.map((g, i) => g + 0.1 * p[i]),
      other: () => optim.weightDecay(0.2),
      refused: () => optim.weightDecay(-1),
    },
  ],
  adam: [
    {
      make: () => optim.adam(0.01),
      oracle: () => adamRule(0.01),
      other: () => optim.adam(0.01, { beta1: 0.8 }),
      refused: () => optim.adam(0.01, { beta1: 1 }),
    },
  ],
  adamw: [
    {
      make: () => optim.adamw(0.01, { weightDecay: 0.5 }),
      oracle: () => adamRule(0.01, 0.5),
      other: () => optim.adamw(0.01),
      refused: () => optim.adamw(0.01, { weightDecay: -1 }),
    },
  ],
  rmsprop: [
    {
      make: () => optim.rmsprop(0.01),
      oracle: () => squaresRule(0.99, 0.01, (g, v) => (-0.01 * g) / (Math.sqrt(v) + 1e-8)),
      other: () => optim.rmsprop(0.01, { decay: 0.9 }),
      refused: () => optim.rmsprop(0.01, { decay: 1 }),
    },
  ],
  adagrad: [
    {
      make: () => optim.adagrad(0.1),
      oracle: () => squaresRule(1, 1, (g, v) => (-0.1 * g) / (Math.sqrt(v) + 1e-10)),
      other: () => optim.adagrad(0.1, { initial: 1 }),
      refused: () => optim.adagrad(0.1, { initial: -1 }),
    },
  ],
  sgld: [
    {
      make: () => optim.sgld(0.01, { seed: 3 }),
      oracle: () => (u, t) => normals(3, t, STREAM.langevin, u.length).map((z, i) => -0.005 * u[i] + 0.1 * z),
      other: () => optim.sgld(0.01, { seed: 4 }),
      refused: () => optim.sgld(0.01, {} as never),
    },
  ],
  addNoise: [
    {
      partial: true,
      make: () => optim.addNoise({ eta: 0.3, seed: 5 }),
      oracle: () => noiseRule(0.3, 0.55, 5),
      other: () => optim.addNoise({ eta: 0.3, seed: 6 }),
      refused: () => optim.addNoise({ eta: -0.3, seed: 5 }),
    },
  ],
  anticorrelatedNoise: [
    {
      partial: true,
      make: () => optim.anticorrelatedNoise({ eta: 0.3, gamma: 1, seed: 5 }),
      oracle: () => (u, t) => {
        const z = (step: number): number[] =>
          normals(5, step, STREAM.anticorrelated, u.length).map((v) => v * Math.sqrt(0.3 / (1 + step)));
        const [now, next] = [z(t), z(t + 1)];
        return u.map((v, i) => v + next[i] - now[i]);
      },
      other: () => optim.anticorrelatedNoise({ eta: 0.3, seed: 5 }),
      refused: () => optim.anticorrelatedNoise({ eta: 0.3 } as never),
    },
  ],
  errorScaledNoise: [
    {
      // until a first error is known the factor is 1
      partial: true,
      make: () => optim.errorScaledNoise({ scale: 0.2, seed: 5, error }),
      oracle: () => (u, t) => {
        const std = Math.sqrt((0.04 * (t === 0 ? 1 : ERROR - 0.02)) / (1 + t) ** 0.55);
        return normals(5, t, STREAM.noise, u.length).map((z, i) => u[i] + std * z);
      },
      other: () => optim.errorScaledNoise({ scale: 0.2, seed: 5, error, every: 2 }),
      refused: () => optim.errorScaledNoise({ scale: 0.2, seed: 5 } as never),
    },
  ],
  clipByGlobalNorm: [
    {
      partial: true,
      make: () => optim.clipByGlobalNorm(0.5),
      oracle: () => (u) => u.map((v) => (v * 0.5) / Math.max(0.5, norm(u))),
      other: () => optim.clipByGlobalNorm(0.6),
      refused: () => optim.clipByGlobalNorm(0),
    },
  ],
  clipByNorm: [
    {
      partial: true,
      make: () => optim.clipByNorm(0.5),
      oracle: () => (u) => u.map((v) => (v * 0.5) / Math.max(0.5, norm(u))),
      other: () => optim.clipByNorm(0.6),
      refused: () => optim.clipByNorm(-1),
    },
  ],
  clipByValue: [
    {
      partial: true,
      make: () => optim.clipByValue(0.5),
      oracle: () => each((v) => Math.min(0.5, Math.max(-0.5, v))),
      other: () => optim.clipByValue(0.6),
      refused: () => optim.clipByValue(0),
    },
  ],
  chain: [
    {
      make: () => optim.chain(optim.clipByValue(0.5), optim.sgd(0.1)),
      oracle: () =>
        after(
          each((v) => Math.min(0.5, Math.max(-0.5, v))),
          scaled(-0.1),
        ),
      other: () => optim.chain(optim.clipByValue(0.6), optim.sgd(0.1)),
      refused: () => optim.chain("sgd" as never),
    },
  ],
  masked: [
    {
      partial: true,
      make: () => optim.masked(optim.clipByValue(0.5), { w: vector(half(SIZE)) }),
      oracle: () => each((v, i) => (i % 2 ? Math.min(0.5, Math.max(-0.5, v)) : v)),
      other: () => optim.masked(optim.clipByValue(0.5), "w"),
      refused: () => optim.masked(optim.sgd(0.1), 3 as never),
    },
  ],
  freeze: [
    {
      make: () => optim.chain(optim.sgd(0.1), optim.freeze({ w: vector(half(SIZE)) })),
      oracle: () => each((v, i) => (i % 2 ? 0 : -0.1 * v)),
      other: () => optim.chain(optim.sgd(0.1), optim.freeze("w")),
      refused: () => optim.freeze(3 as never),
    },
  ],
  partition: [
    {
      make: () => optim.partition({ w: optim.sgd(0.1) }),
      oracle: () => scaled(-0.1),
      other: () => optim.partition({ "*": optim.sgd(0.1) }),
      refused: () => optim.partition({ w: 0.1 as never }),
    },
  ],
  accumulate: [
    {
      // of two micro-batches the first gives no update, which the loop of one's own sees as zeros
      make: () => optim.accumulate(2, optim.sgd(0.1)),
      oracle: () => {
        let held: readonly number[] | undefined;
        return (u) => {
          if (held === undefined) {
            held = u;
            return u.map(() => 0);
          }
          const mean = u.map((v, i) => (v + held![i]) / 2);
          held = undefined;
          return mean.map((v) => -0.1 * v);
        };
      },
      other: () => optim.accumulate(3, optim.sgd(0.1)),
      refused: () => optim.accumulate(0, optim.sgd(0.1)),
    },
  ],
  ema: [
    {
      // it looks on: the updates keep their bits
      make: () => optim.chain(optim.sgd(0.1), optim.ema(0.9)),
      oracle: () => scaled(-0.1),
      other: () => optim.chain(optim.sgd(0.1), optim.ema(0.99)),
      refused: () => optim.ema(1),
    },
  ],
};
