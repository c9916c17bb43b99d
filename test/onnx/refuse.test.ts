// What toONNX refuses: what is no function of params and x, what reads or follows the example instead of its arguments, and
// what an entry of the table of ops does not know.
import { describe, expect, it } from "vitest";
import * as g from "../../src/index.js";
import { encodeOnnx } from "../../src/onnx/encode.js";
import { checkKnown } from "../../src/onnx/entry.js";
import { toONNX } from "../../src/onnx/index.js";
import { onnxEntries } from "../../src/onnx/ops.js";
import { decodeOnnx } from "./decode.js";

const { random, tensor, zeros } = g;
type Tensor = g.Tensor;
const x = random.normal(random.key(1), [2, 4]);
const w = random.normal(random.key(2), [4, 3]);
const write = (f: unknown, params: unknown = {}, example: unknown = x, options?: unknown): Uint8Array =>
  (toONNX as any)(f, params, example, options);
const fixed = "Pass { dynamicBatch: false }";

describe("toONNX refuses what is no", () => {
  it("function of params and x", () => {
    expect(() => write(7)).toThrow(new TypeError("toONNX: expected a function of params and x, got 7"));
    expect(() => write(class A {})).toThrow(new TypeError("toONNX: expected a function of params and x, got a class"));
    expect(() => write(g.nn.linear(4, 3))).toThrow(
      new TypeError("toONNX: expected a function of params and x, got an object { init, apply }. Pass its apply"),
    );
    const lost = class {
      w = w;
      predict() {
        return this.w;
      }
    };
    expect(() => write(new lost().predict)).toThrow(
      new TypeError(
        "toONNX: the function throws a TypeError, which is the cause of this one. Does it take these params and x? A method loses its object: write (params, x) => ...",
      ),
    );
  });

  it("tree of tensors", () => {
    const way = "Pass an example of the input, such as zeros([1, 3]), or a tree of them";
    const kind = "expected a tensor, an array or a plain object, got";
    const f = (_: unknown, v: unknown) => v;
    expect(() => (toONNX as any)(f, {})).toThrow(new TypeError(`toONNX: x: ${kind} undefined. ${way}`));
    expect(() => write(f, {}, [[1, 2]])).toThrow(new TypeError(`toONNX: x[0][0]: ${kind} 1. ${way}`));
    expect(() => write(f, {}, { x, training: false })).toThrow(`toONNX: x.training: ${kind} false. ${way}`);
    expect(() => write(f, {}, {})).toThrow(new TypeError(`toONNX: x holds no tensor. ${way}`));
    expect(() => write(f, null)).toThrow(
      `toONNX: params: ${kind} null. Pass the tree of parameters, such as trainer.params; without any, {}`,
    );
  });

  it("option", () => {
    const f = (_: unknown, v: Tensor) => v;
    expect(() => write(f, {}, x, { dynamicbatch: false })).toThrow(
      new TypeError(
        'toONNX: there is no option "dynamicbatch". Did you mean "dynamicBatch"? There are: dynamicBatch, name',
      ),
    );
    expect(() => write(f, {}, x, { dynamicBatch: 1 })).toThrow('toONNX: "dynamicBatch" expected true or false, got 1');
    expect(() => write(f, {}, x, { name: "" })).toThrow(
      new TypeError('toONNX: "name" expected a text that is not empty, got ""'),
    );
    expect(() => write(f, {}, x, "net")).toThrow(/^toONNX: expected options \{ dynamicBatch, name \}, got "net"/);
  });
});

