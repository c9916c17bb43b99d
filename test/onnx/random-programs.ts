// Random small programs of the ops that toONNX writes, each right for any size of the batch. A program is drawn by a seed.
import type { Tensor } from "../../src/core/tensor.js";
import * as g from "../../src/index.js";

/** A value on the way: how it is computed, and its shape, "b" times a number standing for sizes that follow the batch. */
interface Node {
  readonly of: (values: Tensor[], p: Tensor[]) => Tensor;
  readonly shape: readonly number[];
  /** The axis that follows the batch, with how many rows more or less; -1: none. */
  readonly batchAxis: number;
}

export interface RandomProgram {
  readonly f: (p: Tensor[], x: Tensor) => unknown;
  readonly params: Tensor[];
  readonly x: (batch: number) => Tensor;
  readonly steps: string[];
}

/** Whole numbers 0 .. n - 1, the same for the same seed. */
export function dice(seed: number): (n: number) => number {
  let state = seed * 2654435761 + 1;
  return (n) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) % n;
  };
}

const units = {
  abs: g.abs,
  cos: g.cos,
  elu: g.elu,
  exp: (x: Tensor) => g.exp(g.clip(x, -3, 2)),
  gelu: g.gelu,
  leakyRelu: g.leakyRelu,
  neg: g.neg,
  relu: g.relu,
  sigmoid: g.sigmoid,
  sin: g.sin,
  softplus: g.softplus,
  tanh: g.tanh,
  silu: g.silu,
  square: g.square,
  saturatingSigmoid: g.saturatingSigmoid,
  saturatingTanh: g.saturatingTanh,
  stopGradient: g.stopGradient,
};
const pairs = { add: g.add, sub: g.sub, mul: g.mul, maximum: g.maximum, minimum: g.minimum };
const softmaxes = { softmax: g.softmax, logSoftmax: g.logSoftmax };
const reductions = {
  sum: g.sum,
  mean: g.mean,
  max: g.max,
  min: g.min,
  norm: g.norm,
  logSumExp: g.logSumExp,
  prod: (x: Tensor, options: g.ReduceOptions) => g.prod(g.tanh(x), options),
};

