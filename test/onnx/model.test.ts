// The written model itself, taken apart: versions, nodes, weights by path, sizes by name; and what cannot be written.
import { describe, expect, it } from "vitest";
import { recompute } from "../../src/autodiff/custom.js";
import { key, normal } from "../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import * as nn from "../../src/nn/index.js";
import { toONNX } from "../../src/onnx/index.js";
import { defineOp, run } from "../../src/ops/define.js";
import { dropout } from "../../src/ops/elementwise/dropout.js";
import { relu, tanh } from "../../src/ops/elementwise/index.js";
import { conv2d } from "../../src/ops/image/conv.js";
import "../../src/ops/methods.js";
import { concat } from "../../src/ops/layout/layout.js";
import { softmax } from "../../src/ops/loss/softmax.js";
import { matmul } from "../../src/ops/product/matmul.js";
import { decodeOnnx } from "./decode.js";

const kindsOf = (model: Uint8Array): string[] => decodeOnnx(model).nodes.map(({ kind }) => kind);
const floats = (bytes: Uint8Array): number[] => Array.from(new Float32Array(bytes.slice().buffer));

describe("the model of an mlp", () => {
  const mlp = nn.mlp([3, 4, 2]);
  const params = mlp.init(key(1));
  const decoded = decodeOnnx(toONNX(mlp.apply, params, zeros([5, 3]), { name: "digits" }));

  it("says what it is", () => {
    expect([decoded.irVersion, decoded.opset, decoded.producer, decoded.graph]).toEqual([8, 17, "gradnoise", "digits"]);
  });

  it("is a node per op, each fed by what came before", () => {
    expect(decoded.nodes.map(({ kind, inputs }) => [kind, ...inputs.slice(1)])).toEqual([
      ["Gemm", "layers[0].weight", "layers[0].bias"],
      ["Relu"],
      ["Gemm", "layers[1].weight", "layers[1].bias"],
      ["Identity"],
    ]);
    const known = new Set([...decoded.inputs, ...decoded.constants].map(({ name }) => name));
    for (const { inputs, outputs } of decoded.nodes) {
      for (const name of inputs) expect(known).toContain(name);
      for (const name of outputs) known.add(name);
    }
    expect(decoded.outputs.every(({ name }) => known.has(name))).toBe(true);
  });

  it("holds the weights by their paths, bit by bit", () => {
    expect(decoded.constants.map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ["layers[0].weight", 1, [3, 4]],
      ["layers[0].bias", 1, [4]],
      ["layers[1].weight", 1, [4, 2]],
      ["layers[1].bias", 1, [2]],
    ]);
    expect(floats(decoded.constants[0].bytes)).toEqual(Array.from(params.layers[0].weight.data));
  });

  it("leaves the size of the batch open, unless it is told not to", () => {
    expect([decoded.inputs, decoded.outputs]).toEqual([
      [{ name: "x", type: 1, shape: ["batch", 3] }],
      [{ name: "y", type: 1, shape: ["batch", 2] }],
    ]);
    const fixed = decodeOnnx(toONNX(mlp.apply, params, zeros([5, 3]), { dynamicBatch: false }));
    expect([fixed.inputs[0].shape, fixed.outputs[0].shape]).toEqual([
      [5, 3],
      [5, 2],
    ]);
  });
});