describe("toONNX refuses a function that", () => {
  it("returns no tensor, or later", () => {
    const way = "Return a tensor, or a tree of them";
    const kind = "toONNX: the result: expected a tensor, an array or a plain object, got";
    expect(() => write(() => 3)).toThrow(new TypeError(`${kind} 3. ${way}`));
    expect(() => write(() => undefined)).toThrow(`${kind} undefined. ${way}`);
    expect(() => write((_: unknown, v: Tensor) => v.data)).toThrow(`${kind} a Float32Array of 8. ${way}`);
    expect(() => write(() => ({}))).toThrow(
      new TypeError(`toONNX: the function returned an empty object without a tensor. ${way}`),
    );
    // its rejection is nobody's, and ends no process
    expect(() => write(async () => Promise.reject(new Error("late")))).toThrow(
      new TypeError(`toONNX: the function returned a Promise; it must compute at once. ${way}`),
    );
  });

  it("uses the caller's own tensors instead of its arguments", () => {
    expect(() => write(() => g.relu(x))).toThrow(
      new TypeError(
        "toONNX: the function uses x [2, 4] from outside instead of its second argument. Use the argument: (params, x) => ...",
      ),
    );
    expect(() => write((_: unknown, v: Tensor) => g.matmul(v, w), { w })).toThrow(
      "toONNX: the function uses params.w [4, 3] from outside instead of its first argument. Use the argument",
    );
    // others are constants of the model, and one tensor may be two parameters
    expect(decodeOnnx(write((_: unknown, v: Tensor) => g.matmul(v, w))).constants.length).toBe(1);
    const tied = (p: { a: Tensor; b: Tensor }, v: Tensor) => g.matmul(v, g.add(p.a, p.b));
    expect(decodeOnnx(write(tied, { a: w, b: w })).constants.length).toBe(2);
  });

  it("uses none of its parameters, or none of its inputs", () => {
    expect(() => write((_: unknown, v: Tensor) => g.matmul(v, g.mul(w, 1)), { w: zeros([4, 3]) })).toThrow(
      new TypeError(
        "toONNX: the result depends on no tensor in params. Let the function use its first argument, or pass {} for params",
      ),
    );
    const constant = new TypeError(
      "toONNX: the result depends on no input, so the model would be a constant. Let the function use its second argument",
    );
    expect(() => write(() => zeros([2]))).toThrow(constant);
    expect(() => write((p: { w: Tensor }) => p.w, { w })).toThrow(constant);
    // one of several outputs may be a parameter
    const both = (p: { w: Tensor }, v: Tensor) => ({ w: p.w, v, y: g.matmul(v, p.w) });
    expect(decodeOnnx(write(both, { w })).outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ["w", [4, 3]],
      ["v", ["batch", 4]],
      ["y", ["batch", 3]],
    ]);
  });

  it("computes with values read from the example", () => {
    const way = "Compute with ops, not with .item() or .data; where(...) writes a choice";
    const scaled = (_: unknown, v: Tensor) => g.mul(v, g.mean(v).item());
    for (const options of [{}, { dynamicBatch: false }])
      expect(() => write(scaled, {}, zeros([1, 4]), options)).toThrow(
        new TypeError(
          `toONNX: the number 0 is another for other values of x: the model would keep that of the example. ${way}`,
        ),
      );
    const shifted = (_: unknown, v: Tensor) => g.sub(v, tensor(Array.from(v.data.slice(0, 4))));
    expect(() => write(shifted)).toThrow(
      `toONNX: the tensor [4] that the function brings along is another for other values of x: the model would keep that of the example. ${way}`,
    );
    const cut = (_: unknown, v: Tensor) => g.slice(v, [0, g.sum(v).item() > 0 ? 1 : 0], [v.shape[0], 1]);
    expect(() => write(cut, {}, x, { dynamicBatch: false })).toThrow(
      /^toONNX: slice with an object \{ start, size \} is another for other values of x/,
    );
    const branch = (_: unknown, v: Tensor) => (g.mean(v).item() > 0.1 ? g.relu(v) : g.tanh(v));
    expect(() => write(branch)).toThrow(
      `toONNX: the function does other ops for other values of x, from op 2 on: the model would always do those of the example. ${way}`,
    );
  });
});

