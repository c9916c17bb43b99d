// onnxruntime-web on WASM, one thread. It cannot differentiate: W2 is a graph differentiated by hand, all parameters in one
// vector that each step returns, so that clip, noise and update are one node each.
import * as ort from "onnxruntime-web";
import { Graph } from "../onnx.mjs";
import { fixedValues, learningRate, maxNorm, noiseStd, readTask } from "../w2.mjs";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const tensor = (data, shape) => new ort.Tensor("float32", data, shape);

/** A session of `graph`; its step feeds `inputs` and returns the outputs. */
async function sessionOf(graph) {
  const session = await ort.InferenceSession.create(graph.model(), { executionProviders: ["wasm"] });
  return { run: (inputs) => session.run(inputs), close: () => session.release() };
}

/** Square products are a chain inside one graph, where a call costs the least; B is the identity, which keeps A's values. */
async function matmul({ form, m, k, n }) {
  const [ta, tb] = [form === "TN", form === "NT"];
  const square = m === k && k === n;
  const per = square ? (n <= 256 ? 16 : 4) : 1;
  const identity = () => Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const graph = new Graph();
  let a = graph.input("a", ta ? [k, m] : [m, k]);
  const b = graph.input("b", tb ? [n, k] : [k, n]);
  const attributes = { transA: { int: Number(ta) }, transB: { int: Number(tb) } };
  for (let i = 0; i < per; i++) a = graph.op("Gemm", [a, b], attributes, [i === per - 1 ? "c" : graph.fresh()]);
  graph.output("c", [m, n]);
  const { run, close } = await sessionOf(graph);
  const inputs = {
    a: tensor(fixedValues(m * k), ta ? [k, m] : [m, k]),
    b: tensor(square ? identity() : fixedValues(k * n), tb ? [n, k] : [k, n]),
  };
  return { wait: true, per, step: async () => void (await run(inputs)), close };
}

/** params [88210], x, y (one-hot), std -> updated, loss. */
function mlpGraph(layers, batch, full) {
  const graph = new Graph();
  const count = layers.reduce((total, { nIn, nOut }) => total + nIn * nOut + nOut, 0);
  graph.input("params", [count]);
  graph.input("x", [batch, 784]);
  graph.input("y", [batch, 10]);
  if (full) graph.input("std", []);
  const flat = layers.flatMap((_, i) => [`flatWeight${i}`, `bias${i}`]);
  const sizes = layers.flatMap(({ nIn, nOut }) => [nIn * nOut, nOut]);
  graph.op("Split", ["params", graph.integers(...sizes)], { axis: { int: 0 } }, flat);
  const weights = layers.map(({ nIn, nOut }, i) =>
    graph.op("Reshape", [`flatWeight${i}`, graph.integers(nIn, nOut)], {}),
  );
  const inputs = [];
  let h = "x";
  layers.forEach((_, i) => {
    inputs.push(h);
    h = graph.op("Gemm", [h, weights[i], `bias${i}`]);
    if (i < layers.length - 1) h = graph.op("Relu", [h]);
  });
  const logs = graph.op("LogSoftmax", [h], { axis: { int: 1 } });
  const total = graph.op("ReduceSum", [graph.op("Mul", [logs, "y"])], { keepdims: { int: 0 } });
  graph.op("Mul", [total, graph.scalar(-1 / batch)], {}, ["loss"]);
  graph.output("loss", []);

  const excess = graph.op("Sub", [graph.op("Softmax", [h], { axis: { int: 1 } }), "y"]);
  let d = graph.op("Mul", [excess, graph.scalar(1 / batch)]);
  const [rows, whole, zero] = [graph.integers(0), graph.integers(-1), graph.scalar(0)];
  const gradients = [];
  for (let i = layers.length - 1; i >= 0; i--) {
    const dWeight = graph.op("Gemm", [inputs[i], d], { transA: { int: 1 } });
    const dBias = graph.op("ReduceSum", [d, rows], { keepdims: { int: 0 } });
    gradients.unshift(graph.op("Reshape", [dWeight, whole]), dBias);
    if (i === 0) break;
    const below = graph.op("Gemm", [d, weights[i]], { transB: { int: 1 } });
    d = graph.op("Where", [graph.op("Greater", [inputs[i], zero]), below, zero]);
  }
  let g = graph.op("Concat", gradients, { axis: { int: 0 } });
  if (full) {
    const norm = graph.op("ReduceL2", [g], { keepdims: { int: 0 } });
    const scale = graph.op("Min", [graph.scalar(1), graph.op("Div", [graph.scalar(maxNorm), norm])]);
    const noise = graph.op("RandomNormal", [], { shape: { ints: [count] }, seed: { float: 1 } });
    g = graph.op("Add", [graph.op("Mul", [g, scale]), graph.op("Mul", [noise, "std"])]);
  }
  graph.op("Sub", ["params", graph.op("Mul", [g, graph.scalar(learningRate)])], {}, ["updated"]);
  graph.output("updated", [count]);
  return graph;
}

async function mlp(task, { batch, kind }) {
  const full = kind === "full";
  const { run, close } = await sessionOf(mlpGraph(task.layers, batch, full));
  const values = task.layers.flatMap(({ weight, bias }) => [...weight, ...bias]);
  const { x, labels } = task.batch(batch);
  const y = new Float32Array(batch * 10);
  labels.forEach((label, i) => {
    y[i * 10 + label] = 1;
  });
  let params = tensor(Float32Array.from(values), [values.length]);
  const data = { x: tensor(x, [batch, 784]), y: tensor(y, [batch, 10]) };
  let t = 0;
  return {
    wait: true,
    async step() {
      const std = full ? { std: tensor(Float32Array.of(noiseStd(t++)), []) } : {};
      const { updated, loss } = await run({ params, ...data, ...std });
      params = updated;
      return loss.data[0];
    },
    close,
  };
}

async function normals({ count }) {
  const graph = new Graph();
  graph.op("RandomNormal", [], { shape: { ints: [count] }, seed: { float: 1 } }, ["out"]);
  graph.output("out", [count]);
  const { run, close } = await sessionOf(graph);
  return { wait: true, step: async () => void (await run({})), close };
}

/** The op sixteen times in one graph, so that the copies in and out weigh little; exp ends at its clamp, as fast as ever. */
async function elementwise({ name }) {
  const kind = { relu: "Relu", add: "Add", exp: "Exp", tanh: "Tanh", softmax: "Softmax" }[name];
  const graph = new Graph();
  let x = graph.input("x", [1000, 1000]);
  const per = 16;
  for (let i = 0; i < per; i++)
    x = graph.op(kind, name === "add" ? [x, "x"] : [x], {}, [i === per - 1 ? "out" : graph.fresh()]);
  graph.output("out", [1000, 1000]);
  const { run, close } = await sessionOf(graph);
  const inputs = { x: tensor(fixedValues(1e6, 4), [1000, 1000]) };
  return { wait: true, per, step: async () => void (await run(inputs)), close };
}

export async function open(file) {
  const task = readTask(file);
  return {
    version: ort.env.versions.web,
    workloads: { W1: matmul, W2: (p) => mlp(task, p), W3: normals, W7: elementwise },
  };
}