export function randomProgram(seed: number, batch: number): RandomProgram {
  const roll = dice(seed);
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)];
  const params: Tensor[] = [];
  const steps: string[] = [];
  const draw = (shape: readonly number[], std = 0.5): number => {
    params.push(g.random.normal(g.random.key(seed * 100 + params.length), [...shape], { std }));
    return params.length - 1;
  };
  const shape = [batch, ...Array.from({ length: 1 + roll(3) }, () => 2 + roll(4))];
  const nodes: Node[] = [{ of: (v) => v[0], shape, batchAxis: 0 }];

  const step = (): void => {
    const i = Math.max(0, nodes.length - 1 - roll(2));
    const { shape: s, batchAxis: b } = nodes[i];
    const rank = s.length;
    const add = (
      name: string,
      to: readonly number[],
      axis: number,
      f: (x: Tensor, p: Tensor[], v: Tensor[]) => Tensor,
    ) => {
      steps.push(`${name} of ${i}: [${s}] -> [${to}]`);
      nodes.push({ of: (v, p) => f(v[i], p, v), shape: to, batchAxis: axis });
    };
    const free = s.flatMap((_, d) => (d === b ? [] : [d]));
    const sizes = (x: Tensor, at: number, size: number): number[] => x.shape.map((n, d) => (d === at ? size : n));
    const kind = roll(30);
    if (kind < 4) {
      const [name, op] = pick(Object.entries(units));
      add(name, s, b, (x) => op(x));
    } else if (kind === 4) {
      const [name, op] = pick(Object.entries(pairs));
      const w = draw(s.map((n, d) => (d === b || roll(3) === 0 ? 1 : n)));
      add(name, s, b, (x, p) => op(x, p[w]));
    } else if (kind === 5) {
      const j = nodes.findIndex((n, k) => k !== i && n.batchAxis === b && `${n.shape}` === `${s}`);
      if (j >= 0)
        add(`where with ${j}`, s, b, (x, _, v) => g.where(g.greater(x, v[j]), g.lerp(x, v[j], g.sigmoid(v[j])), v[j]));
    } else if (kind === 6 && rank >= 1 && b !== rank - 1) {
      const n = 1 + roll(5);
      const [w, o] = [draw([s[rank - 1], n]), draw([n])];
      const relu = roll(2) === 0;
      add("linear", [...s.slice(0, -1), n], b, (x, p) => g.linear(x, p[w], p[o], { relu }));
    } else if (kind === 7 && rank >= 2) {
      const n = 1 + roll(4);
      const last = b === rank - 1;
      // the batch may be the inner axis of no product
      const w = draw(last ? [s[rank - 2], n] : [n, s[rank - 1]]);
      if (last)
        add("matmul A'", [...s.slice(0, -2), s[rank - 1], n], rank - 2, (x, p) =>
          g.matmul(x, p[w], { transposeA: true }),
        );
      else add("matmul B'", [...s.slice(0, -1), n], b, (x, p) => g.matmul(x, p[w], { transposeB: true }));
    } else if (kind === 8 && rank >= 2) {
      const axes = s.map((_, d) => d);
      for (let d = rank - 1; d > 0; d--) {
        const e = roll(d + 1);
        [axes[d], axes[e]] = [axes[e], axes[d]];
      }
      add(
        `transpose ${axes}`,
        axes.map((d) => s[d]),
        axes.indexOf(b),
        (x) => g.transpose(x, axes),
      );
    } else if (kind === 9) {
      const at = roll(rank + 1);
      add(`expandDims ${at}`, [...s.slice(0, at), 1, ...s.slice(at)], b >= at ? b + 1 : b, (x) => g.expandDims(x, at));
    } else if (kind === 10 && rank >= 2) {
      const at = roll(rank - 1);
      const merged = [...s.slice(0, at), s[at] * s[at + 1], ...s.slice(at + 2)];
      const axis = b === at || b === at + 1 ? at : b > at ? b - 1 : b;
      add(`merge ${at}`, merged, axis, (x) =>
        g.reshape(x, [...x.shape.slice(0, at), x.shape[at] * x.shape[at + 1], ...x.shape.slice(at + 2)]),
      );
    } else if (kind === 11 && free.length > 0) {
      const at = pick(free);
      const from = roll(s[at]);
      const size = 1 + roll(s[at] - from);
      add(
        `slice ${at}`,
        s.map((n, d) => (d === at ? size : n)),
        b,
        (x) =>
          g.slice(
            x,
            x.shape.map((_, d) => (d === at ? from : 0)),
            sizes(x, at, size),
          ),
      );
    } else if (kind === 12 && b >= 0) {
      const last = roll(2) === 0;
      if (last)
        add(
          "last row",
          s.map((n, d) => (d === b ? 1 : n)),
          -1,
          (x) =>
            g.slice(
              x,
              x.shape.map((n, d) => (d === b ? n - 1 : 0)),
              sizes(x, b, 1),
            ),
        );
      else
        add(
          "first row",
          s.map((n, d) => (d === b ? 1 : n)),
          -1,
          (x) =>
            g.slice(
              x,
              x.shape.map(() => 0),
              sizes(x, b, 1),
            ),
        );
    } else if (kind === 13) {
      const at = roll(rank);
      add(
        `concat ${at}`,
        s.map((n, d) => (d === at ? 2 * n : n)),
        b,
        (x) => g.concat([x, g.mul(x, 0.5)], at),
      );
    } else if (kind === 14) {
      const at = roll(rank);
      add(`reverse ${at}`, s, b, (x) => g.reverse(x, at));
    } else if (kind === 15) {
      const at = roll(rank);
      add(`cumsum ${at}`, s, b, (x) => g.cumsum(x, at));
    } else if (kind === 16) {
      const at = roll(rank);
      const [name, op] = pick(Object.entries(softmaxes));
      add(`${name} ${at}`, s, b, (x) => op(x, at));
    } else if (kind === 17 || kind === 18) {
      const axis = s.flatMap((_, d) => (roll(2) === 0 ? [d] : []));
      const keepDims = roll(2) === 0;
      const [name, op] = pick(Object.entries(reductions));
      const to = s.flatMap((n, d) => (!axis.includes(d) ? [n] : keepDims ? [1] : []));
      const at = b < 0 || axis.includes(b) ? -1 : keepDims ? b : b - axis.filter((d) => d < b).length;
      if (to.length > 0) add(`${name} ${axis} ${keepDims}`, to, at, (x) => op(x, { axis, keepDims }));
    } else if (kind === 19 && b !== rank - 1 && s[rank - 1] > 1) {
      const [w, o] = [draw([s[rank - 1]]), draw([s[rank - 1]])];
      const running = roll(2) === 0;
      if (roll(2) === 0) add("layerNorm", s, b, (x, p) => g.layerNorm(x, p[w], p[o], { epsilon: 0.1 }));
      else
        add("batchNorm", s, b, (x, p) =>
          g.batchNorm(x, p[w], p[o], { epsilon: 0.1, ...(running ? { mean: p[o], variance: g.square(p[w]) } : {}) }),
        );
    } else if (kind === 20) {
      const at = roll(rank + 1);
      add(`stack ${at}`, [...s.slice(0, at), 2, ...s.slice(at)], b >= at ? b + 1 : b, (x) =>
        g.stack([x, g.neg(x)], at),
      );
    } else if (kind === 21) {
      const padding = s.map(() => [roll(2), roll(2)] as const);
      add(
        "pad",
        s.map((n, d) => padding[d][0] + n + padding[d][1]),
        b,
        (x) => g.pad(x, padding, 0.25),
      );
    } else if (kind === 22 && free.length > 0) {
      const at = pick(free);
      const indices = Array.from({ length: 1 + roll(3) }, () => roll(s[at]));
      add(
        `gather ${at}`,
        s.map((n, d) => (d === at ? indices.length : n)),
        b,
        (x) => g.gather(x, indices, at),
      );
    } else if (kind >= 23 && kind < 26 && rank === 3 && b !== 2) {
      const n = 1 + roll(3);
      const name = pick(["lstm", "gru", "simpleRnn"] as const);
      const gates = { lstm: 4, gru: 3, simpleRnn: 1 }[name];
      const [w, u, o, c] = [draw([s[2], gates * n]), draw([n, gates * n]), draw([gates * n]), draw([n])];
      const started = roll(2) === 0;
      const run = (x: Tensor, p: Tensor[]): Tensor[] => {
        const weights = { inputWeight: p[w], hiddenWeight: p[u], bias: p[o], hiddenBias: p[c] };
        const h = g.broadcastTo(p[c], [x.shape[1], n]);
        if (name === "lstm") {
          const { outputs, state } = g.lstm(x, weights, started ? { h, c: g.mul(h, 2) } : undefined);
          return [outputs, state.h, state.c];
        }
        const { outputs, state } = (name === "gru" ? g.gru : g.simpleRnn)(x, weights, started ? h : undefined);
        return [outputs, state];
      };
      const which = roll(name === "lstm" ? 3 : 2);
      const axis = which === 0 ? b : b === 1 ? 0 : -1;
      add(`${name} ${which}`, which === 0 ? [s[0], s[1], n] : [s[1], n], axis, (x, p) => run(x, p)[which]);
    } else if (kind >= 26 && rank === 4 && b === 0) {
      const [kh, kw, n] = [1 + roll(3), 1 + roll(2), 1 + roll(3)];
      const [w, o] = [draw([kh, kw, s[3], n]), draw([n])];
      const stride = [1 + roll(2), 1 + roll(2)] as const;
      const activation = pick([undefined, "relu", "sigmoid", "tanh", "saturatingSigmoid", "saturatingTanh"] as const);
      const padding = pick(["same", 2, [2, 1, 0, 1]] as const);
      const conv = (x: Tensor, p: Tensor[]): Tensor => g.conv2d(x, p[w], p[o], { stride, padding, activation });
      const to = conv(g.zeros(s), params).shape;
      if (roll(3) > 0) add(`conv2d ${activation}`, to, 0, conv);
      else if (s[1] > 1 && s[2] > 1) {
        const pool = pick([g.maxPool2d, g.avgPool2d]);
        const options = { stride, padding: [roll(2), roll(2)] as const };
        add("pool", pool(g.zeros(s), 2, options).shape, 0, (x) => pool(x, 2, options));
      }
    }
    const made = nodes[nodes.length - 1];
    // small, and of no more axes than the kernels take
    if (made.shape.length > 5 || made.shape.reduce((n, m) => n * m, 1) > 4000) {
      nodes.pop();
      steps.pop();
    }
  };
  for (let k = 0; nodes.length < 9 && k < 60; k++) step();
  const f = (p: Tensor[], x: Tensor): unknown => {
    const values = [x];
    for (const node of nodes.slice(1)) values.push(node.of(values, p));
    // the last ones, and a bit of every parameter, so that none is unused
    const [a, z] = values.slice(-2);
    return p.length === 0 ? { a, z } : { a, z, all: p.reduce((sum, w) => g.add(sum, g.sum(w)), g.sum(g.tanh(x))) };
  };
  return { f, params, x: (n) => g.random.normal(g.random.key(seed + 1000 * n), [n, ...shape.slice(1)]), steps };
}
