// Cross-entropy with targets that are no single class: smoothed labels, weighed classes, probabilities.
import { ShapeError } from "../../base/errors.js";
import { type Shape, sameShape, showShape } from "../../base/shape.js";
import type { Named, OpRecord } from "../../core/op.js";
import type { Value } from "../../core/value.js";
import { defineOp } from "../define.js";
import { checkLabels } from "./labels.js";

export interface SoftAttributes {
  /** Share of the target that is spread over all classes evenly. */
  readonly smoothing: number;
}

const INPUTS = { logits: "float32", labels: "any", mask: "float32?", weights: "float32?" } as const;

const OWNER = "softmaxCrossEntropy";

const classesOf = (x: Value): number => x.shape[x.rank - 1];

function checkParts({ logits, labels, mask, weights }: Named<typeof INPUTS>): void {
  const rows = logits.shape.slice(0, -1);
  if (mask) checkRowMask(OWNER, mask, rows);
  if (weights && !sameShape(weights.shape, [classesOf(logits)]))
    throw new ShapeError(
      `${OWNER}: classWeights ${showShape(weights.shape)} must be [${classesOf(logits)}], one per class of the logits ${showShape(logits.shape)}`,
    );
  checkLabels(OWNER, logits, labels, true);
}

/** Throws ShapeError unless the mask has a weight for every row. */
export function checkRowMask(owner: string, mask: { readonly shape: Shape }, rows: readonly number[]): void {
  if (!sameShape(mask.shape, rows))
    throw new ShapeError(
      `${owner}: the mask ${showShape(mask.shape)} must have the shape ${showShape(rows)} of the labels`,
    );
}

/** Throws RangeError for the label or the target that a kernel found. */
export function checkFoundLabel(owner: string, bad: number, labels: Value, classes: number): void {
  if (bad < 0) return;
  const value = labels.data[bad];
  throw new RangeError(
    labels.dtype === "int32"
      ? `${owner}: label ${value} at position ${bad} is outside 0..${classes - 1}`
      : `${owner}: target ${value} at position ${bad} is no probability, which is >= 0`,
  );
}

type Soft = OpRecord<typeof INPUTS>;

/** rows, classes, and the addresses that both directions of the kernel take. */
function sourcesOf({ inputs: { logits, labels, mask, weights } }: Soft, { smoothing }: SoftAttributes) {
  const n = classesOf(logits);
  const whole = labels.dtype === "int32";
  return {
    rows: logits.size / n,
    n,
    sources: [
      whole ? labels.pointer : 0,
      whole ? 0 : labels.pointer,
      weights?.pointer ?? 0,
      mask?.pointer ?? 0,
    ] as const,
    smoothed: [1 - smoothing, smoothing / n] as const,
  };
}

/** Of every row: -sum of q log softmax(x), q = w ((1 - smoothing) t + smoothing / classes), times its mask. */
export const softCrossEntropyOp = defineOp({
  name: OWNER,
  inputs: INPUTS,
  dynamic: true,
  shape: (inputs) => {
    checkParts(inputs);
    return inputs.logits.shape.slice(0, -1);
  },
  // the probabilities, and the losses before the mask
  workspace: ({ logits }) => logits.size + logits.size / classesOf(logits),
  forward: (r, attributes: SoftAttributes) => {
    const { kernels, output, workspace } = r;
    const { logits, labels, mask, weights } = r.inputs;
    const { rows, n, sources, smoothed } = sourcesOf(r, attributes);
    if (weights) checkWeights(r, weights);
    const losses = workspace + logits.size * 4;
    const bad = kernels.softCrossEntropy(rows, n, logits.pointer, ...sources, ...smoothed, workspace, losses);
    checkFoundLabel(OWNER, bad, labels, n);
    if (mask) kernels.mulKernel(rows, losses, 1, mask.pointer, 1, output.pointer);
    else kernels.copy(rows, losses, output.pointer);
  },
  // labels, targets and weights are data: no gradient
  backward: (r, attributes) => {
    const { kernels, inputs, gradientOut: dy, gradients } = r;
    const { rows, n, sources, smoothed } = sourcesOf(r, attributes);
    const losses = r.workspace + inputs.logits.size * 4;
    if (gradients.logits !== 0)
      kernels.softCrossEntropyBackward(rows, n, r.workspace, ...sources, dy, ...smoothed, gradients.logits);
    if (gradients.mask !== 0) kernels.mulKernel(rows, dy, 1, losses, 1, gradients.mask);
    if (gradients.labels !== 0) kernels.fill(inputs.labels.size, 0, gradients.labels);
    if (gradients.weights !== 0) kernels.fill(n, 0, gradients.weights);
  },
});

function checkWeights(r: Soft, weights: Value): void {
  const { f32 } = r.runtime.memory;
  for (let c = 0; c < weights.size; c++) {
    const w = f32[(weights.pointer >>> 2) + c];
    if (!(w >= 0)) throw new RangeError(`${OWNER}: "classWeights" expected numbers >= 0, got ${w} for class ${c}`);
  }
}

const LABEL_WEIGHTS = { labels: "int32", weights: "float32", mask: "float32?" } as const;

/** The weight of every row's class times its mask: what the mean of a loss with class weights divides by. Needs checked labels. */
export const labelWeightsOp = defineOp({
  name: OWNER,
  inputs: LABEL_WEIGHTS,
  shape: ({ labels }) => labels.shape,
  forward: (r) => weigh(r, r.output.pointer, r.inputs.mask?.pointer ?? 0),
  backward: (r) => {
    const { weights: dWeights, mask: dMask } = r.gradients;
    if (dWeights !== 0) r.kernels.fill(r.inputs.weights.size, 0, dWeights);
    if (dMask !== 0) weigh(r, dMask, r.gradientOut);
  },
});

/** out = weight of the class times `factor` (an address; 0: 1), 0 where the mask is 0. */
function weigh({ runtime, inputs }: OpRecord<typeof LABEL_WEIGHTS>, out: number, factor: number): void {
  const { labels, weights, mask } = inputs;
  const { f32, i32 } = runtime.memory;
  const at = (pointer: number, i: number): number => f32[(pointer >>> 2) + i];
  for (let i = 0; i < labels.size; i++) {
    const left = mask !== undefined && at(mask.pointer, i) === 0;
    const weight = left ? 0 : at(weights.pointer, i32[(labels.pointer >>> 2) + i]);
    f32[(out >>> 2) + i] = weight * (factor === 0 ? 1 : at(factor, i));
  }
}
