// The library against PyTorch 1.13 in float64: the cases of ../shared/reference/torch.json, forward and backward.
// Skipped aloud where the file is not there; ops that the library does not have are counted and named.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import * as library from "../../src/index.js";

const { mul, nn, optim, reshape, slice, softmaxCrossEntropy, sum } = library;
const file = new URL("../../../shared/reference/torch.json", import.meta.url);

interface Values {
  readonly shape: number[];
  readonly dtype: "float32" | "int32";
  readonly data: number[];
}
interface Case {
  readonly name: string;
  readonly op: string;
  readonly args: { readonly [name: string]: any };
  readonly inputs: Values[];
  readonly output: Values;
  readonly upstream: Values;
  readonly grads: (Values | null)[];
}
interface OptimizerCase {
  readonly name: string;
  readonly args: { readonly [name: string]: any };
  readonly params0: Values;
  readonly grads: Values[];
  readonly params: Values[];
}
interface ClipCase {
  readonly name: string;
  readonly args: { readonly maxNorm: number };
  readonly inputs: Values[];
  readonly output: Values[];
}

const found = existsSync(file);
const all: any[] = found ? JSON.parse(readFileSync(file, "utf8")).cases : [];
const toTensor = (v: Values): Tensor =>
  tensor(v.dtype === "int32" ? Int32Array.from(v.data) : Float32Array.from(v.data), v.shape);

type Apply = (inputs: Tensor[], args: Case["args"]) => Tensor;

// float32 against float64: elementary functions and single roundings 1e-6, sums of up to 120 terms 1e-5, as for
// what cancels in the gradient of a softmax,
// twenty layers 1e-4; all relative to 1 + |value|
const ops: { [op: string]: [tolerance: number, apply: Apply] } = {
  add: [1e-6, ([a, b]) => library.add(a, b)],
  sub: [1e-6, ([a, b]) => library.sub(a, b)],
  mul: [1e-6, ([a, b]) => mul(a, b)],
  div: [1e-5, ([a, b]) => library.div(a, b)],
  sum: [1e-5, ([x], { axis, keepDims }) => sum(x, { axis, keepDims })],
  mean: [1e-6, ([x], { axis, keepDims }) => library.mean(x, { axis, keepDims })],
  max: [1e-6, ([x], { axis, keepDims }) => library.max(x, { axis, keepDims })],
  matmul: [1e-5, ([a, b]) => library.matmul(a, b)],
  linear: [1e-5, ([x, w, b]) => library.linear(x, w, b)],
  softmax: [1e-5, ([x], { axis, scaleInput }) => library.softmax(scaleInput ? mul(x, scaleInput) : x, axis)],
  transpose: [0, ([x], { axes }) => library.transpose(x, axes)],
  reshape: [0, ([x], { shape }) => reshape(x, shape)],
  slice: [
    0,
    ([x], { start, end }) =>
      slice(
        x,
        start,
        end.map((to: number, d: number) => to - start[d]),
      ),
  ],
  concat: [0, (inputs, { axis }) => library.concat(inputs, axis)],
  broadcastTo: [1e-6, ([x], { shape }) => library.broadcastTo(x, shape)],
  softmaxCrossEntropy: [
    1e-5,
    // the library has the mean; a sum is the mean times the count
    ([x, y], { reduction }) => mul(softmaxCrossEntropy(x, y), reduction === "sum" ? y.size : 1),
  ],
  meanSquaredError: [1e-5, ([x, y], { reduction }) => mul(nn.meanSquaredError(x, y), reduction === "sum" ? x.size : 1)],
  mlp: [
    1e-4,
    ([x, y, ...weights], { sizes }) => {
      const model = nn.mlp(sizes);
      const layers = weights.map((weight, i) => ({ weight, bias: library.zeros([sizes[i + 1]]) }));
      return softmaxCrossEntropy(model.apply({ layers }, x), y);
    },
  ],
};
// one tensor in, one out, and no settings: every function of that name the library has
for (const name of ["exp", "log", "tanh", "sigmoid", "relu", "neg", "sin", "cos", "sqrt", "abs", "square"] as const) {
  const f = (library as { [name: string]: unknown })[name];
  if (typeof f === "function") ops[name] = [2e-6, ([x]) => (f as (x: Tensor) => Tensor)(x)];
}

