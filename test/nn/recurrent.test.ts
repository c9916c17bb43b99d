// Recurrent layers and cells: they agree, start as they say, stack, and run in both directions.
import { describe, expect, it } from "vitest";
import { checkGrad, valueAndGrad } from "../../src/autodiff/grad.js";
import { key, normal, split } from "../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { digest } from "../../src/files/save.js";
import { convGru } from "../../src/nn/conv-gru.js";
import {
  type Cell,
  gru,
  gruCell,
  lstm,
  lstmCell,
  type RecurrentLayer,
  simpleRnn,
  simpleRnnCell,
} from "../../src/nn/recurrent.js";
import { add, mul, neg, saturatingSigmoid, sigmoid, tanh } from "../../src/ops/elementwise/index.js";
import { conv2d } from "../../src/ops/image/conv.js";
import { stack } from "../../src/ops/layout/arrange.js";
import { concat, reshape, reverse, slice } from "../../src/ops/layout/layout.js";
import { mean, sum } from "../../src/ops/reduce/reduce.js";

const [time, batch, nIn, nHidden] = [6, 5, 3, 7];
const x = normal(key(5), [time, batch, nIn]);
const stepOf = (t: number): Tensor => reshape(slice(x, [t, 0, 0], [1, batch, nIn]), [batch, nIn]);

type Any = [string, RecurrentLayer<any, any>, Cell<any, any>, (state: any) => Tensor];
const kinds: Any[] = [
  ["lstm", lstm(nIn, nHidden), lstmCell(nIn, nHidden), ({ h }) => h],
  ["gru", gru(nIn, nHidden), gruCell(nIn, nHidden), (h) => h],
  ["simpleRnn", simpleRnn(nIn, nHidden), simpleRnnCell(nIn, nHidden), (h) => h],
];

function unrolled(cell: Cell<any, any>, hiddenOf: (state: any) => Tensor, params: any): Tensor {
  let state = cell.start(batch);
  const outputs = Array.from({ length: time }, (_, t) => {
    state = cell.apply(params, state, stepOf(t));
    return hiddenOf(state);
  });
  return stack(outputs);
}

const weighed = (y: Tensor): Tensor =>
  sum(
    mul(
      y,
      tensor(
        Float32Array.from({ length: y.size }, (_, i) => (i % 7) - 3),
        y.shape,
      ),
    ),
  );

describe.each(kinds)("%s", (name, layer, cell, hiddenOf) => {
  const params = layer.init(key(2));

  it("gives the bits of its cell, step by step", () => {
    expect(layer.apply(params, x).data).toEqual(unrolled(cell, hiddenOf, params).data);
    expect(digest(cell.init(key(2)))).toBe(digest(params));
  });

  it("has its cell's gradients", () => {
    const whole = valueAndGrad((p: any) => weighed(layer.apply(p, x)))(params).gradients;
    const steps = valueAndGrad((p: any) => weighed(unrolled(cell, hiddenOf, p)))(params).gradients;
    for (const [name, got] of Object.entries<Tensor>(steps))
      got.data.forEach((v, i) => {
        expect(Math.abs(whole[name].data[i] - v), `${name} at ${i}`).toBeLessThan(1e-4 * (1 + Math.abs(v)));
      });
  });

  it("goes on from a state: two halves give the whole", () => {
    const whole = layer.run(params, x);
    const first = layer.run(params, slice(x, [0, 0, 0], [2, batch, nIn]));
    const rest = layer.run(params, slice(x, [2, 0, 0], [time - 2, batch, nIn]), first.state);
    expect(concat([first.outputs, rest.outputs]).data).toEqual(whole.outputs.data);
    expect(rest.state).toEqual(whole.state);
  });

  it("has the gradient of the sequence through the state", () => {
    const loss = ({ p, input }: any): Tensor => {
      const { state } = layer.run(p, input);
      return weighed(concat([hiddenOf(state), hiddenOf(layer.run(p, input, state).state)]));
    };
    checkGrad(loss, { p: params, input: normal(key(8), [3, 2, nIn]) }, { tolerance: 0.02 });
  });

  it("runs at batch 1 and time 1", () => {
    expect(layer.apply(params, zeros([1, 1, nIn])).shape).toEqual([1, 1, nHidden]);
  });

  it("refuses sizes that are none, and sequences of no steps", () => {
    const make = ({ lstm, gru, simpleRnn } as any)[name];
    expect(() => make(0, 3)).toThrow(`${name}: "nIn" expected an integer >= 1, got 0`);
    expect(() => make(3, 1.5)).toThrow(`${name}: "nHidden" expected an integer >= 1, got 1.5`);
    expect(() => layer.apply(params, zeros([0, 2, nIn]))).toThrow("It needs at least one time step");
  });
});

