// A convolutional network on digits that the library draws itself: nothing to download.
//
//   npm run example:cnn                      (or: node test/examples/cnn.mjs --steps 200 --seed 2)
//
// Prints the loss, and the accuracy on the test images, which it never learns from, every 100 steps; at the end the
// accuracy, the time and the network's layers with their numbers of parameters.
import { parseArgs } from "node:util";
import { createTrainer, data, nn, optim, random, relu, reshape, summary } from "gradnoise";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "800" },
    seed: { type: "string", default: "1" },
    train: { type: "string", default: "16000" }, // images to learn from
    test: { type: "string", default: "2000" },
  },
});
const [steps, seed] = [Number(values.steps), Number(values.seed)];
const started = performance.now();
const { train, test } = data.digits({ train: Number(values.train), test: Number(values.test), seed: 1 });

// Layers and plain functions, one after another. Images are [batch, height, width, channels].
const model = nn.sequential(
  (x) => reshape(x, [-1, 28, 28, 1]),
  nn.conv2d(1, 8, 3, { padding: "same", activation: "relu" }),
  nn.maxPool2d(2), // [batch, 14, 14, 8]
  nn.conv2d(8, 16, 3, { padding: "same", activation: "relu" }),
  nn.maxPool2d(2), // [batch, 7, 7, 16]
  nn.flatten,
  nn.linear(7 * 7 * 16, 64),
  relu,
  nn.linear(64, 10),
);

const trainer = createTrainer({
  params: model.init(random.key(seed)),
  loss: (params, { x, y }) => nn.softmaxCrossEntropy(model.apply(params, x), y),
  metrics: (params, { x, y }) => ({ accuracy: nn.accuracy(model.apply(params, x), y) }),
  optimizer: optim.adam(optim.cosine(0.003, { steps })),
});

const accuracy = () => `${(100 * trainer.evaluate(test.columns).metrics.accuracy).toFixed(2)} %`;
for (const batch of train.batches(100, { seed, steps })) {
  const { step, loss } = trainer.step(batch);
  if ((step + 1) % 100 === 0) console.log(`step ${step + 1}  loss ${loss.toFixed(4)}  accuracy ${accuracy()}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`accuracy ${accuracy()} on ${test.size} new digits after ${steps} steps, ${seconds} s`);
console.log(String(summary(trainer.params)));
