import { describe, expect, it } from "vitest";
import {
  avgPool2d,
  concat,
  conv2d,
  createTrainer,
  full,
  grad,
  linear,
  logSumExp,
  matmul,
  max,
  maxPool2d,
  mean,
  min,
  norm,
  optim,
  prod,
  reshape,
  slice,
  stack,
  sum,
  type Tensor,
  tensor,
  transpose,
  zeros,
} from "../../src/index.js";

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const image = full([1, 4, 4, 1], 1);
const kernel = full([3, 3, 1, 1], 1);
const any = (f: unknown) => f as (...all: unknown[]) => Tensor;

describe("an axis by position", () => {
  it.each([
    ["sum", sum],
    ["mean", mean],
    ["max", max],
    ["min", min],
    ["norm", norm],
    ["prod", prod],
    ["logSumExp", logSumExp],
  ] as const)("is what it is in numpy and PyTorch: %s", (_, f) => {
    for (const axis of [0, 1, -1, [0, 1], []]) {
      const options = f(x, { axis });
      expect(f(x, axis)).toEqual(options);
      expect(f(x, axis, true)).toEqual(f(x, { axis, keepDims: true }));
      expect(grad((t: Tensor) => sum(f(t, axis)))(x)).toEqual(grad((t: Tensor) => sum(f(t, { axis })))(x));
    }
    expect(f(x, null)).toEqual(f(x));
    expect(() => f(x, 2)).toThrow(RangeError);
    expect(() => any(f)(x, "1")).toThrow(TypeError);
    expect(() => any(f)(x, { dim: 1 })).toThrow('there is no option "dim". Did you mean "axis"?');
    expect(() => any(f)(x, { keepdims: true })).toThrow('Did you mean "keepDims"?');
    expect(() => any(f)(x, 1, "yes")).toThrow('"keepDims" expected true or false, got "yes"');
    expect(() => any(f)(x, { axis: 1 }, true)).toThrow("give either options or axis and keepDims");
  });

  it("is taken by the methods", () => {
    expect(x.sum(1).toArray()).toEqual([6, 15]);
    expect(x.mean(0).toArray()).toEqual([2.5, 3.5, 4.5]);
    expect(x.max(1, true).shape).toEqual([2, 1]);
    expect(() => any(x.sum.bind(x))({ dim: 1 })).toThrow('Did you mean "axis"?');
  });
});

describe("options of ops", () => {
  it.each([
    ["matmul", () => any(matmul)(x, x, { transB: true }), 'matmul: there is no option "transB"'],
    ["matmul", () => any(matmul)(x, x, true), "matmul: expected options { transposeA, transposeB }, got true"],
    ["matmul", () => any(matmul)(x, x, { transposeB: 1 }), 'matmul: "transposeB" expected true or false, got 1'],
    ["linear", () => any(linear)(x, zeros([3, 2]), zeros([2]), { activation: "relu" }), 'no option "activation"'],
    ["conv2d", () => any(conv2d)(image, kernel, undefined, { strides: 2 }), 'Did you mean "stride"?'],
    [
      "conv2d",
      () => any(conv2d)(image, kernel, undefined, 2),
      "conv2d: expected options { stride, padding, activation }",
    ],
    ["conv2d", () => any(conv2d)(image, kernel, undefined, { stride: "2" }), 'conv2d: "stride" expected an integer'],
    ["conv2d", () => any(conv2d)(image, kernel, undefined, { padding: [1, 1] }), 'conv2d: "padding" expected'],
    ["conv2d", () => any(conv2d)(image, kernel, undefined, { activation: "toString" }), '"activation" expected relu'],
    ["maxPool2d", () => any(maxPool2d)(image, 2, 2), "maxPool2d: expected options { stride, padding }, got 2"],
    ["avgPool2d", () => any(avgPool2d)(image, 2, { strides: 1 }), 'Did you mean "stride"?'],
    ["avgPool2d", () => any(avgPool2d)(image), 'avgPool2d: "size" expected an integer'],
    ["concat", () => any(concat)(x, x), "concat: expected a list of tensors, got a tensor"],
    ["concat", () => any(concat)([x, x], { axis: 1 }), 'concat: "axis" expected an integer, got an object { axis }'],
    ["stack", () => any(stack)(x, x), "stack: expected a list of tensors, got a tensor"],
    ["reshape", () => any(reshape)(x, 3, 2), 'reshape: "shape" expected an array, got 3'],
    ["transpose", () => any(transpose)(x, 1, 0), 'transpose: "axes" expected an array, got 1'],
    ["slice", () => any(slice)(x, 0, 1), 'slice: "start" expected an array, got 0'],
  ])("are refused where they are misspelt or of another kind: %s", (_, f, message) => {
    expect(f).toThrow(message);
  });

  it("are copied: an array that is changed afterwards is another call's", () => {
    const padding: [number, number, number, number] = [0, 0, 0, 0];
    const options = { padding, stride: 1 };
    const shapes: string[] = [];
    const trainer = createTrainer({
      params: { w: kernel },
      loss: (p, _: undefined) => {
        const a = conv2d(image, p.w, undefined, options);
        padding.fill(1);
        const b = conv2d(image, p.w, undefined, options);
        padding.fill(0);
        shapes.push(`${a.shape} ${b.shape}`);
        return a.sum().add(b.sum());
      },
      optimizer: optim.sgd(0),
    });
    for (let i = 0; i < 3; i++) expect(trainer.step(undefined).loss).toBe(36 + 100);
    expect(new Set(shapes)).toEqual(new Set(["1,2,2,1 1,4,4,1"]));
    class Settings {
      axis = 0;
    }
    const own = new Settings();
    const sums: number[] = [];
    const other = createTrainer({
      params: { w: x },
      loss: (p, _: undefined) => {
        own.axis = sums.length;
        const y = sum(p.w, own);
        sums.push(y.size);
        return y.sum();
      },
      optimizer: optim.sgd(0),
    });
    for (let i = 0; i < 2; i++) other.step(undefined);
    expect(sums).toEqual([3, 2]);
  });
});