describe("lstm", () => {
  const gateOf = (bias: Tensor, gate: number): number[] => Array.from(bias.data.slice(gate * 4, gate * 4 + 4));

  it("starts with forget biases of 1 and the others 0", () => {
    const { bias } = lstm(3, 4).init(key(1));
    expect([0, 1, 2, 3].map((gate) => gateOf(bias, gate))).toEqual([0, 1, 0, 0].map((v) => Array(4).fill(v)));
    expect(gateOf(lstm(3, 4, { forgetBias: -2 }).init(key(1)).bias, 1)).toEqual(Array(4).fill(-2));
  });

  it("starts with weights uniform in 1 / sqrt(nHidden), of keys of their own", () => {
    const { inputWeight, hiddenWeight } = lstm(4, 4).init(key(1));
    expect(Math.max(...inputWeight.data, ...hiddenWeight.data)).toBeLessThan(0.5);
    expect(Math.min(...inputWeight.data, ...hiddenWeight.data)).toBeGreaterThanOrEqual(-0.5);
    expect(inputWeight.data).not.toEqual(hiddenWeight.data);
  });

  it("stacks, and runs in both directions, by composition", () => {
    const [first, forwards, backwards] = [lstm(nIn, 4), lstm(4, 2), lstm(4, 2)];
    const keys = split(key(1), 3);
    const p = { a: first.init(keys[0]), b: forwards.init(keys[1]), c: backwards.init(keys[2]) };
    const h = first.apply(p.a, x);
    const both = concat([forwards.apply(p.b, h), reverse(backwards.apply(p.c, reverse(h)))], -1);
    expect(both.shape).toEqual([time, batch, 4]);
    // backwards, the last step is the first: it has seen one input only
    const last = backwards.apply(p.c, slice(h, [time - 1, 0, 0], [1, batch, 4]));
    expect(slice(both, [time - 1, 0, 2], [1, batch, 2]).data).toEqual(last.data);
  });
});

describe("convGru", () => {
  const cell = convGru(4);
  const params = cell.init(key(1));
  const state = normal(key(2), [2, 5, 3, 4]);
  const expected = (gate: (x: Tensor) => Tensor): Tensor => {
    const convolve = ({ weight, bias }: typeof params.reset, s: Tensor) => conv2d(s, weight, bias, { padding: "same" });
    const u = gate(convolve(params.update, state));
    const r = gate(convolve(params.reset, state));
    const candidate = tanh(convolve(params.candidate, mul(r, state)));
    return add(mul(u, state), mul(add(1, neg(u)), candidate));
  };

  it.each([
    ["sigmoid", sigmoid],
    ["the Neural GPU's gate", saturatingSigmoid],
    ["a gate of one's own", (v: Tensor) => mul(0.5, add(1, tanh(v)))],
  ])("is the paper's equation with %s", (_, gate) => {
    const got = convGru(4, { gate }).apply(params, state);
    expect(got.shape).toEqual(state.shape);
    expected(gate).data.forEach((v, i) => {
      expect(got.data[i]).toBeCloseTo(v, 5);
    });
  });

  it("starts from zeros with gate biases of 1", () => {
    expect(cell.start(2, 5, 3)).toEqual(zeros([2, 5, 3, 4]));
    expect([params.reset, params.update, params.candidate].map(({ bias }) => bias.data[3])).toEqual([1, 1, 0]);
    expect(params.reset.weight.shape).toEqual([3, 3, 4, 4]);
    expect(params.reset.weight.data).not.toEqual(params.update.weight.data);
  });

  it("has the gradients of central differences over two steps", () => {
    checkGrad(
      (p: { params: typeof params; s: Tensor }) => mean(mul(cell.apply(p.params, cell.apply(p.params, p.s)), 40)),
      { params, s: slice(state, [0, 0, 0, 0], [1, 3, 2, 4]) },
      { tolerance: 0.02 },
    );
  });

  it("refuses sizes that are none", () => {
    expect(() => convGru(0)).toThrow('convGru: "maps" expected an integer >= 1, got 0');
    expect(() => cell.start(2, 0, 3)).toThrow('convGru: "length" expected an integer >= 1, got 0');
  });
});
