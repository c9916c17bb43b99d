// Oracles of the recurrent layers: the equations, one unit at a time.
import fc from "fast-check";
import { type Tensor, tensor } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { concat, reshape } from "../../../src/ops/layout/layout.js";
import { cutAt } from "../../../src/ops/sequence/lengths.js";
import { gru, lstm, simpleRnn } from "../../../src/ops/sequence/recurrent.js";
import { type Case, type Oracle, type Oracles, total } from "../case.js";
import { at, build, type Doubles } from "../doubles.js";

interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly nIn: number;
  readonly hidden: number;
  readonly initial: boolean;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const split = (x: Doubles, row: number): number[][] =>
  Array.from({ length: x.shape[0] }, (_, i) => x.data.slice(i * row, (i + 1) * row));

/** Outputs of every step and then the last state, each [.., batch, hidden], as one list of rows. */
const joined = (outputs: Tensor, states: Tensor[]): Tensor =>
  concat([outputs, ...states.map((t) => reshape(t, [1, ...t.shape]))]);

/** One unit's new state from the gates' inputs; `x` without and `u` with what comes from the hidden state. */
type Unit = (x: number[], u: number[], h: number, c: number) => { h: number; c: number };

function sequence(
  { time, batch, nIn, hidden, initial }: Sizes,
  gates: number,
  cell: boolean,
  hiddenBias: boolean,
  unit: Unit,
) {
  return ([x, w, u, b, ...rest]: Doubles[]): Doubles => {
    const second = hiddenBias ? rest[0].data : undefined;
    const states = hiddenBias ? rest.slice(1) : rest;
    const zeros = (): number[][] => Array.from({ length: batch }, () => Array(hidden).fill(0));
    let h = initial ? split(states[0], hidden) : zeros();
    let c = initial && cell ? split(states[1], hidden) : zeros();
    const columns = gates * hidden;
    const data: number[] = [];
    for (let t = 0; t < time; t++) {
      const next = h.map((row, n) =>
        row.map((old, j) => {
          const from = Array.from({ length: gates }, (_, g) => g * hidden + j);
          const inputs = from.map(
            (k) =>
              b.data[k] +
              total(Array.from({ length: nIn }, (_, l) => x.data[(t * batch + n) * nIn + l] * w.data[l * columns + k])),
          );
          const own = from.map((k) => total(row.map((v, l) => v * u.data[l * columns + k])));
          if (second) own[gates - 1] += second[j];
          return unit(inputs, own, old, c[n][j]);
        }),
      );
      h = next.map((row) => row.map((v) => v.h));
      c = next.map((row) => row.map((v) => v.c));
      data.push(...h.flat());
    }
    data.push(...h.flat());
    if (cell) data.push(...c.flat());
    return { shape: [time + (cell ? 2 : 1), batch, hidden], data };
  };
}

const units: { [name: string]: Unit } = {
  lstm: (x, u, _, c) => {
    const [i, f, g, o] = x.map((v, k) => v + u[k]);
    const next = sigmoid(f) * c + sigmoid(i) * Math.tanh(g);
    return { h: sigmoid(o) * Math.tanh(next), c: next };
  },
  gru: (x, u, h) => {
    const [r, z] = [0, 1].map((k) => sigmoid(x[k] + u[k]));
    const n = Math.tanh(x[2] + r * u[2]);
    return { h: (1 - z) * n + z * h, c: 0 };
  },
  simpleRnn: (x, u) => ({ h: Math.tanh(x[0] + u[0]), c: 0 }),
};

/** Weights are halved: large ones would saturate every gate. */
const half = (t: Tensor): Tensor => mul(t, 0.5);

const applies: { [name: string]: Case["apply"] } = {
  lstm: ([x, w, u, bias, h, c]) => {
    const weights = { inputWeight: half(w), hiddenWeight: half(u), bias };
    const { outputs, state } = lstm(x, weights, h && { h, c });
    return joined(outputs, [state.h, state.c]);
  },
  gru: ([x, w, u, bias, hiddenBias, h]) => {
    const { outputs, state } = gru(x, { inputWeight: half(w), hiddenWeight: half(u), bias, hiddenBias }, h);
    return joined(outputs, [state]);
  },
  simpleRnn: ([x, w, u, bias, h]) => {
    const { outputs, state } = simpleRnn(x, { inputWeight: half(w), hiddenWeight: half(u), bias }, h);
    return joined(outputs, [state]);
  },
};

function caseOf(name: string, gates: number, states: number, s: Sizes): Case {
  const { time, batch, nIn, hidden, initial } = s;
  const hiddenBias = name === "gru";
  const columns = gates * hidden;
  const shapes = [
    [time, batch, nIn],
    [nIn, columns],
    [hidden, columns],
    [columns],
    ...(hiddenBias ? [[hidden]] : []),
    ...(initial ? Array(states).fill([batch, hidden]) : []),
  ];
  const compute = sequence(s, gates, name === "lstm", hiddenBias, units[name]);
  return {
    shapes,
    values: shapes.map(() => "any"),
    apply: applies[name],
    oracle: (inputs) =>
      compute(inputs.map((x, i) => (i === 1 || i === 2 ? { ...x, data: x.data.map((v) => v / 2) } : x))),
  };
}

function oracleOf(name: string, gates: number, states: number): Oracle {
  const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
  return {
    line: (n) => caseOf(name, gates, states, { time: 2, batch: 1 + (n % 5), nIn: 3, hidden: n, initial: n % 2 === 1 }),
    random: fc
      .record({ time: size(4), batch: size(6), nIn: size(5), hidden: size(6), initial: fc.boolean() })
      .map((s) => caseOf(name, gates, states, s)),
    tolerance: 2e-5,
    differentiable: true,
  };
}

const cutCase = (time: number, batch: number, n: number): Case => {
  const lengths = Array.from({ length: batch }, (_, b) => (b * 3 + 1) % (time + 1));
  return {
    shapes: [[time, batch, n]],
    values: ["any"],
    apply: ([x]) => cutAt(x, tensor(Int32Array.from(lengths))),
    oracle: ([x]) => build(x.shape, (index) => (index[0] < lengths[index[1]] ? at(x, index) : 0)),
  };
};

export const recurrentOracles: Oracles = {
  cutOp: {
    line: (n) => cutCase(3, 4, n),
    random: fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.nat(5), fc.nat(6))
      .map(([time, batch, n]) => cutCase(time, batch, n)),
    tolerance: 0,
    differentiable: true,
  },
  lstmOp: oracleOf("lstm", 4, 2),
  gruOp: oracleOf("gru", 3, 1),
  simpleRnnOp: oracleOf("simpleRnn", 1, 1),
};
