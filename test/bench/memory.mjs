// The peak of the arena, MiB: W4's step, the Neural GPU's step of 41 positions, and prediction at two lengths.
import {
  createTrainer,
  mean,
  mul,
  nn,
  optim,
  random,
  saturatingSigmoid,
  tensor,
  unroll,
  zeros,
} from "../../dist/index.js";

const loss = (y) => mean(mul(y, y));

function lstm() {
  const layer = nn.lstm(32, 128);
  const dense = nn.linear(128, 10);
  const trainer = createTrainer({
    params: { layer: layer.init(random.key(1)), dense: dense.init(random.key(2)) },
    loss: (params, { x, y }) => {
      const last = layer.apply(params.layer, x).slice([49, 0, 0], [1, 32, 128]).reshape([32, 128]);
      return nn.softmaxCrossEntropy(dense.apply(params.dense, last), y);
    },
    optimizer: optim.sgd(0.01),
  });
  const y = tensor(Int32Array.from({ length: 32 }, (_, i) => i % 10));
  trainer.step({ x: random.normal(random.key(3), [50, 32, 32]), y });
  return trainer;
}

function neuralGpu(recompute) {
  const gru = nn.convGru(24, { gate: saturatingSigmoid });
  const params = [0, 1].map((i) => gru.init(random.key(i)));
  const cell = (s, _, p) => p.reduce((state, weights) => gru.apply(weights, state), s);
  const trainer = createTrainer({
    params,
    loss: (p, s) => loss(unroll(cell, s, 41, { params: p, recompute })),
    optimizer: optim.sgd(0.01),
  });
  trainer.step(random.normal(random.key(9), [32, 41, 4, 24], { std: 0.5 }));
  return trainer;
}

function prediction(length) {
  const cell = nn.linear(64, 64);
  const trainer = createTrainer({
    params: cell.init(random.key(1)),
    loss: (p, x) => loss(cell.apply(p, x)),
    predict: (p, x) => unroll((h) => cell.apply(p, h), x, length),
    optimizer: optim.sgd(0.01),
  });
  trainer.predict(zeros([32, 64]));
  return trainer;
}

/** Figures of the peak of one step or prediction each. */
export function peaks() {
  const cases = {
    "W4 lstm": lstm,
    "neural-gpu-41": () => neuralGpu(false),
    "neural-gpu-41-recompute": () => neuralGpu(true),
    "predict-10": () => prediction(10),
    "predict-200": () => prediction(200),
  };
  return Object.entries(cases).map(([name, make]) => ({
    case: name,
    us: 0,
    value: make().memory.peak / 2 ** 20,
    unit: "MiB",
  }));
}
