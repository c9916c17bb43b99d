// TensorFlow.js on its WASM backend, as a user writes it: tidy, variables and gradients by variableGrads.
import { fixedValues, learningRate, maxNorm, noiseStd, readTask } from "../w2.mjs";

const { default: tf } = await import("@tensorflow/tfjs");
const { version_wasm: version } = await import("@tensorflow/tfjs-backend-wasm");

function matmul({ form, m, k, n }) {
  const [ta, tb] = [form === "TN", form === "NT"];
  const a = tf.tensor2d(fixedValues(m * k), ta ? [k, m] : [m, k]);
  const b = tf.tensor2d(fixedValues(k * n), tb ? [n, k] : [k, n]);
  return {
    step: () => tf.matMul(a, b, ta, tb).dispose(),
    close: () => tf.dispose([a, b]),
  };
}

/** A step over `variables` from a loss of them: SGD, and with `full` clipping and noise before it. */
function training(variables, lossOf, full) {
  const optimizer = tf.train.sgd(learningRate);
  let t = 0;
  const step = () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(lossOf, variables);
      if (full) {
        const norm = tf.sqrt(tf.addN(Object.values(grads).map((g) => tf.sum(tf.square(g)))));
        const scale = tf.minimum(1, tf.div(maxNorm, norm));
        const std = noiseStd(t);
        for (const name of Object.keys(grads))
          grads[name] = tf.add(tf.mul(grads[name], scale), tf.randomNormal(grads[name].shape, 0, std));
      }
      optimizer.applyGradients(grads);
      t++;
      return value.dataSync()[0];
    });
  return { step, close: () => tf.dispose(variables) };
}

function mlp(task, { batch, kind }) {
  const layers = task.layers.map(({ nIn, nOut, weight, bias }) => ({
    weight: tf.variable(tf.tensor2d(weight, [nIn, nOut])),
    bias: tf.variable(tf.tensor1d(bias)),
  }));
  const data = task.batch(batch);
  const x = tf.tensor2d(data.x, [batch, 784]);
  const y = tf.oneHot(tf.tensor1d(data.labels, "int32"), 10).toFloat();
  const loss = () => {
    let h = x;
    layers.forEach(({ weight, bias }, i) => {
      h = tf.add(tf.matMul(h, weight), bias);
      if (i < 20) h = tf.relu(h);
    });
    return tf.losses.softmaxCrossEntropy(y, h);
  };
  return training(
    layers.flatMap(({ weight, bias }) => [weight, bias]),
    loss,
    kind === "full",
  );
}

function lstm() {
  const variable = (shape) => tf.variable(tf.tensor(fixedValues(shape[0] * shape[1], 0.1), shape));
  const wx = variable([32, 512]);
  const wh = variable([128, 512]);
  const dense = variable([128, 10]);
  const [b, denseBias] = [tf.variable(tf.zeros([512])), tf.variable(tf.zeros([10]))];
  const x = tf.tensor3d(fixedValues(32 * 50 * 32), [32, 50, 32]);
  const y = tf
    .oneHot(
      tf.tensor1d(
        Int32Array.from({ length: 32 }, (_, i) => i % 10),
        "int32",
      ),
      10,
    )
    .toFloat();
  const loss = () => {
    let h = tf.zeros([32, 128]);
    let c = tf.zeros([32, 128]);
    for (const xt of tf.unstack(x, 1)) {
      const gates = tf.add(tf.add(tf.matMul(xt, wx), tf.matMul(h, wh)), b);
      const [i, f, g, o] = tf.split(gates, 4, 1);
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    }
    return tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(h, dense), denseBias));
  };
  return training([wx, wh, dense, b, denseBias], loss, false);
}

/** The WASM backend has no gradient of a convolution: patches side by side, and a product. */
function conv(x, weight) {
  const [n, h, w, c] = x.shape;
  const [none, one] = [
    [0, 0],
    [1, 1],
  ];
  const padded = tf.pad(x, [none, one, one, none]);
  const patches = [];
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) patches.push(tf.slice(padded, [0, i, j, 0], [n, h, w, c]));
  const out = tf.matMul(tf.reshape(tf.concat(patches, 3), [n * h * w, 9 * c]), weight);
  return tf.reshape(out, [n, h, w, weight.shape[1]]);
}

function convolution(task, { name }) {
  // fixed values of [nOut, nIn, 3, 3] as the other peers have them, turned to [9 nIn, nOut]
  const kernel = (nIn, nOut) => {
    const values = tf.tensor4d(fixedValues(nOut * nIn * 9, 0.1), [nOut, nIn, 3, 3]);
    return tf.variable(tf.reshape(tf.transpose(values, [2, 3, 1, 0]), [9 * nIn, nOut]));
  };
  const bias = (size) => tf.variable(tf.zeros([size]));
  if (name === "cgru20") {
    const variables = [0, 1, 2].flatMap(() => [kernel(24, 24), bias(24)]);
    const s0 = tf.transpose(tf.tensor4d(fixedValues(32 * 24 * 20 * 4), [32, 24, 20, 4]), [0, 2, 3, 1]);
    const gate = (i, s) => tf.add(conv(s, variables[2 * i]), variables[2 * i + 1]);
    const loss = () => {
      let s = s0;
      for (let t = 0; t < 20; t++) {
        const u = tf.sigmoid(gate(0, s));
        const r = tf.sigmoid(gate(1, s));
        s = tf.add(tf.mul(u, s), tf.mul(tf.sub(1, u), tf.tanh(gate(2, tf.mul(r, s)))));
      }
      return tf.mean(tf.square(s));
    };
    return training(variables, loss, false);
  }
  const dense = tf.variable(tf.tensor2d(fixedValues(7840, 0.1), [784, 10]));
  const variables = [kernel(1, 8), bias(8), kernel(8, 16), bias(16), dense, bias(10)];
  const x = tf.tensor4d(task.batch(32).x, [32, 28, 28, 1]);
  const y = tf.oneHot(tf.tensor1d(task.batch(32).labels, "int32"), 10).toFloat();
  const layer = (i, x) => {
    const [n, h, w] = x.shape;
    const a = tf.relu(tf.add(conv(x, variables[2 * i]), variables[2 * i + 1]));
    const c = a.shape[3];
    return tf.max(tf.max(tf.reshape(a, [n * (h / 2), 2, w / 2, 2 * c]), 1).reshape([n, h / 2, w / 2, 2, c]), 3);
  };
  const loss = () =>
    tf.losses.softmaxCrossEntropy(
      y,
      tf.add(tf.matMul(tf.reshape(layer(1, layer(0, x)), [32, 784]), dense), variables[5]),
    );
  return training(variables, loss, false);
}

function normals({ count }) {
  return { step: () => tf.randomNormal([count]).dispose() };
}

function elementwise({ name }) {
  const x = tf.tensor2d(fixedValues(1e6, 4), [1000, 1000]);
  const f = { add: () => tf.add(x, x) }[name] ?? (() => tf[name](x));
  return { step: () => f().dispose(), close: () => x.dispose() };
}

export async function open(file) {
  await tf.setBackend("wasm");
  await tf.ready();
  const task = readTask(file);
  const workloads = {
    W1: matmul,
    W2: (p) => mlp(task, p),
    W3: normals,
    W4: lstm,
    W5: (p) => convolution(task, p),
    W7: elementwise,
  };
  return { version, workloads };
}
