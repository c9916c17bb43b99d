// Pooling over windows of images, NHWC: batch, height, width, channels.
import { ShapeError } from "../../base/errors.js";
import { copied, readOptions } from "../../base/options.js";
import { showShape } from "../../base/shape.js";
import type { OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { pairOf } from "./conv.js";

/** A number for both height and width, or one for each. */
export type Pair = number | readonly [height: number, width: number];

/** Of maxPool2d and avgPool2d. */
export interface PoolOptions {
  /** Step from window to window; the size of the window by default. */
  readonly stride?: Pair;
  /** Rows above and below, columns left and right; 0 by default, at most half the window. */
  readonly padding?: Pair;
}

interface PoolAttributes {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

function poolShape(op: string, x: Value, { size, stride, padding }: PoolAttributes): number[] {
  if (x.rank !== 4)
    throw new ShapeError(`${op}: expected images [batch, height, width, channels], got ${showShape(x.shape)}`);
  const [batch, height, width, channels] = x.shape;
  const [outHeight, outWidth] = [height, width].map((n, d) => {
    if (n === 0 || n + 2 * padding[d] < size[d])
      throw new ShapeError(
        `${op}: the window ${showShape(size)} does not fit into ${showShape([height, width])} of ${showShape(x.shape)}${padding[d] > 0 ? ` with padding ${showShape(padding)}` : ""}`,
      );
    return Math.floor((n + 2 * padding[d] - size[d]) / stride[d]) + 1;
  });
  return [batch, outHeight, outWidth, channels];
}

type X = { x: "float32" };

/** Writes the sizes to the table that the kernels read. */
function writeSizes({ runtime, inputs, output }: OpRecord<X>, { size, stride, padding }: PoolAttributes): void {
  runtime.memory.i32.set(
    [...inputs.x.shape.slice(1), ...size, ...stride, ...padding, output.shape[1], output.shape[2]],
    runtime.table,
  );
}

type Given = readonly [size: Pair, options: PoolOptions | undefined];

export const maxPool2dOp = defineOp({
  name: "maxPool2d",
  inputs: { x: "float32" },
  read: ([size, options]: Given) => poolAttributes("maxPool2d", size, options),
  shape: ({ x }, attributes) => poolShape("maxPool2d", x, attributes),
  forward: (r, attributes) => {
    writeSizes(r, attributes);
    r.kernels.maxPool(r.inputs.x.shape[0], r.inputs.x.pointer, r.output.pointer);
  },
  backward: (r, attributes) => {
    const dx = r.gradients.x;
    r.kernels.fill(r.inputs.x.size, 0, dx);
    writeSizes(r, attributes);
    r.kernels.maxPoolBackward(r.inputs.x.shape[0], r.inputs.x.pointer, r.output.pointer, r.gradientOut, dx);
  },
});

export const avgPool2dOp = defineOp({
  name: "avgPool2d",
  inputs: { x: "float32" },
  read: ([size, options]: Given) => poolAttributes("avgPool2d", size, options),
  shape: ({ x }, attributes) => poolShape("avgPool2d", x, attributes),
  forward: (r, attributes) => {
    writeSizes(r, attributes);
    r.kernels.averagePool(r.inputs.x.shape[0], r.inputs.x.pointer, r.output.pointer);
  },
  backward: (r, attributes) => {
    const dx = r.gradients.x;
    r.kernels.fill(r.inputs.x.size, 0, dx);
    writeSizes(r, attributes);
    r.kernels.averagePoolBackward(r.inputs.x.shape[0], r.gradientOut, dx);
  },
});

/** The options of a pooling op, checked: also for the layers, which refuse at once. @internal */
export function poolAttributes(op: string, size: Pair, options?: PoolOptions): PoolAttributes {
  const window = pairOf(op, "size", size, 1);
  const { stride, padding: around = 0 } = readOptions<PoolOptions>(op, options, { stride: copied, padding: copied });
  const padding = pairOf(op, "padding", around, 0);
  padding.forEach((n, d) => {
    if (2 * n > window[d])
      throw new RangeError(`${op}: padding ${showShape(padding)} is more than half the window ${showShape(window)}`);
  });
  return { size: window, stride: pairOf(op, "stride", stride ?? window, 1), padding };
}

/**
 * The largest value of every window; of equal ones the first takes the gradient. Padding never wins.
 *
 * Shapes: [batch, height, width, channels] -> [batch, floor((height + 2 padding - size) / stride) + 1, the same of the
 * width, channels].
 * Throws ShapeError where the window does not fit into the image, RangeError for sizes that are none.
 * Example: `maxPool2d(zeros([1, 4, 4, 3]), 2)`; `maxPool2d(zeros([1, 5, 5, 3]), [3, 2], { stride: 2, padding: [1, 0] })`.
 * Source: as torch.nn.MaxPool2d, with the channels last.
 */
export const maxPool2d = (x: TensorLike, size: Pair, options?: PoolOptions): Tensor =>
  run(maxPool2dOp, [size, options], x);

/**
 * The mean of every window; padding counts as zeros.
 *
 * Shapes: [batch, height, width, channels] -> [batch, floor((height + 2 padding - size) / stride) + 1, the same of the
 * width, channels].
 * Throws ShapeError where the window does not fit into the image, RangeError for sizes that are none.
 * Example: `avgPool2d(zeros([1, 4, 4, 3]), 2)`. Source: as torch.nn.AvgPool2d, with the channels last.
 */
export const avgPool2d = (x: TensorLike, size: Pair, options?: PoolOptions): Tensor =>
  run(avgPool2dOp, [size, options], x);
