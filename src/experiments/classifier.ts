// A network that tells classes apart, as a task: softmax cross-entropy over its logits, accuracy on the test data.
import { key } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import * as nn from "../nn/index.js";
import type { GradientTransform } from "../optim/index.js";
import { createTrainer } from "../train/trainer.js";
import type { LabelledData } from "./data.js";
import { type Figures, type Task, trainerTask } from "./task.js";

type Batch = { x: Tensor; y: Tensor };

interface Classifier<P> {
  readonly data: LabelledData;
  readonly model: nn.Layer<P>;
  readonly optimizer: GradientTransform;
  readonly batch: number;
  readonly total: number;
  readonly seed: number;
}

const CHUNK = 1000; // rows of the test data at a time, so that memory stays that of a chunk

/**
 * A network that tells classes apart, as a task: softmax cross-entropy over its logits, accuracy on the test data.
 *
 * Shapes: data x [examples, features], y [examples] int32; the model's [examples, features] -> [examples, classes].
 * Throws what `createTrainer` throws.
 * Example:
 * ```ts
 * const small = data.digits({ train: 40, test: 10 });
 * const task = classifierTask({
 *   data: small, model: nn.mlp([784, 8, 10]), optimizer: optim.sgd(0.1), batch: 10, total: 4, seed: 1,
 * });
 * task.step();
 * ```
 */
export function classifierTask<P>({ data, model, optimizer, batch, total, seed }: Classifier<P>): Task {
  const { train, test } = data;
  const trainer = createTrainer({
    params: model.init(key(seed)),
    loss: (params: P, { x, y }: Batch, context) => {
      const logits = model.apply(params, x, context);
      const loss = nn.softmaxCrossEntropy(logits, y);
      return context.training ? loss : { loss, metrics: { accuracy: nn.accuracy(logits, y) } };
    },
    optimizer,
    seed,
  });
  const chunks: Batch[] = [];
  for (let at = 0; at < test.size; at += CHUNK) chunks.push(test.rows(at, Math.min(CHUNK, test.size - at)));
  return trainerTask({
    trainer,
    total,
    batches: (from) => train.batches(batch, { seed, steps: total, from, dropLast: true }),
    evaluate: () => evaluate(trainer, chunks),
  });
}

interface Evaluator {
  evaluate(batch: Batch): { loss: number; metrics: { readonly [name: string]: number } };
}

/** Mean cross-entropy, and the share of the examples that are right: an exact count over the size. */
function evaluate(trainer: Evaluator, chunks: readonly Batch[]): Figures {
  let right = 0;
  let loss = 0;
  let count = 0;
  for (const chunk of chunks) {
    const n = chunk.y.size;
    const result = trainer.evaluate(chunk);
    right += Math.round(result.metrics.accuracy * n);
    loss += result.loss * n;
    count += n;
  }
  return { loss: Number.isFinite(loss) ? loss / count : null, accuracy: right / count };
}