describe("a size that equals the batch's by accident", () => {
  it("stays what it is", () => {
    // everything is 4 in the example
    const v = random.normal(random.key(3), [4, 4]);
    const square = random.normal(random.key(4), [4, 4]);
    const f = (p: { w: Tensor }, t: Tensor) => ({
      y: g.matmul(t, p.w),
      turned: g.transpose(t),
      fixed: g.matmul(t, t, { transposeA: true }),
      pairs: g.reshape(t, [-1, 2]),
      rows: g.slice(t, [0, 0], [1, 4]),
      added: g.add(g.expandDims(t, 0), g.expandDims(p.w, 1)),
    });
    const { outputs } = decodeOnnx(write(f, { w: square }, v));
    expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ["y", ["batch", 4]],
      ["turned", [4, "batch"]],
      ["fixed", [4, 4]],
      ["pairs", ["2 * batch", 2]],
      ["rows", [1, 4]],
      ["added", [4, "batch", 4]],
    ]);
  });

  it("and a batch of one is no axis of size 1", () => {
    const f = (p: { b: Tensor }, t: Tensor) => g.add(t, p.b);
    expect(decodeOnnx(write(f, { b: zeros([1, 4]) }, zeros([1, 4]))).outputs[0].shape).toEqual(["batch", 4]);
    expect(() => write(f, { b: zeros([3, 4]) }, zeros([1, 4]))).toThrow(
      `toONNX: the function fails for a batch of 2: add: shapes [2, 4] and [3, 4] do not broadcast`,
    );
    expect(() => write((_: unknown, t: Tensor) => g.squeeze(t), {}, zeros([1, 1, 4]))).toThrow(
      "toONNX: the result of reshape is [4] for a batch of 1 and [2, 4] for 2. Name the axes that go, as in squeeze(x, -1)",
    );
    expect(() => write((_: unknown, t: Tensor) => g.squeeze(t), {}, zeros([2, 1, 4]))).toThrow(
      "toONNX: the result of reshape is [2, 4] for a batch of 2 and [4] for 1. Name the axes that go",
    );
    const stretch = (p: { b: Tensor }, t: Tensor) => g.add(t, g.broadcastTo(p.b, [t.shape[0], 4]));
    expect(() => write(stretch, { b: zeros([1, 4]) }, zeros([1, 4]))).toThrow(
      "toONNX: the function does other ops for a batch of 2 than for 1, from op 2 on. Pass an example of 2 rows or more, or { dynamicBatch: false }",
    );
    expect(decodeOnnx(write(stretch, { b: zeros([1, 4]) }, zeros([2, 4]))).outputs[0].shape).toEqual(["batch", 4]);
  });

  it("is refused where it is no multiple of the batch, near the example or far from it", () => {
    const upTo = (n: number) => (_: unknown, t: Tensor) => g.slice(t, [0, 0], [Math.min(t.shape[0], n), 4]);
    expect(() => write(upTo(4))).toThrow(
      `toONNX: the result of slice has 2, 3, 4, 1 entries along axis 0 for batches of 2, 3, 7, 1: no multiple of the batch. ${fixed}`,
    );
    expect(() => write(upTo(4), {}, zeros([6, 4]))).toThrow(/has 4, 4, 4, 1 entries along axis 0/);
  });

  it("is refused where values, wires or outputs follow it", () => {
    const other = (what: string) =>
      `toONNX: the tensor ${what} that the function brings along has other values for other sizes of the batch. ${fixed}`;
    expect(() => write((_: unknown, t: Tensor) => g.mul(t, tensor([1 / t.shape[0]])))).toThrow(other("[1]"));
    const shares = (_: unknown, t: Tensor) => g.mul(t, g.full([t.shape[0], 1], 1 / t.shape[0]));
    expect(() => write(shares)).toThrow(other("[2, 1]"));
    const wires = (_: unknown, t: Tensor) => {
      const [a, b] = [g.relu(t), g.relu(g.neg(t))];
      return g.tanh(t.shape[0] % 2 === 1 ? a : b);
    };
    expect(() => write(wires)).toThrow("toONNX: the function does other ops for a batch of 3 than for 2, from op 4 on");
    const swapped = (_: unknown, t: Tensor) => (t.shape[0] > 2 ? [t, g.relu(t)] : [g.relu(t), t]);
    expect(() => write(swapped)).toThrow("toONNX: the function does other ops for a batch of 3 than for 2");
    const list = (_: unknown, t: Tensor) => Array.from({ length: t.shape[0] }, () => t);
    expect(() => write(list)).toThrow("toONNX: the function does other ops for a batch of 3 than for 2");
  });

  it("is followed where a cut starts or ends with it", () => {
    const last = (_: unknown, t: Tensor) => g.slice(t, [t.shape[0] - 1, 0], [1, 4]);
    const { nodes, outputs } = decodeOnnx(write(last));
    expect(outputs[0].shape).toEqual([1, 4]);
    expect(nodes.map(({ kind }) => kind)).toContain("Shape");
  });

  it("decides no padding: a strided convolution that pads images of the batch's height is refused", () => {
    const conv = (stride: number) => (p: { k: Tensor }, t: Tensor) =>
      g.conv2d(g.reshape(t, [1, t.shape[0], 5, 1]), p.k, undefined, { padding: "same", stride });
    const k = zeros([3, 3, 1, 2]);
    expect(decodeOnnx(write(conv(1), { k }, zeros([4, 5]))).outputs[0].shape).toEqual([1, "batch", 5, 2]);
    expect(() => write(conv(2), { k }, zeros([4, 5]))).toThrow(/^toONNX: /);
  });
});

it("a model larger than its file may be is refused before it is put together", () => {
  const bytes = { length: 2 ** 31 } as Uint8Array;
  const constants = [{ name: "w", type: "float32", shape: [2 ** 29], bytes }] as const;
  expect(() => encodeOnnx({ name: "m", nodes: [], constants, inputs: [], outputs: [] })).toThrow(
    /^toONNX: the model would have 2147483\d+ bytes, and an ONNX file holds at most 2147483647\. Save the parameters/,
  );
});

describe("an entry of the table of ops", () => {
  const record = (name: string, attributes: unknown, inputs = 1): any => ({
    op: { name },
    attributes,
    operands: Array.from({ length: inputs }, () => x),
  });

  it("refuses an attribute that it does not know", () => {
    for (const [name, entry] of Object.entries(onnxEntries))
      expect(() => checkKnown(record(name, { aNewOne: 7 }), entry), name).toThrow(
        new RegExp(`^toONNX: ${name} with .* has no ONNX form here\\. Export the function without it$`),
      );
    expect(() => checkKnown(record("lstm", { lengths: true }), onnxEntries.lstm)).toThrow(
      new TypeError('toONNX: lstm with "lengths" true has no ONNX form here. Export the function without it'),
    );
    expect(() => checkKnown(record("abs", 3), onnxEntries.abs)).toThrow("toONNX: abs with 3 has no ONNX form here");
    expect(() => checkKnown(record("elu", undefined), onnxEntries.elu)).toThrow("toONNX: elu with undefined");
    expect(() => checkKnown(record("abs", undefined), onnxEntries.abs)).not.toThrow();
  });

  it("refuses an input that it does not know", () => {
    for (const [name, entry] of Object.entries(onnxEntries))
      if (Number.isFinite(entry.most))
        expect(() => checkKnown(record(name, undefined, entry.most + 1), entry), name).toThrow(
          `toONNX: ${name} with ${entry.most + 1} inputs (the last is [2, 4]) instead of ${entry.most} has no ONNX form here`,
        );
  });
});
