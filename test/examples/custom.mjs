// A layer and an optimizer of one's own: there is nothing to inherit from, both are plain objects.
//
//   npm run example:custom                   (or: node test/examples/custom.mjs --steps 200 --seed 2)
//
// The layer is maxout (Goodfellow et al. 2013): every unit is the largest of a few linear functions. The optimizer is Lion
// (Chen et al. 2023): steps of one size whose direction is only a sign, and a weight decay apart from the gradient.
// Prints how well the layer's gradient agrees with central differences, the accuracy on two intertwined spirals before and
// after training, and the plane as the network divides it, with the points it was given: "o" and "x".
import { parseArgs } from "node:util";
import { checkGrad, createTrainer, linear, max, nn, optim, random, reshape, scalar, tanh, tensor } from "gradnoise";

const { values } = parseArgs({
  options: { steps: { type: "string", default: "3000" }, seed: { type: "string", default: "1" } },
});
const steps = Number(values.steps);
const seed = Number(values.seed);

/** A layer is { init(key), apply(params, x) }, and its parameters are a tree of tensors. [.., nIn] -> [.., nOut] */
const maxout = (nIn, nOut, pieces) => ({
  init: (key) => ({
    weight: nn.init.lecun(key, [nIn, nOut * pieces]),
    bias: random.normal(random.foldIn(key, 1), [nOut * pieces], { std: 0.5 }),
  }),
  apply(params, x) {
    const all = linear(x, params.weight, params.bias);
    return max(reshape(all, [...x.shape.slice(0, -1), nOut, pieces]), { axis: -1 });
  },
});

/**
 * A gradient transform is { description, init(block), update(block, state, { t }) }: it finds gradients in `block.updates`
 * and leaves there what is to be added to the parameters. A slot is kept from step to step, and in checkpoints.
 */
const lion = (learningRate, { beta1 = 0.9, beta2 = 0.99, weightDecay = 0.01 } = {}) => ({
  description: `lion(beta1=${beta1}, beta2=${beta2}, weightDecay=${weightDecay})`,
  init: (block) => ({ momentum: block.allocateSlot() }),
  update(block, { momentum }, { t }) {
    const rate = learningRate(t);
    const { updates, values: weights } = block;
    const m = momentum.data;
    block.each((offset, length) => {
      for (let i = offset; i < offset + length; i++) {
        const gradient = updates[i];
        updates[i] = -rate * (Math.sign(beta1 * m[i] + (1 - beta1) * gradient) + weightDecay * weights[i]);
        m[i] = beta2 * m[i] + (1 - beta2) * gradient;
      }
    });
  },
});

// Two spirals of 97 points each (Lang & Witbrock 1988).
const points = [];
const labels = [];
for (let i = 0; i < 97; i++) {
  const [angle, radius] = [(i * Math.PI) / 16, (104 - i) / 104];
  const [x, y] = [radius * scalar.sin(angle), radius * scalar.cos(angle)];
  points.push([x, y], [-x, -y]);
  labels.push(0, 1);
}
const batch = { x: tensor(points), y: tensor(labels, { dtype: "int32" }) };

const layer = maxout(2, 3, 4);
const check = checkGrad((p) => tanh(layer.apply(p.layer, p.x)).sum(), {
  layer: layer.init(random.key(seed)),
  x: random.normal(random.key(seed + 1), [5, 2]),
});
console.log(`maxout: gradient and central differences differ by ${check.worst.toExponential(1)} at most, relatively`);

const model = nn.sequential(maxout(2, 32, 4), maxout(32, 32, 4), nn.linear(32, 2));
const trainer = createTrainer({
  params: model.init(random.key(seed)),
  loss: (params, { x, y }) => nn.softmaxCrossEntropy(model.apply(params, x), y),
  metrics: (params, { x, y }) => ({ accuracy: nn.accuracy(model.apply(params, x), y) }),
  predict: (params, x) => model.apply(params, x),
  optimizer: lion(optim.cosine(0.003, { steps })),
});

const accuracy = () => `${(100 * trainer.evaluate(batch).metrics.accuracy).toFixed(1)} %`;
console.log(`accuracy before training: ${accuracy()}`);
for (let t = 0; t < steps; t++) trainer.step(batch);
console.log(`accuracy after ${steps} steps: ${accuracy()}`);

const [columns, rows] = [64, 32];
const cell = (c, r) => [(2 * (c + 0.5)) / columns - 1, 1 - (2 * (r + 0.5)) / rows];
const plane = Array.from({ length: rows * columns }, (_, i) => cell(i % columns, Math.floor(i / columns)));
const logits = trainer.predict(tensor(plane)).data;
const picture = plane.map((_, i) => (logits[2 * i] > logits[2 * i + 1] ? "." : " "));
points.forEach(([x, y], i) => {
  const at = (size, v) => Math.min(size - 1, Math.floor(((v + 1) / 2) * size));
  picture[at(rows, -y) * columns + at(columns, x)] = labels[i] === 0 ? "o" : "x";
});
for (let r = 0; r < rows; r++) console.log(picture.slice(r * columns, (r + 1) * columns).join(""));
