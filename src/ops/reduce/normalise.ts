// Layer normalisation over the last axis, batch normalisation over all the others; forward and backward are fused.
import { ShapeError } from "../../base/errors.js";
import { anything, number, type Rules, readOptions } from "../../base/options.js";
import { type Shape, showShape } from "../../base/shape.js";
import type { OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, runNamed, type TensorLike } from "../define.js";
import { reshape, slice } from "../layout/layout.js";

const lastSize = (t: { readonly shape: Shape; readonly rank: number }): number => t.shape[t.rank - 1];
const rowsOf = (t: Value): number => t.size / Math.max(1, lastSize(t));

function normShape(op: string, x: Value, features: { readonly [name: string]: Value }): Shape {
  if (x.rank < 1) throw new ShapeError(`${op}: a scalar has no axis of features`);
  for (const [name, t] of Object.entries(features))
    if (t.rank !== 1 || t.size !== lastSize(x))
      throw new ShapeError(
        `${op}: the ${name} ${showShape(t.shape)} must be [${lastSize(x)}], one per feature of ${showShape(x.shape)}`,
      );
  return x.shape;
}

type Scaled = { x: "float32"; scale: "float32"; offset: "float32" };

/** Addresses of the gradients of x, scale and offset: scratch where one is not wanted, since a kernel writes all three. */
function gradientsOf({ runtime, inputs, gradients }: OpRecord<Scaled>): [dx: number, dScale: number, dOffset: number] {
  const of = (name: keyof Scaled): number => gradients[name] || runtime.memory.allocate(inputs[name].size * 4);
  return [of("x"), of("scale"), of("offset")];
}

export const layerNormOp = defineOp({
  name: "layerNorm",
  inputs: { x: "float32", scale: "float32", offset: "float32" },
  shape: ({ x, scale, offset }) => normShape("layerNorm", x, { scale, offset }),
  workspace: ({ x }) => 2 * rowsOf(x),
  forward: (r, epsilon: number) => {
    const { x, scale, offset } = r.inputs;
    r.kernels.layerNorm(
      rowsOf(x),
      lastSize(x),
      x.pointer,
      scale.pointer,
      offset.pointer,
      epsilon,
      r.workspace,
      r.output.pointer,
    );
  },
  backward: (r) => {
    const { x, scale } = r.inputs;
    const { memory } = r.runtime;
    const held = memory.top;
    const scratch = memory.allocate(lastSize(x) * 20);
    const into = gradientsOf(r);
    r.kernels.layerNormBackward(
      rowsOf(x),
      lastSize(x),
      x.pointer,
      r.workspace,
      scale.pointer,
      r.gradientOut,
      scratch,
      ...into,
    );
    memory.top = held;
  },
});

/** Of layerNorm and batchNorm. */
export interface NormOptions {
  /** Added to the variance before its root; 1e-5 by default. */
  readonly epsilon?: number;
}

const LAYER_NORM: Rules<NormOptions> = {
  epsilon: number(">= 0 and finite in float32", (v) => v >= 0 && Number.isFinite(Math.fround(v))),
};

/**
 * (x - mean) / sqrt(variance + epsilon) scale + offset, with mean and biased variance of each row of the last axis.
 *
 * Shapes: x [.., n], scale and offset [n] -> [.., n].
 * Throws ShapeError unless scale and offset are [n], RangeError for an epsilon < 0.
 * Example: `layerNorm(x, [1, 1, 1], [0, 0, 0])`. Source: Ba, Kiros & Hinton 2016, equation 4.
 */
export function layerNorm(x: TensorLike, scale: TensorLike, offset: TensorLike, options?: NormOptions): Tensor {
  const { epsilon = 1e-5 } = readOptions("layerNorm", options, LAYER_NORM);
  return run(layerNormOp, epsilon, x, scale, offset);
}

export const batchStatisticsOp = defineOp({
  name: "batchStatistics",
  inputs: { x: "float32" },
  makesState: true,
  shape: ({ x }) => {
    if (x.rank < 1) throw new ShapeError("batchStatistics: a scalar has no axis of features");
    if (rowsOf(x) === 0 && lastSize(x) > 0)
      throw new ShapeError(`batchStatistics: ${showShape(x.shape)} holds no example to take a mean of`);
    return [2, lastSize(x)];
  },
  forward: ({ kernels, inputs: { x }, output }) =>
    kernels.batchStatistics(rowsOf(x), lastSize(x), x.pointer, output.pointer),
  backward: null,
});

function forwardWith(r: OpRecord<Scaled>, epsilon: number, mean: number, variance: number): void {
  const { x, scale, offset } = r.inputs;
  const n = lastSize(x);
  const scratch = r.runtime.memory.temporary(n * 4);
  r.kernels.batchNorm(
    rowsOf(x),
    n,
    x.pointer,
    mean,
    variance,
    scale.pointer,
    offset.pointer,
    epsilon,
    scratch,
    r.output.pointer,
  );
}

function backwardWith(
  r: OpRecord<Scaled>,
  epsilon: number,
  mean: number,
  variance: number,
  own: boolean,
  then?: Then,
): void {
  const { x, scale } = r.inputs;
  const n = lastSize(x);
  const { memory } = r.runtime;
  const held = memory.top;
  const scratch = memory.allocate(3 * n * 4);
  const into = gradientsOf(r);
  r.kernels.batchNormBackward(
    rowsOf(x),
    n,
    x.pointer,
    mean,
    variance,
    scale.pointer,
    r.gradientOut,
    epsilon,
    own ? 1 : 0,
    scratch,
    ...into,
  );
  then?.(into[1], into[2]);
  memory.top = held;
}

