// Convolutions of images [batch, height, width, channels] with kernels [kh, kw, in, out], optionally through an activation
// in place, so that what lies before it takes no memory. The halo of zeros is made anew for each pass and not kept.
import { ShapeError, show } from "../../base/errors.js";
import { anything, copied, readOptions } from "../../base/options.js";
import { type Shape, sameShape, showShape } from "../../base/shape.js";
import type { OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Kernels } from "../../wasm/kernels.js";
import { defineOp, run, type TensorLike } from "../define.js";

const PLAIN = 0;
const RELU = 1;
const FLUSH = 2; // as in matmul.ts

export type ConvActivation = "relu" | "sigmoid" | "tanh" | "saturatingSigmoid" | "saturatingTanh";
/** Rows and columns of zeros around the image: the same on all sides, [top, right, bottom, left], or "same". */
export type Padding = number | readonly [number, number, number, number] | "same";

/** Where the windows lie, and what happens to the result. */
export interface Conv2dOptions {
  /** Pixels from one output to the next, or [down, right]; 1 by default. */
  readonly stride?: number | readonly [number, number];
  /** 0 by default; "same" gives ceil(size / stride) outputs, the odd pixel below and right as in TensorFlow. */
  readonly padding?: Padding;
  /** Of the result, in place. */
  readonly activation?: ConvActivation;
}

interface ConvAttributes {
  readonly strideY: number;
  readonly strideX: number;
  readonly padding: Padding;
  readonly activation: ConvActivation | undefined;
}

/** Everything a kernel call needs, from the shapes. */
interface Geometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly ci: number;
  readonly kh: number;
  readonly kw: number;
  readonly co: number;
  readonly top: number;
  readonly left: number;
  /** With the halo. */
  readonly fullHeight: number;
  readonly fullWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

function along(size: number, kernel: number, stride: number, padding: Padding, axis: 0 | 1): [number, number, number] {
  let before: number;
  let after: number;
  if (padding === "same") {
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
    before = total >> 1;
    after = total - before;
  } else if (typeof padding === "number") before = after = padding;
  else {
    before = padding[axis === 0 ? 0 : 3];
    after = padding[axis === 0 ? 2 : 1];
  }
  const full = before + size + after;
  return [before, full, full < kernel ? 0 : Math.floor((full - kernel) / stride) + 1];
}

function geometry(x: Shape, w: Shape, { strideY, strideX, padding }: ConvAttributes): Geometry {
  const [batch, height, width, ci] = x;
  const [kh, kw, , co] = w;
  const [top, fullHeight, outHeight] = along(height, kh, strideY, padding, 0);
  const [left, fullWidth, outWidth] = along(width, kw, strideX, padding, 1);
  return { batch, height, width, ci, kh, kw, co, top, left, fullHeight, fullWidth, outHeight, outWidth };
}

type Conv = OpRecord<typeof INPUTS>;

/** Address of x with its halo: x itself where there is none, else above the arena's top. */
function withHalo({ kernels, runtime, inputs: { x } }: Conv, g: Geometry): number {
  if (g.fullHeight === g.height && g.fullWidth === g.width) return x.pointer;
  const out = runtime.memory.allocate(g.batch * g.fullHeight * g.fullWidth * g.ci * 4);
  const { batch, height, width, ci, top, left, fullHeight, fullWidth } = g;
  kernels.placeImages(batch, height, width, ci, fullHeight, fullWidth, x.pointer, top, left, 1, 1, out);
  return out;
}

