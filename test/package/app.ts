// What a stranger writes: imports the package by its name, trains with methods in the loss, prints one line of JSON.
// The tests run it from the tarball, as it is and through bundlers; its types are checked as strictly as TypeScript can.
import { createTrainer, data, digest, nn, optim, random, type Tensor, tanh, tensor } from "gradnoise";

interface Weights {
  hidden: Tensor;
  offset: Tensor;
  out: Tensor;
}

const { train } = data.digits({ train: 200, test: 10, seed: 7 });
const [first, second] = random.split(random.key(1));
const params: Weights = {
  hidden: random.normal(first, [784, 20]).mul(0.05),
  offset: tensor(new Float32Array(20), [20]),
  out: random.normal(second, [20, 10]).div(5),
};
const predict = (p: Weights, x: Tensor): Tensor => tanh(x.matmul(p.hidden).add(p.offset)).matmul(p.out);

const trainer = createTrainer({
  params,
  predict,
  loss: (p: Weights, { x, y }: (typeof train)["columns"]) => {
    const decay = p.out.mul(p.out).sum({ axis: 1 }).max().sub(p.offset.mean()).neg();
    return nn.softmaxCrossEntropy(predict(p, x), y).add(decay.mul(-0.001));
  },
  optimizer: optim.chain(optim.clipByGlobalNorm(10), optim.addNoise({ eta: 0.01, seed: 1 }), optim.sgd(0.5)),
});
const losses: number[] = [];
for (const batch of train.batches(20, { seed: 1, steps: 100 })) losses.push(trainer.step(batch).loss);

const logits: Tensor = trainer.predict(train.columns.x);
const methods = logits.slice([0, 0], [2, 10]).reshape([10, 2]).transpose();
const learnt = losses[0] > 2 && losses[99] < 0.5;
console.log(JSON.stringify({ digest: digest(trainer.params), shape: methods.shape, learnt }));
