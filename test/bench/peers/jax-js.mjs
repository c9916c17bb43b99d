// jax-js on its WASM backend, as a user writes it: one jitted function for the whole update. `.ref` keeps an array that is
// used again, since a function takes ownership of its arguments.
import { readFileSync } from "node:fs";
import { defaultDevice, init, jit, lax, nn, numpy as np, random, tree, valueAndGrad } from "@jax-js/jax";
import { fixedValues, learningRate, maxNorm, noiseStd, readTask } from "../w2.mjs";

const manifest = new URL("../node_modules/@jax-js/jax/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));

const array = (values, shape) => np.array(values).reshape(shape);
const labels = (count) => nn.oneHot(np.array(Int32Array.from({ length: count }, (_, i) => i % 10)), 10);

function matmul({ form, m, k, n }) {
  const [ta, tb] = [form === "TN", form === "NT"];
  const a = array(fixedValues(m * k), ta ? [k, m] : [m, k]);
  const b = array(fixedValues(k * n), tb ? [n, k] : [k, n]);
  const product = jit((a, b) => np.matmul(ta ? a.transpose() : a, tb ? b.transpose() : b));
  return {
    wait: true,
    async step() {
      const c = product(a.ref, b.ref);
      await c.blockUntilReady();
      c.dispose();
    },
    close: () => tree.dispose([a, b]),
  };
}

const crossEntropy = (logits, y) => np.mean(np.sum(nn.logSoftmax(logits).mul(y), 1)).mul(-1);

/** A step of `params` on fixed `data` from loss(params, ...data): SGD, and with `full` clipping and noise before it. */
function training(params, data, loss, full) {
  const plain = jit((params, ...data) => {
    const [value, grads] = valueAndGrad(loss)(tree.ref(params), ...data);
    return [value, tree.map((p, g) => p.sub(g.mul(learningRate)), params, grads)];
  });
  const noisy = jit((params, key, std, ...data) => {
    const [value, grads] = valueAndGrad(loss)(tree.ref(params), ...data);
    const leaves = tree.leaves(grads);
    const squares = leaves.map((g) => np.sum(np.square(g.ref)));
    const scale = np.minimum(np.array(maxNorm).div(np.sqrt(squares.reduce((a, b) => a.add(b)))), 1);
    const noise = random.normal(key, [leaves.reduce((total, g) => total + g.size, 0)]).mul(std);
    let at = 0;
    const updated = tree.map(
      (p, g) => {
        const n = noise.ref.slice([at, at + g.size]).reshape(g.shape);
        at += g.size;
        return p.sub(g.mul(scale.ref).add(n).mul(learningRate));
      },
      params,
      grads,
    );
    noise.dispose();
    scale.dispose();
    return [value, updated];
  });
  let t = 0;
  let current = params;
  return {
    wait: true,
    async step() {
      const kept = data.map((d) => d.ref);
      const [value, updated] = full
        ? noisy(current, random.key(t), np.array(noiseStd(t)), ...kept)
        : plain(current, ...kept);
      current = updated;
      t++;
      return (await value.data())[0];
    },
    close: () => tree.dispose([current, data]),
  };
}

function mlp(task, { batch, kind }) {
  const params = task.layers.map(({ nIn, nOut, weight, bias }) => ({
    weight: array(weight, [nIn, nOut]),
    bias: np.array(bias),
  }));
  const loss = (layers, x, y) => {
    let h = x;
    layers.forEach(({ weight, bias }, i) => {
      h = np.matmul(h, weight).add(bias);
      if (i < 20) h = nn.relu(h);
    });
    return crossEntropy(h, y);
  };
  return training(params, [array(task.batch(batch).x, [batch, 784]), labels(batch)], loss, kind === "full");
}

function lstm() {
  const params = {
    wx: array(fixedValues(32 * 512, 0.1), [32, 512]),
    wh: array(fixedValues(128 * 512, 0.1), [128, 512]),
    b: np.zeros([512]),
    dense: array(fixedValues(128 * 10, 0.1), [128, 10]),
    denseBias: np.zeros([10]),
  };
  const loss = ({ wx, wh, b, dense, denseBias }, x, y) => {
    let h = np.zeros([32, 128]);
    let c = np.zeros([32, 128]);
    for (let t = 0; t < 50; t++) {
      const xt = x.ref.slice([], t, []);
      const gates = np.matmul(xt, wx.ref).add(np.matmul(h, wh.ref)).add(b.ref);
      const [i, f, g, o] = np.split(gates, 4, 1);
      c = nn
        .sigmoid(f)
        .mul(c)
        .add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
    }
    tree.dispose([wx, wh, b, x, c]);
    return crossEntropy(np.matmul(h, dense).add(denseBias), y);
  };
  return training(params, [array(fixedValues(32 * 50 * 32), [32, 50, 32]), labels(32)], loss, false);
}

const conv = (x, weight) => lax.conv(x, weight, [1, 1], "SAME");

function convolution(task, { name }) {
  const kernel = (nOut, nIn) => array(fixedValues(nOut * nIn * 9, 0.1), [nOut, nIn, 3, 3]);
  if (name === "cgru20") {
    const params = [0, 1, 2].map(() => ({ weight: kernel(24, 24), bias: np.zeros([24, 1, 1]) }));
    const loss = (gates, s0) => {
      const gate = (i, s) => conv(s, gates[i].weight.ref).add(gates[i].bias.ref);
      let s = s0;
      for (let t = 0; t < 20; t++) {
        const u = nn.sigmoid(gate(0, s.ref));
        const r = nn.sigmoid(gate(1, s.ref));
        const candidate = np.tanh(gate(2, r.mul(s.ref)));
        s = u.ref.mul(s).add(np.array(1).sub(u).mul(candidate));
      }
      tree.dispose(gates);
      return np.mean(np.square(s));
    };
    return training(params, [array(fixedValues(32 * 24 * 20 * 4), [32, 24, 20, 4])], loss, false);
  }
  const params = {
    first: kernel(8, 1),
    firstBias: np.zeros([8, 1, 1]),
    second: kernel(16, 8),
    secondBias: np.zeros([16, 1, 1]),
    dense: array(fixedValues(7840, 0.1), [784, 10]),
    denseBias: np.zeros([10]),
  };
  const pool = (x) => {
    const [n, c, h, w] = x.shape;
    return np.max(x.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
  };
  const loss = ({ first, firstBias, second, secondBias, dense, denseBias }, x, y) => {
    const a = pool(nn.relu(conv(x, first).add(firstBias)));
    const b = pool(nn.relu(conv(a, second).add(secondBias)));
    return crossEntropy(np.matmul(b.reshape([32, 784]), dense).add(denseBias), y);
  };
  return training(params, [array(task.batch(32).x, [32, 1, 28, 28]), labels(32)], loss, false);
}

/** A jitted function of nothing but `inputs`, run and waited for. */
function call(f, inputs) {
  const jitted = jit(f);
  return {
    wait: true,
    async step() {
      const out = jitted(...inputs.map((x) => x.ref));
      await out.blockUntilReady();
      out.dispose();
    },
    close: () => tree.dispose(inputs),
  };
}

function elementwise({ name }) {
  const x = array(fixedValues(1e6, 4), [1000, 1000]);
  const functions = {
    relu: nn.relu,
    add: (x) => x.ref.add(x),
    exp: np.exp,
    tanh: np.tanh,
    softmax: (x) => nn.softmax(x, 1),
  };
  return call(functions[name], [x]);
}

export async function open(file) {
  await init("wasm");
  defaultDevice("wasm");
  const task = readTask(file);
  return {
    version,
    workloads: {
      W1: matmul,
      W2: (p) => mlp(task, p),
      W3: ({ count }) => call((key) => random.normal(key, [count]), [random.key(1)]),
      W4: lstm,
      W5: (p) => convolution(task, p),
      W7: elementwise,
    },
  };
}
