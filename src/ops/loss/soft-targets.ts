// Cross-entropy with targets that are no single class: smoothed labels, weighed classes, probabilities.
import { ShapeError } from "../../base/errors.js";
import { type Shape, sameShape, showShape } from "../../base/shape.js";
import type { OpRecord } from "../../core/tape.js";
import type { Value } from "../../core/value.js";
import { defineOp } from "../define.js";
import { checkLabels } from "./labels.js";

export interface SoftAttributes {
  /** Share of the target that is spread over all classes evenly. */
  readonly smoothing: number;
  /** Whether the input after the labels is a mask; class weights may follow. */
  readonly masked: boolean;
}

const OWNER = "softmaxCrossEntropy";

const classesOf = (x: Value): number => x.shape[x.rank - 1];

/** The mask, and the weights of the classes. */
function partsOf<T>({ masked }: SoftAttributes, rest: readonly T[]): [mask: T | undefined, weights: T | undefined] {
  return masked ? [rest[0], rest[1]] : [undefined, rest[0]];
}

function checkParts(logits: Value, labels: Value, rest: readonly Value[], attributes: SoftAttributes): void {
  const [mask, weights] = partsOf(attributes, rest);
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

type Soft = OpRecord<SoftAttributes>;

/** rows, classes, and the addresses that both directions of the kernel take. */
function sourcesOf(r: Soft) {
  const [, labels, ...rest] = r.inputs;
  const n = classesOf(r.a);
  const [mask, weights] = partsOf(r.attributes, rest);
  const { smoothing } = r.attributes;
  const whole = labels.dtype === "int32";
  return {
    rows: r.a.size / n,
    n,
    sources: [
      whole ? labels.pointer : 0,
      whole ? 0 : labels.pointer,
      weights?.pointer ?? 0,
      mask?.pointer ?? 0,
    ] as const,
    smoothed: [1 - smoothing, smoothing / n] as const,
    mask,
    weights,
  };
}

/** Of every row: -sum of q log softmax(x), q = w ((1 - smoothing) t + smoothing / classes), times its mask. */
export const softCrossEntropyOp = defineOp<SoftAttributes>({
  name: OWNER,
  dynamic: true,
  needs: ["logits", "labels"],
  inputs: ["float32", "any"],
  shape: ([logits, labels, ...rest], attributes) => {
    checkParts(logits, labels, rest, attributes);
    return logits.shape.slice(0, -1);
  },
  // the probabilities, and the losses before the mask
  workspace: ([logits]) => logits.size + logits.size / classesOf(logits),
  forward: (r) => {
    const { kernels, output, workspace } = r;
    const { rows, n, sources, smoothed, mask, weights } = sourcesOf(r);
    if (weights) checkWeights(r, weights);
    const losses = workspace + r.a.size * 4;
    checkFoundLabel(
      OWNER,
      kernels.softCrossEntropy(rows, n, r.a.pointer, ...sources, ...smoothed, workspace, losses),
      r.inputs[1],
      n,
    );
    if (mask) kernels.mulKernel(rows, losses, 1, mask.pointer, 1, output.pointer);
    else kernels.copy(rows, losses, output.pointer);
  },
  // labels, targets and weights are data: no gradient
  backward: (r) => {
    const { kernels, gradientOut: dy, gradientIn } = r;
    const { rows, n, sources, smoothed, mask } = sourcesOf(r);
    if (gradientIn[0] !== 0)
      kernels.softCrossEntropyBackward(rows, n, r.workspace, ...sources, dy, ...smoothed, gradientIn[0]);
    r.inputs.forEach((input, i) => {
      if (i === 0 || gradientIn[i] === 0) return;
      if (i === 2 && mask) kernels.mulKernel(rows, dy, 1, r.workspace + r.a.size * 4, 1, gradientIn[i]);
      else kernels.fill(input.size, 0, gradientIn[i]);
    });
  },
});

function checkWeights(r: Soft, weights: Value): void {
  const { f32 } = r.runtime.memory;
  for (let c = 0; c < weights.size; c++) {
    const w = f32[(weights.pointer >>> 2) + c];
    if (!(w >= 0)) throw new RangeError(`${OWNER}: "classWeights" expected numbers >= 0, got ${w} for class ${c}`);
  }
}

/** The weight of every row's class times its mask: what the mean of a loss with class weights divides by. Needs checked labels. */
export const labelWeightsOp = defineOp<undefined>({
  name: OWNER,
  inputs: ["int32", "float32", "float32"],
  shape: ([labels]) => labels.shape,
  forward: (r) => weigh(r, r.output.pointer, r.c?.pointer ?? 0),
  backward: (r) => {
    const [, dWeights, dMask] = r.gradientIn;
    if (dWeights !== 0) r.kernels.fill(r.b!.size, 0, dWeights);
    if (r.c && dMask !== 0) weigh(r, dMask, r.gradientOut);
  },
});

/** out = weight of the class times `factor` (an address; 0: 1), 0 where the mask is 0. */
function weigh(r: OpRecord<undefined>, out: number, factor: number): void {
  const { f32, i32 } = r.runtime.memory;
  const at = (pointer: number, i: number): number => f32[(pointer >>> 2) + i];
  for (let i = 0; i < r.a.size; i++) {
    const left = r.c !== undefined && at(r.c.pointer, i) === 0;
    const weight = left ? 0 : at(r.b!.pointer, i32[(r.a.pointer >>> 2) + i]);
    f32[(out >>> 2) + i] = weight * (factor === 0 ? 1 : at(factor, i));
  }
}
