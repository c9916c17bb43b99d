// Ours. W2 is what a user writes; W1, W3 and W7 call the kernel on tensors that are in the runtime's memory already, as in
// a training step, and the cases "host" call the op outside a scope, which copies in and out.
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  add,
  conv2d,
  createTrainer,
  exp,
  lerp,
  linear,
  maxPool2d,
  mean,
  mul,
  nn,
  optim,
  random,
  relu,
  softmax,
  sum,
  tanh,
  tensor,
  transpose,
  zeros,
} from "../../../dist/index.js";
import { median } from "../measure.mjs";
import { eta, fixedValues, learningRate, maxNorm, readTask, sizes } from "../w2.mjs";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));

function optimizerOf(kind, clip = maxNorm) {
  const { chain, clipByGlobalNorm, addNoise, sgd } = optim;
  if (kind === "plain") return sgd(learningRate);
  return chain(clipByGlobalNorm(clip), addNoise({ eta, seed: 1 }), sgd(learningRate));
}

function makeTrainer(task, { batch, kind, init, clip }) {
  const model = nn.mlp(sizes, { init: nn.init[init] });
  const given = { layers: task.layers.map(({ nIn, nOut, weight, bias }) => layer(nIn, nOut, weight, bias)) };
  const { x, labels } = task.batch(batch);
  const data = { x: tensor(x, [batch, 784]), y: tensor(labels) };
  const trainer = createTrainer({
    params: init === "he" ? given : model.init(random.key(1)),
    loss: (params, { x, y }) => nn.softmaxCrossEntropy(model.apply(params, x), y),
    optimizer: optimizerOf(kind, clip),
  });
  return { trainer, step: () => trainer.step(data).loss };
}

const layer = (nIn, nOut, weight, bias) => ({ weight: tensor(weight, [nIn, nOut]), bias: tensor(bias) });

/** A runtime with `count` arrays of floats in it; `runtime` is private to the library, the bench alone looks. */
function memoryWith(...arrays) {
  const { runtime } = createTrainer({
    params: { w: tensor([0]) },
    loss: ({ w }) => sum(w),
    optimizer: optim.sgd(1),
  }).parts;
  const pointers = arrays.map((array) => {
    const size = typeof array === "number" ? array : array.length;
    const pointer = runtime.memory.allocatePersistent(size * 4);
    if (typeof array !== "number") runtime.memory.f32.set(array, pointer >>> 2);
    return pointer;
  });
  return { kernels: runtime.kernels, memory: runtime.memory, pointers };
}

function matmul({ form, m, k, n }) {
  const { kernels, memory, pointers } = memoryWith(fixedValues(m * k), fixedValues(k * n), m * n);
  const [a, b, c] = pointers;
  const code = { NN: 0, TN: 1, NT: 2 }[form];
  const scratch = memory.temporary(kernels.matmulScratch(m, n, k, code) * 4);
  return { step: () => kernels.matmul(m, n, k, a, b, 0, 0, code, 0, scratch, c) };
}

const labelsOf = (batch) => tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));

function convolution(task, { name }) {
  const kernel = (nIn, nOut) => ({
    weight: transpose(tensor(fixedValues(nOut * nIn * 9, 0.1), [nOut, nIn, 3, 3]), [2, 3, 1, 0]),
    bias: zeros([nOut]),
  });
  const same = { padding: "same" };
  if (name === "cgru20") {
    const s0 = transpose(tensor(fixedValues(32 * 24 * 20 * 4), [32, 24, 20, 4]), [0, 2, 3, 1]);
    const gate = ({ weight, bias }, s, activation) => conv2d(s, weight, bias, { ...same, activation });
    return training({
      params: [0, 1, 2].map(() => kernel(24, 24)),
      data: s0,
      loss(gates, s0) {
        let s = s0;
        for (let t = 0; t < 20; t++) {
          const u = gate(gates[0], s, "sigmoid");
          const r = gate(gates[1], s, "sigmoid");
          s = lerp(gate(gates[2], mul(r, s), "tanh"), s, u);
        }
        return mean(mul(s, s));
      },
    });
  }
  return training({
    params: {
      first: kernel(1, 8),
      second: kernel(8, 16),
      dense: layer(784, 10, fixedValues(7840, 0.1), new Float32Array(10)),
    },
    data: { x: tensor(task.batch(32).x, [32, 28, 28, 1]), y: labelsOf(32) },
    loss({ first, second, dense }, { x, y }) {
      const relu = { ...same, activation: "relu" };
      const a = maxPool2d(conv2d(x, first.weight, first.bias, relu), 2);
      const b = maxPool2d(conv2d(a, second.weight, second.bias, relu), 2);
      return nn.softmaxCrossEntropy(linear(b.reshape([32, 784]), dense.weight, dense.bias), y);
    },
  });
}

/** W4: the classes from the last state of an LSTM. The data come as [batch, time, nIn], as the other peers have them. */
function lstm() {
  const cell = nn.lstm(32, 128);
  const dense = nn.linear(128, 10);
  return training({
    params: {
      cell: {
        inputWeight: tensor(fixedValues(32 * 512, 0.1), [32, 512]),
        hiddenWeight: tensor(fixedValues(128 * 512, 0.1), [128, 512]),
        bias: zeros([512]),
      },
      dense: layer(128, 10, fixedValues(128 * 10, 0.1), new Float32Array(10)),
    },
    data: { x: tensor(fixedValues(32 * 50 * 32), [32, 50, 32]), y: labelsOf(32) },
    loss(params, { x, y }) {
      const { state } = cell.run(params.cell, transpose(x, [1, 0, 2]));
      return nn.softmaxCrossEntropy(dense.apply(params.dense, state.h), y);
    },
  });
}

