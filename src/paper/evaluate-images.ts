// Loss and accuracy on a whole test set, a chunk at a time, so that memory stays that of a chunk.
import type { Tensor } from "../core/tensor.js";
import type { ImageDataset } from "../data/index.js";

export type ImageBatch = { x: Tensor; y: Tensor };

export interface Accuracy {
  /** Mean cross-entropy; null where it is not finite, as JSON has it. */
  readonly loss: number | null;
  /** Share of the examples that are right: an exact count over the size. */
  readonly accuracy: number;
}

/** What the test set said after `step` updates. */
export interface Evaluation extends Accuracy {
  readonly step: number;
}

const CHUNK = 1000;

export function imageChunks(test: ImageDataset): ImageBatch[] {
  const chunks: ImageBatch[] = [];
  for (let at = 0; at < test.size; at += CHUNK) chunks.push(test.rows(at, Math.min(CHUNK, test.size - at)));
  return chunks;
}

interface Evaluator {
  evaluate(batch: ImageBatch): { loss: number; metrics: { readonly [name: string]: number } };
}

export function evaluateImages(trainer: Evaluator, chunks: readonly ImageBatch[]): Accuracy {
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