/** dx: the output's gradient, spread by the stride, under the kernel turned by 180 degrees. */
function inputGradient(r: Conv, g: Geometry, { strideY, strideX }: ConvAttributes, dx: number): void {
  const { kernels, runtime, gradientOut: dy } = r;
  const { batch, height, width, ci, kh, kw, co, top, left, outHeight, outWidth } = g;
  const { memory } = runtime;
  const turned = memory.allocate(kh * kw * ci * co * 4);
  kernels.turnKernel(kh, kw, ci, co, r.inputs.weight.pointer, turned);
  const h = height + kh - 1;
  const w = width + kw - 1;
  const spread = memory.allocate(batch * h * w * co * 4);
  const [t, l] = [kh - 1 - top, kw - 1 - left];
  kernels.placeImages(batch, outHeight, outWidth, co, h, w, dy, t, l, strideY, strideX, spread);
  kernels.convolve(batch, h, w, co, kh, kw, height, width, ci, spread, turned, 0, 1, 1, FLUSH, dx);
}

type InPlace = (kernels: Kernels, n: number, y: number) => void;
type Derivative = (kernels: Kernels, n: number, y: number, dy: number) => void;

/** After the product, and back from the output's values. */
const activations: { readonly [name in ConvActivation]: readonly [InPlace, Derivative] } = {
  relu: [() => {}, (k, n, y, dy) => k.reluBackward(n, y, dy, dy)], // the product's own ending
  sigmoid: [(k, n, y) => k.sigmoidKernel(n, y, y), (k, n, y, dy) => k.sigmoidBackward(n, y, dy, dy)],
  tanh: [(k, n, y) => k.tanhKernel(n, y, y), (k, n, y, dy) => k.tanhBackward(n, y, dy, dy)],
  saturatingSigmoid: [
    (k, n, y) => k.saturatingSigmoidKernel(n, y, y),
    (k, n, y, dy) => k.saturatingSigmoidBackward(n, y, dy, dy),
  ],
  saturatingTanh: [
    (k, n, y) => k.saturatingTanhKernel(n, y, y),
    (k, n, y, dy) => k.saturatingTanhBackward(n, y, dy, dy),
  ],
};

const INPUTS = { x: "float32", weight: "float32", bias: "float32?" } as const;

export const conv2dOp = defineOp({
  name: "conv2d",
  inputs: INPUTS,
  mixes: true,
  read: (given: Conv2dOptions | undefined) => convAttributes(given),
  shape: ({ x, weight: w, bias: b }, attributes) => {
    if (x.rank !== 4 || w.rank !== 4)
      throw new ShapeError(
        `conv2d: expected an image [batch, height, width, channels] and a weight [height, width, in, out], got ${showShape(x.shape)} and ${showShape(w.shape)}`,
      );
    if (x.shape[3] !== w.shape[2])
      throw new ShapeError(
        `conv2d: the image ${showShape(x.shape)} has ${x.shape[3]} channels, the weight ${showShape(w.shape)} takes ${w.shape[2]}. Channels come last; transpose(x, [0, 2, 3, 1]) turns NCHW`,
      );
    if (b && !sameShape(b.shape, [w.shape[3]]))
      throw new ShapeError(`conv2d: the bias ${showShape(b.shape)} must be [${w.shape[3]}], one per output channel`);
    const { batch, outHeight, outWidth, co } = geometry(x.shape, w.shape, attributes);
    if (outHeight === 0 || outWidth === 0)
      throw new ShapeError(
        `conv2d: the weight ${showShape(w.shape)} does not fit into the image ${showShape(x.shape)} with padding ${show(attributes.padding)}`,
      );
    return [batch, outHeight, outWidth, co];
  },
  forward: (r, attributes) => {
    const { kernels, runtime, output } = r;
    const { x, weight, bias } = r.inputs;
    const g = geometry(x.shape, weight.shape, attributes);
    const held = runtime.memory.top;
    kernels.convolve(
      g.batch,
      g.fullHeight,
      g.fullWidth,
      g.ci,
      g.kh,
      g.kw,
      g.outHeight,
      g.outWidth,
      g.co,
      withHalo(r, g),
      weight.pointer,
      bias?.pointer ?? 0,
      attributes.strideY,
      attributes.strideX,
      attributes.activation === "relu" ? RELU : PLAIN,
      output.pointer,
    );
    runtime.memory.top = held;
    if (attributes.activation) activations[attributes.activation][0](kernels, output.size, output.pointer);
  },
  backward: (r, attributes) => {
    const { kernels, runtime, inputs, output, gradientOut: dy } = r;
    const { x: dx, weight: dw, bias: db } = r.gradients;
    const g = geometry(inputs.x.shape, inputs.weight.shape, attributes);
    const held = runtime.memory.top;
    if (attributes.activation) activations[attributes.activation][1](kernels, output.size, output.pointer, dy);
    if (dx !== 0) inputGradient(r, g, attributes, dx);
    runtime.memory.top = held;
    if (dw !== 0) {
      const { batch, fullHeight, fullWidth, ci, kh, kw, outHeight, outWidth, co } = g;
      const { strideY, strideX } = attributes;
      const x = withHalo(r, g);
      kernels.convolveWeights(
        batch,
        fullHeight,
        fullWidth,
        ci,
        kh,
        kw,
        outHeight,
        outWidth,
        co,
        x,
        dy,
        strideY,
        strideX,
        dw,
      );
      runtime.memory.top = held;
    }
    if (db !== 0) kernels.sumColumns(1, output.size / g.co, g.co, dy, 1, db);
  },
});

