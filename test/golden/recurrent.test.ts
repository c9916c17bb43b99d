// The recurrent ops against PyTorch: outputs, last states and every gradient, from an initial state.
import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { add, mul } from "../../src/ops/elementwise/index.js";
import { concat, slice, transpose } from "../../src/ops/layout/layout.js";
import { sum } from "../../src/ops/reduce/reduce.js";
import { gru, lstm, simpleRnn } from "../../src/ops/sequence/recurrent.js";
import golden from "./recurrent.json"; // made by test/golden/recurrent.py

interface Values {
  shape: number[];
  data: number[];
}
interface Inputs {
  x: Tensor;
  initial: Tensor[];
  weight_ih_l0: Tensor;
  weight_hh_l0: Tensor;
  bias_ih_l0: Tensor;
  bias_hh_l0: Tensor;
}

const toTensor = ({ shape, data }: Values): Tensor => tensor(Float32Array.from(data), shape);

/** Outputs and last states from PyTorch's weights: transposed, and with the two biases added where both are outside. */
function run(kind: string, p: Inputs): Tensor[] {
  const weights = { inputWeight: transpose(p.weight_ih_l0), hiddenWeight: transpose(p.weight_hh_l0) };
  if (kind === "gru") {
    const hidden = p.weight_hh_l0.shape[1];
    const gates = (b: Tensor): Tensor => slice(b, [0], [2 * hidden]);
    const last = (b: Tensor): Tensor => slice(b, [2 * hidden], [hidden]);
    const bias = concat([add(gates(p.bias_ih_l0), gates(p.bias_hh_l0)), last(p.bias_ih_l0)]);
    const { outputs, state } = gru(p.x, { ...weights, bias, hiddenBias: last(p.bias_hh_l0) }, p.initial[0]);
    return [outputs, state];
  }
  const all = { ...weights, bias: add(p.bias_ih_l0, p.bias_hh_l0) };
  if (kind === "simpleRnn") {
    const { outputs, state } = simpleRnn(p.x, all, p.initial[0]);
    return [outputs, state];
  }
  const { outputs, state } = lstm(p.x, all, { h: p.initial[0], c: p.initial[1] });
  return [outputs, state.h, state.c];
}

function expectClose(got: Tensor, want: Values, what: string): void {
  expect(got.shape, what).toEqual(want.shape);
  want.data.forEach((w, i) => {
    if (!(Math.abs(got.data[i] - w) <= 3e-6 * (1 + Math.abs(w))))
      expect.fail(`${what}: ${got.data[i]} instead of ${w} at ${i}`);
  });
}

describe.each(golden.cases)("$kind", ({ kind, x, initial, weights, results, upstream, gradients }) => {
  const inputs: Inputs = {
    x: toTensor(x),
    initial: initial.map(toTensor),
    weight_ih_l0: toTensor(weights.weight_ih_l0),
    weight_hh_l0: toTensor(weights.weight_hh_l0),
    bias_ih_l0: toTensor(weights.bias_ih_l0),
    bias_hh_l0: toTensor(weights.bias_hh_l0),
  };

  it("gives PyTorch's outputs and last state", () => {
    run(kind, inputs).forEach((t, i) => {
      expectClose(t, results[i], `result ${i}`);
    });
  });

  it("has PyTorch's gradients by the input, the initial state and all weights", () => {
    const loss = (p: Inputs): Tensor =>
      run(kind, p)
        .map((t, i) => sum(mul(t, toTensor(upstream[i]))))
        .reduce((a, b) => add(a, b));
    const got = valueAndGrad(loss)(inputs).gradients;
    const { initial: byState, ...others } = gradients;
    for (const [name, want] of Object.entries(others)) expectClose(got[name as "x"], want, `the gradient by ${name}`);
    byState.forEach((want, i) => {
      expectClose(got.initial[i], want, `the gradient by initial state ${i}`);
    });
  });
});