/** Plain SGD, as all peers take it in W4 and W5. */
function training({ params, data, loss }) {
  const trainer = createTrainer({ params, loss, optimizer: optim.sgd(learningRate) });
  return { trainer, step: () => trainer.step(data).loss };
}

function normals({ count, host }) {
  const key = random.key(1);
  if (host) return { step: () => void random.normal(key, [count]) };
  const { kernels, pointers } = memoryWith(count);
  let t = 0;
  return { step: () => kernels.fillNormal(count, key.low, key.high, t++, 4, 0, pointers[0]) };
}

/** Of a full step's update alone, over as many parameters as W2 has: with noise, plain, or the noise and nothing else. */
function update({ count, noise = true, plain = true }) {
  const { kernels, pointers } = memoryWith(fixedValues(count), fixedValues(count));
  const [values, updates] = pointers;
  let t = 0;
  return {
    step() {
      if (noise) kernels.addNormal(count, 1, 0, t++, 4, 0, 1e-6, updates);
      if (!plain) return;
      kernels.scale(count, -1, updates);
      kernels.accumulate(count, updates, values);
    },
  };
}

function elementwise({ name, host }) {
  const data = fixedValues(1e6, 4);
  if (host) {
    const x = tensor(data, [1000, 1000]);
    const op = { relu, exp, tanh, softmax, add: (x) => add(x, x) }[name];
    return { step: () => void op(x) };
  }
  const { kernels, pointers } = memoryWith(data, data, 1e6);
  const [x, y, out] = pointers;
  const steps = {
    add: () => kernels.addKernel(1e6, x, 1, y, 1, out),
    softmax: () => kernels.softmax(1000, 1000, x, out),
  };
  return { step: steps[name] ?? (() => kernels[`${name}Kernel`](1e6, x, out)) };
}

/** The kernel calls of one warm step as a straight function of the kernels. What only answers a size or a scalar is left out. */
function recordCalls(task, parameters) {
  const { trainer, step } = makeTrainer(task, parameters);
  const { runtime } = trainer.parts;
  const notKernels = new Set(["matmulScratch", "tableAddress", "heapBase", "exp", "log", "pow", "sin", "cos"]);
  let calls = [];
  runtime.kernels = Object.fromEntries(
    Object.entries(runtime.kernels).map(([name, f]) => {
      if (typeof f !== "function" || notKernels.has(name)) return [name, f];
      const wrapped = (...args) => {
        calls.push(`k.${name}(${args.map((v) => (Object.is(v, -0) ? "-0" : v)).join(",")});`);
        return f(...args);
      };
      return [name, wrapped];
    }),
  );
  for (let i = 0; i < warm; i++) {
    calls = [];
    step();
  }
  return new Function("k", calls.join("\n"));
}

const warm = 5; // steps until the calls repeat
let hosted;
/**
 * A step with the host ("hosted") and the same kernel calls without it ("replay"): on one instance, since addresses differ
 * in speed, and each burst from the same state. The calls come from a second trainer, whose addresses are the same.
 */
function hostedStep(task, parameters) {
  const { trainer, step } = makeTrainer(task, parameters);
  const { memory, kernels } = trainer.parts.runtime;
  for (let i = 0; i < warm; i++) step();
  const bytes = memory.u8.slice();
  const checkpoint = trainer.checkpoint();
  const prepare = () => {
    memory.u8.set(bytes);
    trainer.restore(checkpoint);
    step();
  };
  const calls = recordCalls(task, parameters);
  hosted = { prepare, step: () => calls(kernels) };
  return { step, prepare };
}

/** Steps of trainers that are at most `until` steps old. */
function young(task, parameters) {
  let current = makeTrainer(task, parameters);
  return {
    step: () => current.step(),
    prepare(count) {
      if (current.trainer.steps + count <= parameters.until) return;
      current = makeTrainer(task, parameters);
      current.step();
      current.step();
    },
  };
}

/** Growth of the JavaScript heap over `steps` steps (the median of five such runs), and what a step leaves to the collector, in bytes. */
function heap(task, parameters) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const { step } = makeTrainer(task, parameters);
  const run = (count) => {
    for (let i = 0; i < count; i++) step();
  };
  const used = () => process.memoryUsage().heapUsed;
  const settled = () => {
    collect();
    collect();
    return used();
  };
  run(3000);
  settled(); // the first call pays for its own bookkeeping
  const growths = [];
  for (let i = 0; i < 5; i++) {
    const before = settled();
    run(parameters.steps);
    growths.push(settled() - before);
  }
  const growth = median(growths);
  const start = used();
  run(50);
  return { growth, garbagePerStep: (used() - start) / 50 };
}

export async function open(file) {
  const task = readTask(file);
  return {
    version,
    workloads: {
      W1: matmul,
      W2: (p) => ({ young, hosted: hostedStep, replay: () => hosted })[p.mode]?.(task, p) ?? makeTrainer(task, p),
      W3: normals,
      W4: lstm,
      W5: (p) => convolution(task, p),
      W7: elementwise,
      update,
    },
    ops: { heap: (parameters) => heap(task, parameters) },
  };
}