/** Throws RangeError for what is no padding. @internal */
export function checkPadding(padding: Padding): Padding {
  const sizes = Array.isArray(padding) ? padding : [padding];
  const whole = sizes.every((size) => Number.isInteger(size) && size >= 0);
  if (padding !== "same" && !(whole && (sizes.length === 1 || sizes.length === 4)))
    throw new (sizes.some((size) => typeof size !== "number") ? TypeError : RangeError)(
      `conv2d: "padding" expected an integer >= 0, [top, right, bottom, left] or "same", got ${show(padding)}`,
    );
  return padding;
}

/** [down, right] of a stride or a window. Throws RangeError for anything but integers >= `least`. */
export function pairOf(
  owner: string,
  name: string,
  value: number | readonly [number, number],
  least = 1,
): [number, number] {
  const pair = typeof value === "number" ? [value, value] : value;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((v) => Number.isInteger(v) && v >= least))
    throw new (Array.isArray(pair) && pair.every((v) => typeof v === "number") ? RangeError : TypeError)(
      `${owner}: "${name}" expected an integer >= ${least} or a pair of them, got ${show(value)}`,
    );
  return [pair[0], pair[1]];
}

/** The options of a convolution, checked: also for the layer, which refuses at once. @internal */
export function convAttributes(options: Conv2dOptions | undefined): ConvAttributes {
  const read = readOptions<Conv2dOptions>("conv2d", options, { stride: copied, padding: copied, activation: anything });
  const { stride = 1, padding = 0, activation } = read;
  const [strideY, strideX] = pairOf("conv2d", "stride", stride);
  if (activation !== undefined && !Object.hasOwn(activations, activation))
    throw new TypeError(
      `conv2d: "activation" expected ${Object.keys(activations).join(", ")}, got ${show(activation)}. Apply others to the result`,
    );
  return { strideY, strideX, padding: checkPadding(padding), activation };
}

/**
 * Cross-correlation of images with kernels (what networks call a convolution), plus a bias, optionally through an activation.
 *
 * Shapes: x [batch, height, width, in], weight [kh, kw, in, out], bias [out] -> [batch, outHeight, outWidth, out].
 * Throws ShapeError when channels differ or the kernel does not fit, RangeError for a bad stride or padding.
 * Example: `conv2d(zeros([1, 5, 5, 2]), zeros([3, 3, 2, 4]), zeros([4]), { padding: "same", activation: "relu" })`
 */
export const conv2d = (x: TensorLike, weight: TensorLike, bias?: TensorLike, options?: Conv2dOptions): Tensor =>
  run(conv2dOp, options, x, weight, bias);