type Then = (dScale: number, dOffset: number) => void;

/** With the batch's own statistics, which batchStatistics has made: their gradient is part of dx. */
export const batchNormOp = defineOp({
  name: "batchNorm",
  inputs: { x: "float32", scale: "float32", offset: "float32", statistics: "float32" },
  shape: ({ x, scale, offset }) => normShape("batchNorm", x, { scale, offset }),
  forward: (r, epsilon: number) => {
    const { pointer, size } = r.inputs.statistics;
    forwardWith(r, epsilon, pointer, pointer + size * 2);
  },
  backward: (r, epsilon) => {
    const { pointer, size } = r.inputs.statistics;
    backwardWith(r, epsilon, pointer, pointer + size * 2, true);
  },
});

/** With statistics given. */
export const normaliseOp = defineOp({
  name: "batchNorm",
  inputs: { x: "float32", scale: "float32", offset: "float32", mean: "float32", variance: "float32" },
  shape: ({ x, ...features }) => normShape("batchNorm", x, features),
  forward: (r, epsilon: number) => forwardWith(r, epsilon, r.inputs.mean.pointer, r.inputs.variance.pointer),
  backward: (r, epsilon) => {
    const { scale, mean, variance } = r.inputs;
    backwardWith(r, epsilon, mean.pointer, variance.pointer, false, (dScale, dOffset) => {
      const { f32 } = r.runtime.memory;
      const dMean = r.gradients.mean >>> 2;
      const dVariance = r.gradients.variance >>> 2;
      for (let i = 0; i < mean.size; i++) {
        const inverse = 1 / Math.sqrt(f32[(variance.pointer >>> 2) + i] + epsilon);
        const factor = f32[(scale.pointer >>> 2) + i] * inverse;
        if (dMean) f32[dMean + i] = -factor * f32[(dOffset >>> 2) + i];
        if (dVariance) f32[dVariance + i] = -0.5 * factor * inverse * f32[(dScale >>> 2) + i];
      }
    });
  },
});

/** Mean and variance of every feature. */
export interface Statistics {
  /** [n] */
  readonly mean: Tensor;
  /** Biased: the mean of the squared deviations. [n] */
  readonly variance: Tensor;
}

function toStatistics(both: Tensor): Statistics {
  const n = both.shape[1];
  return { mean: reshape(slice(both, [0, 0], [1, n]), [n]), variance: reshape(slice(both, [1, 0], [1, n]), [n]) };
}

/**
 * Mean and biased variance of every feature over all axes but the last, without a gradient: what batchNorm normalises
 * with, for running averages.
 *
 * Shapes: [.., n] -> mean [n] and variance [n].
 * Throws ShapeError where there is no example.
 * Example: `batchStatistics(x).mean`
 */
export const batchStatistics = (x: TensorLike): Statistics => toStatistics(run(batchStatisticsOp, undefined, x));

/** batchNorm with the batch's own statistics, and these: the layer needs both. @internal */
export function batchNormAndStatistics(
  x: TensorLike,
  scale: TensorLike,
  offset: TensorLike,
  epsilon: number,
): { output: Tensor; statistics: Statistics } {
  const statistics = run(batchStatisticsOp, undefined, x);
  const output = runNamed(batchNormOp, epsilon, { x, scale, offset, statistics });
  return { output, statistics: toStatistics(statistics) };
}

/** Of batchNorm. */
export interface BatchNormOptions extends NormOptions {
  /** Normalise with this mean and variance instead of the batch's: running ones, at evaluation. [n] */
  readonly mean?: TensorLike;
  /** Beside the mean: neither goes without the other. [n] */
  readonly variance?: TensorLike;
}

const BATCH_NORM: Rules<BatchNormOptions> = { ...LAYER_NORM, mean: anything, variance: anything };

/**
 * (x - mean) / sqrt(variance + epsilon) scale + offset, with mean and biased variance of each feature over all axes but
 * the last: the batch's own, through which the gradient flows too, or those given.
 *
 * Shapes: x [.., n]; scale, offset, and mean and variance if given, [n] -> [.., n].
 * Throws ShapeError unless they are [n] or where there is no example to take a mean of, RangeError for an epsilon < 0,
 * TypeError for a mean without a variance.
 * Example: `batchNorm(x, [1, 1, 1], [0, 0, 0])`; `batchNorm(x, [1, 1, 1], [0, 0, 0], { mean: [0, 0, 0], variance: [1, 1, 1] })`.
 * Source: Ioffe & Szegedy 2015, algorithm 1. nn.batchNorm keeps the running averages.
 */
export function batchNorm(x: TensorLike, scale: TensorLike, offset: TensorLike, options?: BatchNormOptions): Tensor {
  const { epsilon = 1e-5, mean, variance } = readOptions("batchNorm", options, BATCH_NORM);
  if ((mean === undefined) !== (variance === undefined))
    throw new TypeError(
      `batchNorm: got a ${mean === undefined ? "variance without a mean" : "mean without a variance"}; give both, or neither for the batch's own`,
    );
  if (mean !== undefined && variance !== undefined)
    return runNamed(normaliseOp, epsilon, { x, scale, offset, mean, variance });
  return runNamed(batchNormOp, epsilon, { x, scale, offset, statistics: run(batchStatisticsOp, undefined, x) });
}