describe("a model", () => {
  const x = zeros([2, 4]);

  it("has its inputs, outputs and int32 by name", () => {
    const decoded = decodeOnnx(
      toONNX(
        (p, { a, ids }) => ({ a: a.add(p.a), ids: concat([ids, ids]) }),
        { a: tensor([1, 2, 3, 4]) },
        { a: x, ids: tensor([1, 2], { dtype: "int32" }) },
      ),
    );
    expect(decoded.inputs.map(({ name, type }) => [name, type])).toEqual([
      ["a", 1],
      ["ids", 6],
    ]);
    expect(decoded.outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ["a_out", ["batch", 4]],
      ["ids_out", ["2 * batch"]],
    ]);
    expect(decoded.constants.map(({ name }) => name)).toEqual(["params.a"]);
  });

  it("has attributes of every kind, negative ones too", () => {
    const { nodes } = decodeOnnx(toONNX((_, v) => softmax(v).transpose().sum({ axis: 0 }), {}, x));
    expect(nodes.map(({ attributes }) => attributes)).toEqual([{ axis: -1 }, { perm: [1, 0] }, { keepdims: 0 }, {}]);
  });

  it("leaves out what the result does not need", () => {
    const unused = (p: { w: Tensor; v: Tensor }, v: Tensor): Tensor => {
      dropout(v, 0.5, key(1));
      tanh(v);
      return matmul(v, p.w);
    };
    const decoded = decodeOnnx(toONNX(unused, { w: zeros([4, 1]), v: zeros([9]) }, x));
    expect(decoded.nodes.map(({ kind }) => kind)).toEqual(["MatMul", "Identity"]);
    expect(decoded.constants.map(({ name }) => name)).toEqual(["w"]);
  });

  it("turns kernels once, when it is written, and images at the ends of a chain only", () => {
    const kernel = normal(key(1), [3, 3, 2, 2]);
    const net = (p: { k: Tensor }, v: Tensor): Tensor =>
      relu(conv2d(relu(conv2d(v, p.k, undefined, { padding: 1 })), p.k, undefined, { padding: 1 }));
    const decoded = decodeOnnx(toONNX(net, { k: kernel }, zeros([1, 5, 5, 2])));
    expect(decoded.nodes.map(({ kind }) => kind)).toEqual([
      "Transpose",
      "Conv",
      "Relu",
      "Conv",
      "Relu",
      "Transpose",
      "Identity",
    ]);
    expect(decoded.constants.map(({ shape }) => shape)).toEqual([[2, 2, 3, 3]]);
    const at = (o: number, i: number, y: number, z: number): number => ((o * 2 + i) * 3 + y) * 3 + z;
    const turned = floats(decoded.constants[0].bytes);
    expect(turned[at(1, 0, 2, 1)]).toBe((kernel.toArray() as number[][][][])[2][1][0][1]);
  });

  it("computes sizes that follow the batch", () => {
    const program = (_: object, v: Tensor): Tensor =>
      v.reshape([v.shape[0], 2, 2]).slice([1, 0, 0], [v.shape[0] - 1, 2, 2]);
    const decoded = decodeOnnx(toONNX(program, {}, x));
    expect(decoded.outputs[0].shape).toEqual(["batch - 1", 2, 2]);
    expect(decoded.nodes.map(({ kind }) => kind)).toEqual(["Reshape", "Slice", "Identity"]);
  });

  it("does not depend on what the arena held before", () => {
    const program = (p: { w: Tensor }, v: Tensor): Tensor => matmul(v, p.w).add(1);
    const first = toONNX(program, { w: normal(key(1), [4, 3]) }, x);
    toONNX((_, v) => v.mul(7), {}, normal(key(3), [50, 4]));
    expect(toONNX(program, { w: normal(key(1), [4, 3]) }, x)).toEqual(first);
  });
});

describe("toONNX refuses", () => {
  const x = zeros([2, 4]);

  it("an op that it does not know, by its name", () => {
    const lastOp = defineOp({
      name: "toString",
      inputs: { x: "float32" },
      shape: ({ x }) => x.shape,
      forward: () => {},
      backward: null,
    });
    expect(() => toONNX((_, v) => run(lastOp, undefined, v), {}, x)).toThrow(
      "toONNX: the op toString [2, 4] has no ONNX form here. Leave it out of the function, or write it with others. There are: abs, accuracy, add, ",
    );
    expect(() => toONNX((_, v) => recompute(relu, v), {}, x)).toThrow(
      new TypeError(
        "toONNX: the op recompute [2, 4] has no ONNX form here. It saves memory in training only: call the function itself",
      ),
    );
    expect(() => toONNX((_, v) => dropout(v, 0.5, key(1)), {}, x)).toThrow(
      new TypeError(
        "toONNX: dropout draws anew at every call. Export what the model does when it is used: model.apply(params, x) without a training context",
      ),
    );
    expect(kindsOf(toONNX((_, v) => dropout(v, 0, key(1)), {}, x))).toEqual(["Identity"]);
  });

  it("programs that change with the batch in a way no graph follows", () => {
    const hint = "Pass { dynamicBatch: false }";
    expect(() => toONNX((_, v) => v.mul(1 / v.shape[0]), {}, x)).toThrow(
      new RegExp(`^toONNX: constant has attributes that depend on the batch: 0.5, 0.333\\d+, 0.142\\d+, 1. ${hint}$`),
    );
    expect(() => toONNX((_, v) => (v.shape[0] > 2 ? relu(v) : tanh(v)), {}, x)).toThrow(
      `toONNX: the function does other ops for a batch of 3 than for 2, from op 1 on. ${hint}`,
    );
    expect(() => toONNX((_, v) => v.reshape([2, 4]), {}, x)).toThrow(
      `toONNX: the function fails for a batch of 3: reshape: [3, 4] holds 12 elements, which do not fill [2, 4]. ${hint}`,
    );
    expect(() => toONNX((_, v) => matmul(v, v, { transposeB: true }).reshape([-1]), {}, x)).toThrow(
      `toONNX: the result of reshape has 4, 9, 49, 1 entries along axis 0 for batches of 2, 3, 7, 1: no multiple of the batch. ${hint}`,
    );
    expect(() => toONNX((_, v) => v.add(tensor(Array.from({ length: v.shape[0] }, (_, i) => [i]))), {}, x)).toThrow(
      `toONNX: the tensor [2, 1] that the function brings along has other values for other sizes of the batch. ${hint}`,
    );
    expect(() => toONNX((_, v) => v, {}, tensor(1))).toThrow(
      `toONNX: the input x [] has no first axis for the batch. ${hint}`,
    );
  });
});

describe("the table of ops", () => {
  it("needs no op at all for a function that gives back its input", () => {
    expect(kindsOf(toONNX((_, v) => v, {}, zeros([1])))).toEqual(["Identity"]);
  });
});