const optimizers: { [kind: string]: (args: any) => ReturnType<typeof optim.sgd> } = {
  sgd: ({ lr }) => optim.sgd(lr),
  momentum: ({ lr, momentum, dampening }) => optim.sgd(lr, { momentum, dampening }),
  nesterov: ({ lr, momentum }) => optim.sgd(lr, { momentum, nesterov: true }),
  adam: ({ lr, betas: [beta1, beta2], eps }) => optim.adam(lr, { beta1, beta2, epsilon: eps }),
};

/** What the library cannot do yet although it has the op. */
const beyond = ({ op, inputs }: Case): boolean => op === "matmul" && inputs.some(({ shape }) => shape.length !== 2);

const isOptimizer = (c: { op: string }): boolean => c.op === "optimizer";
const isClip = (c: { op: string }): boolean => c.op === "clipByGlobalNorm";
const possible = (c: any): boolean =>
  isClip(c) || (isOptimizer(c) ? c.args.kind in optimizers : c.op in ops && !beyond(c));
const missing = all.filter((c) => !possible(c));
const missingNames = [
  ...new Set(missing.map((c) => (isOptimizer(c) ? c.args.kind : beyond(c) ? `${c.op} of more axes` : c.op))),
];
console.log(
  found
    ? `torch.json: ${all.length - missing.length} of ${all.length} cases; ${missingNames.length} ops not there yet: ${missingNames.join(", ")}`
    : `torch.json: SKIPPED, there is no ${file.pathname}`,
);

function expectClose(got: Tensor, want: Values, tolerance: number, what: string): void {
  expect(got.shape, what).toEqual(want.shape);
  const { data } = got;
  want.data.forEach((w, i) => {
    const error = Math.abs(data[i] - w) / (1 + Math.abs(w));
    // the file rounds to nine decimals
    if (!(error <= Math.max(tolerance, 1e-7))) expect.fail(`${what}: ${data[i]} instead of ${w} at ${i}`);
  });
}

describe.skipIf(!found)("as PyTorch computes it", () => {
  it("the file has the cases it had when this was written, or more", () => {
    expect(all.length).toBeGreaterThanOrEqual(205);
    expect(all.length - missing.length).toBeGreaterThanOrEqual(93);
  });

  it.each(all.filter((c) => possible(c) && !isOptimizer(c) && !isClip(c)).map((c: Case) => [c.name, c] as const))(
    "%s, and its gradient",
    (_, c) => {
      const [tolerance, apply] = ops[c.op];
      const inputs = c.inputs.map(toTensor);
      expectClose(apply(inputs, c.args), c.output, tolerance, "the output");
      const upstream = toTensor(c.upstream);
      const { gradients } = valueAndGrad((x: Tensor[]) => sum(mul(apply(x, c.args), upstream)))(inputs);
      c.grads.forEach((want, i) => {
        if (want) expectClose(gradients[i], want, tolerance, `the gradient by input ${i}`);
      });
    },
  );

  it.each(all.filter((c) => isOptimizer(c) && possible(c)).map((c: OptimizerCase) => [c.name, c] as const))(
    "%s, step by step",
    (_, c) => {
      const optimizer = optimizers[c.args.kind](c.args);
      let params = { w: toTensor(c.params0) };
      let state = optim.init(optimizer, params);
      c.grads.forEach((g, step) => {
        const next = optim.update(optimizer, { w: toTensor(g) }, state);
        state = next.state;
        params = optim.applyUpdates(params, next.updates);
        expectClose(params.w, c.params[step], 2e-6, `after step ${step}`);
      });
    },
  );

  it.each(all.filter(isClip).map((c: ClipCase) => [c.name, c] as const))("%s", (_, c) => {
    const optimizer = optim.clipByGlobalNorm(c.args.maxNorm);
    const gradients = c.inputs.map(toTensor);
    const { updates } = optim.update(optimizer, gradients, optim.init(optimizer, gradients));
    c.output.forEach((want, i) => {
      expectClose(updates[i], want, 1e-6, `part ${i}`);
    });
  });
});
