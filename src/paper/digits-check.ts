// How hard the drawn digits are: a linear model must stay <= 90 %, the paper's network from He init must reach >= 97 %.
// Both are trained to the best of what is known, with a learning rate that falls in a line to 0.
import { checkInteger, show } from "../base/errors.js";
import { key } from "../core/random.js";
import type { ImageData } from "../data/index.js";
import { digest } from "../files/save.js";
import * as nn from "../nn/index.js";
import { adam, chain, clipByGlobalNorm, linearDecay, sgd } from "../optim/index.js";
import { createTrainer } from "../train/trainer.js";
import { evaluateImages, type ImageBatch, imageChunks } from "./evaluate-images.js";
import { checkImageData } from "./image-data.js";

export const DIGITS_MODELS = ["linear", "he"] as const;
export type DigitsModel = (typeof DIGITS_MODELS)[number];

export interface DigitsCheck {
  readonly model: DigitsModel;
  readonly seed: number;
  readonly steps: number;
  readonly accuracy: number;
  readonly bestAccuracy: number;
  readonly finalLoss: number | null;
  readonly digest: string;
}

/** Which figure each must show: the linear model's best at most, the network's last at least. */
export const DIGITS_BOUNDS = { linear: { atMost: 0.9 }, he: { atLeast: 0.97 } } as const;

const recipes = {
  linear: {
    steps: 6400,
    model: (pixels: number) => nn.mlp([pixels, 10], { init: nn.init.zeros }),
    optimizer: (steps: number) => adam(linearDecay(2e-3, { from: steps / 4, steps })),
  },
  he: {
    steps: 4800,
    model: (pixels: number) => nn.mlp([pixels, ...Array<number>(20).fill(50), 10], { init: nn.init.he }),
    optimizer: (steps: number) => chain(clipByGlobalNorm(10), sgd(linearDecay(0.05, { from: steps / 2, steps }))),
  },
};

/** Whether the figure is on its side of the bound. */
export function holds(check: Pick<DigitsCheck, "model" | "accuracy" | "bestAccuracy">): boolean {
  return check.model === "linear"
    ? check.bestAccuracy <= DIGITS_BOUNDS.linear.atMost
    : check.accuracy >= DIGITS_BOUNDS.he.atLeast;
}

/**
 * Trains one of the two models, yielding step and accuracy about twenty times.
 * Throws TypeError for another model or what is no image data.
 * Example: `for (const { step, accuracy } of checkDigits(data.digits(), "he", 1)) console.log(step, accuracy)`
 */
export function* checkDigits(
  data: ImageData,
  which: DigitsModel,
  seed: number,
): Generator<{ step: number; steps: number; accuracy: number }, DigitsCheck, void> {
  checkImageData("checkDigits", data);
  if (!DIGITS_MODELS.includes(which))
    throw new TypeError(`checkDigits: expected ${DIGITS_MODELS.map(show).join(" or ")}, got ${show(which)}`);
  checkInteger("checkDigits", "seed", seed);
  const { steps, model: build, optimizer } = recipes[which];
  const model = build(data.train.columns.x.shape[1]);
  const trainer = createTrainer({
    params: model.init(key(seed)),
    loss: (params, { x, y }: ImageBatch, { training }) => {
      const logits = model.apply(params, x);
      const loss = nn.softmaxCrossEntropy(logits, y);
      return training ? loss : { loss, metrics: { accuracy: nn.accuracy(logits, y) } };
    },
    optimizer: optimizer(steps),
  });
  const chunks = imageChunks(data.test);
  let bestAccuracy = 0;
  let last = { loss: null as number | null, accuracy: 0 };
  for (const batch of data.train.batches(100, { seed, steps, dropLast: true })) {
    trainer.step(batch);
    if (trainer.steps % (steps / 20) !== 0) continue;
    last = evaluateImages(trainer, chunks);
    bestAccuracy = Math.max(bestAccuracy, last.accuracy);
    yield { step: trainer.steps, steps, accuracy: last.accuracy };
  }
  const { accuracy, loss: finalLoss } = last;
  return { model: which, seed, steps, accuracy, bestAccuracy, finalLoss, digest: digest(trainer.params) };
}
