// convnetjs: layers over one example at a time, its own loop over the batch. It has no matrix product, no normals to time
// apart and no noise of its own; the gradients are changed between backward and update, as a user of its nets would.
import convnetjs from "convnetjs";
import { learningRate, maxNorm, noiseStd, readTask } from "../w2.mjs";

/** A net from layer definitions; `batch` examples a step, the update after the last. */
function training(definitions, { volumes, labels, kind, set }) {
  const net = new convnetjs.Net();
  net.makeLayers(definitions);
  set?.(net);
  const full = kind === "full";
  const count = volumes.length;
  let t = 0;
  return {
    step() {
      let loss = 0;
      for (let i = 0; i < count; i++) {
        net.forward(volumes[i], true);
        loss += net.backward(labels[i]) / count;
      }
      const all = net.getParamsAndGrads();
      let squares = 0;
      for (const { grads } of all)
        for (let j = 0; j < grads.length; j++) {
          grads[j] /= count;
          squares += grads[j] * grads[j];
        }
      const scale = full ? Math.min(1, maxNorm / Math.sqrt(squares)) : 1;
      const std = noiseStd(t++);
      for (const { params, grads } of all)
        for (let j = 0; j < grads.length; j++) {
          const g = full ? grads[j] * scale + convnetjs.randn(0, std) : grads[j];
          params[j] -= learningRate * g;
          grads[j] = 0;
        }
      return loss;
    },
  };
}

const volumesOf = ({ x, labels }, width, height, depth) => {
  const size = width * height * depth;
  return Array.from(labels, (_, i) => {
    const volume = new convnetjs.Vol(width, height, depth, 0);
    volume.w.set(x.subarray(i * size, (i + 1) * size));
    return volume;
  });
};

function mlp(task, { batch, kind }) {
  const data = task.batch(batch);
  const definitions = [
    { type: "input", out_sx: 1, out_sy: 1, out_depth: 784 },
    ...Array.from({ length: 20 }, () => ({ type: "fc", num_neurons: 50, activation: "relu" })),
    { type: "softmax", num_classes: 10 },
  ];
  const set = (net) => {
    const dense = net.layers.filter((layer) => layer.layer_type === "fc");
    task.layers.forEach(({ nIn, nOut, weight, bias }, i) => {
      for (let j = 0; j < nOut; j++) for (let k = 0; k < nIn; k++) dense[i].filters[j].w[k] = weight[k * nOut + j];
      dense[i].biases.w.set(bias);
    });
  };
  return training(definitions, { volumes: volumesOf(data, 1, 1, 784), labels: data.labels, kind, set });
}

function convolution(task, { name }) {
  if (name !== "cnn") return undefined;
  const data = task.batch(32);
  const definitions = [
    { type: "input", out_sx: 28, out_sy: 28, out_depth: 1 },
    { type: "conv", sx: 3, filters: 8, stride: 1, pad: 1, activation: "relu" },
    { type: "pool", sx: 2, stride: 2 },
    { type: "conv", sx: 3, filters: 16, stride: 1, pad: 1, activation: "relu" },
    { type: "pool", sx: 2, stride: 2 },
    { type: "softmax", num_classes: 10 },
  ];
  return training(definitions, { volumes: volumesOf(data, 28, 28, 1), labels: data.labels, kind: "plain" });
}

export async function open(file) {
  const task = readTask(file);
  return { version: "0.3.0", workloads: { W2: (p) => mlp(task, p), W5: (p) => convolution(task, p) } };
}
