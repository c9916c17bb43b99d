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
  const workloads = { W1: matmul, W2: (p) => mlp(task, p), W3: normals, W4: lstm, W7: elementwise };
  return { version, workloads };
}
