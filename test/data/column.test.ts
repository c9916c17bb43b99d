// Columns from what people have: each kind of array and realm has the same values, or is named with its place.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { type ColumnLike, dataset } from "../../src/data/index.js";
import { mul } from "../../src/ops/elementwise/index.js";

const column = (x: unknown): Tensor => dataset({ x: x as ColumnLike }).columns.x;
const facts = (x: unknown) => {
  const { dtype, shape, data } = column(x);
  return [dtype, [...shape], [...data]];
};
const foreign = (code: string): unknown => runInNewContext(code);

describe("a column", () => {
  const taken: [string, unknown, string, number[], number[]][] = [
    [
      "nested arrays",
      [
        [1, 2],
        [3, 4],
      ],
      "float32",
      [2, 2],
      [1, 2, 3, 4],
    ],
    ["numbers", [0, 1.5], "float32", [2], [0, 1.5]],
    ["a tensor", tensor([[1], [2]]), "float32", [2, 1], [1, 2]],
    ["a Float32Array", Float32Array.of(1, 2), "float32", [2], [1, 2]],
    ["a Float64Array", Float64Array.of(0.1), "float32", [1], [Math.fround(0.1)]],
    ["an Int32Array", Int32Array.of(-1, 2), "int32", [2], [-1, 2]],
    ["a Uint8Array", Uint8Array.of(0, 255), "int32", [2], [0, 255]],
    ["a Uint8ClampedArray", Uint8ClampedArray.of(0, 255), "int32", [2], [0, 255]],
    ["a Buffer", Buffer.of(0, 255), "int32", [2], [0, 255]],
    ["an Int8Array", Int8Array.of(-128), "int32", [1], [-128]],
    ["a Uint16Array", Uint16Array.of(65535), "int32", [1], [65535]],
    ["an Int16Array", Int16Array.of(-32768), "int32", [1], [-32768]],
    ["a Uint32Array", Uint32Array.of(2 ** 31 - 1), "int32", [1], [2 ** 31 - 1]],
    ["a BigInt64Array", BigInt64Array.of(-3n), "int32", [1], [-3]],
    ["a BigUint64Array", BigUint64Array.of(3n), "int32", [1], [3]],
    ["another realm's arrays", foreign("[[1, 2], [3, 4]]"), "float32", [2, 2], [1, 2, 3, 4]],
    ["another realm's Float32Array", foreign("new Float32Array([1, 2])"), "float32", [2], [1, 2]],
    ["another realm's Uint8Array", foreign("new Uint8Array([1, 2])"), "int32", [2], [1, 2]],
    ["rows of floats", [Float32Array.of(1, 2), Float64Array.of(3, 4)], "float32", [2, 2], [1, 2, 3, 4]],
    ["rows of whole numbers", [Uint8Array.of(1, 2), Int32Array.of(3, 4)], "int32", [2, 2], [1, 2, 3, 4]],
    ["another realm's rows", foreign("[new Float32Array([1]), new Float32Array([2])]"), "float32", [2, 1], [1, 2]],
    ["rows of tensors", [tensor([[1]]), tensor([[2]])], "float32", [2, 1, 1], [1, 2]],
  ];
  it.each(taken)("is made of %s", (_, x, dtype, shape, values) => {
    expect(facts(x)).toEqual([dtype, shape, values]);
  });

  it("of another realm's object of columns, and of its bytes, is taken", () => {
    const columns = foreign("({ x: { bytes: new Uint8Array([0, 255]), shape: [2, 1], divisor: 255 } })");
    expect([...dataset(columns as { x: ColumnLike }).columns.x.data]).toEqual([0, 1]);
  });

  const what = 'dataset: column "x"';
  const refused: [string, unknown, string][] = [
    ["undefined", undefined, `${what} expected a tensor, an array or a typed array, got undefined`],
    ["null", null, `${what} expected a tensor, an array or a typed array, got null`],
    ["a number", 3, `${what} expected a tensor, an array or a typed array, got 3`],
    ["a text", "1,2", `${what} expected a tensor, an array or a typed array, got "1,2"`],
    ["a function", () => [1], `${what} expected a tensor, an array or a typed array, got a function`],
    ["a Map", new Map(), `${what} expected a tensor, an array or a typed array, got a Map`],
    ["an object", { a: 1 }, `${what} expected a tensor, an array or a typed array, got an object { a }`],
    [
      "an ArrayBuffer",
      new ArrayBuffer(4),
      "got an ArrayBuffer. Write { bytes: new Uint8Array(buffer), shape, divisor: 255 }",
    ],
    [
      "a DataView",
      new DataView(new ArrayBuffer(4)),
      `${what} expected numbers, got a DataView of 4 bytes. Make a typed array of it`,
    ],
    ["texts", [["1"], ["2"]], `${what} expected numbers, got "1" at [0][0]`],
    ["flags", [[1], [true]], `${what} expected numbers, got true at [1][0]. Write 1 and 0`],
    ["bigints", [1n], `${what} expected numbers, got 1n at [0]. Write Number(...)`],
    ["a hole", [[1, 2], [3]], `${what} is ragged: an array of 1 stands at [1], where an array of 2 is expected`],
    [
      "a missing value",
      [
        [1, 2],
        [3, undefined],
      ],
      `${what} expected numbers, got undefined at [1][1]`,
    ],
    ["a missing row", [[1], null], `${what} expected numbers, got null at [1]`],
    ["a number for a row", [[1], 2], `${what} is ragged: 2 stands at [1], where an array of 1 is expected`],
    ["a row for a number", [1, [2]], `${what} is ragged: an array of 1 stands at [1], where a number is expected`],
    [
      "rows of two lengths",
      [Float32Array.of(1), Float32Array.of(1, 2)],
      `${what} is ragged: [2] float32 stands at [1], where [1] float32 is expected`,
    ],
    [
      "rows of two dtypes",
      [Float32Array.of(1), Int32Array.of(1)],
      `${what} is ragged: [1] int32 stands at [1], where [1] float32 is expected`,
    ],
    [
      "a row among typed ones",
      [Float32Array.of(1), [1]],
      `${what} is ragged: an array of 1 stands at [1], where a Float32Array of 1 is expected`,
    ],
    ["too many axes", [[[[[[[[[1]]]]]]]]], `${what}: rank 9 is above 8`],
    ["NaN", [[1], [Number.NaN]], "dataset: x holds NaN in example 1 at position 0"],
    ["a double beyond float32", Float64Array.of(1, 1e39), `${what} holds 1e+39 at position 1, which is beyond float32`],
    ["a number beyond float32", [[1], [1e39]], `${what} holds 1e+39 at [1][0], which is beyond float32`],
    [
      "a whole number beyond int32",
      Uint32Array.of(2 ** 31),
      `${what} holds 2147483648 at position 0, which is beyond int32`,
    ],
    [
      "a bigint beyond int32",
      BigInt64Array.of(2n ** 40n),
      `${what} holds 1099511627776 at position 0, which is beyond int32`,
    ],
    ["nothing", [], `${what} of shape [0] holds no examples`],
    ["a scalar", tensor(3), `${what} of shape [] holds no examples`],
  ];
  it.each(refused)("of %s is named", (_, x, message) => {
    expect(() => column(x)).toThrow(message);
    expect(() => column(x)).not.toThrow(/Cannot|undefined is not|is not a function|is not iterable/);
  });
});

describe("a column of bytes", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const what = 'dataset: column "x"';
  const refused: [string, unknown, string][] = [
    [
      "no shape",
      { bytes, divisor: 255 },
      `${what}: "shape" is missing. Write { bytes, shape: [examples, ...], divisor }`,
    ],
    [
      "no divisor",
      { bytes, shape: [4] },
      `${what}: "divisor" expected a number > 0, got undefined. Write 255 for 0..1, 1 for the bytes`,
    ],
    ["no bytes", { shape: [4], divisor: 255 }, `${what}: "bytes" expected a Uint8Array, got undefined`],
    [
      "floats for bytes",
      { bytes: Float32Array.of(1), shape: [1], divisor: 1 },
      `${what}: "bytes" expected a Uint8Array, got a Float32Array of 1`,
    ],
    ["a list for bytes", { bytes: [1], shape: [1], divisor: 1 }, `${what}: "bytes" expected a Uint8Array, got [1]`],
    ["a number for a shape", { bytes, shape: 4, divisor: 1 }, `${what}: "shape": a shape is an array of sizes, got 4`],
    [
      "a text for a divisor",
      { bytes, shape: [4], divisor: "255" },
      `${what}: "divisor" expected a number > 0, got "255"`,
    ],
    ["a negative divisor", { bytes, shape: [4], divisor: -1 }, `${what}: "divisor" expected a number > 0, got -1`],
    ["NaN", { bytes, shape: [4], divisor: Number.NaN }, `${what}: "divisor" expected a number > 0, got NaN`],
    [
      "a divisor that makes infinities",
      { bytes, shape: [4], divisor: 1e-38 },
      `${what}: "divisor" expected a number > 0 by which bytes stay within float32, got 1e-38`,
    ],
    [
      "a divisor that makes zeros",
      { bytes, shape: [4], divisor: 1e300 },
      "by which bytes stay within float32, got 1e+300",
    ],
    [
      "a misspelt name",
      { bytes, shape: [4], divisr: 255 },
      `${what}: there is no option "divisr". Did you mean "divisor"?`,
    ],
  ];
  it.each(refused)("with %s is named", (_, x, message) => {
    expect(() => column(x)).toThrow(message);
  });

  it("is taken from a Buffer, a clamped array and another realm", () => {
    for (const own of [Buffer.from(bytes), Uint8ClampedArray.from(bytes), foreign("new Uint8Array([1, 2, 3, 4])")]) {
      const images = dataset({ x: { bytes: own as Uint8Array, shape: [4, 1], divisor: 1 } });
      const batch = [...images.batches(4, { seed: 1, epochs: 1 })][0].x;
      expect([...batch.data].sort()).toEqual([1, 2, 3, 4]);
    }
  });

  it.each([255, 127.5, 1, 256, 0.1, 3.3, 78.565, 72.940223, 1 / 3, 1e-30, 1e30])(
    "divided by %d has float32 of the exact quotient, by .data and in the runtime alike",
    (divisor) => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const make = () => dataset({ x: { bytes: all, shape: [64, 4], divisor } }).columns.x;
      const expected = Array.from(all, (byte) => Math.fround(byte / divisor));
      expect([...make().data]).toEqual(expected);
      expect([...mul(make(), 1).data]).toEqual(expected);
      const peeked = make();
      peeked.data;
      expect([...mul(peeked, 1).data]).toEqual(expected);
    },
  );
});

describe("dataset", () => {
  const x = zeros([2, 2]);
  const calls: [string, () => unknown, string][] = [
    ["a tensor", () => dataset(x as never), "dataset: expected columns by name, got a tensor. Write dataset({ x })"],
    ["two tensors", () => dataset(x as never, zeros([2]) as never), "got a tensor. Write dataset({ x, y })"],
    ["arrays", () => dataset([[1], [2]] as never, [0, 1] as never), "got [[1], [2]]. Write dataset({ x, y })"],
    ["a dataset", () => dataset(dataset({ x }) as never), "got a dataset, which can be used as it is"],
    ["nothing", () => dataset(undefined as never), "dataset: expected columns by name, got undefined"],
    ["a Map", () => dataset(new Map() as never), "dataset: expected columns by name, got a Map"],
    [
      "labels for options",
      () => dataset({ x }, { y: x } as never),
      "dataset: the columns go into one object: dataset({ x, y })",
    ],
    [
      "a misspelt option",
      () => dataset({ x }, { clases: 2 } as never),
      'there is no option "clases". Did you mean "classes"?',
    ],
    [
      "classes without labels",
      () => dataset({ x, y: [0, 1] }, { classes: 2 }),
      'dataset: "classes" is 2, but no column holds whole numbers for labels. Write y: new Int32Array([...])',
    ],
    [
      "no classes",
      () => dataset({ y: Int32Array.of(0) }, { classes: 0 }),
      'dataset: "classes" expected an integer >= 1, got 0',
    ],
    [
      "a flat array of images",
      () => dataset({ x: new Float32Array(8), y: new Int32Array(2) }),
      'dataset: column "y" has 2 examples, "x" has 8; every column needs one row per example. Give a flat array its shape: y: tensor(values, [examples, ...])',
    ],
    [
      "labels outside the classes",
      () => dataset({ y: Uint8Array.of(0, 10) }, { classes: 10 }),
      "dataset: y holds the label 10 at position 1, outside 0..9",
    ],
  ];
  it.each(calls)("given %s says what to write", (_, call, message) => {
    expect(call).toThrow(message);
  });

  it("takes labels as bytes, beside images as nested arrays", () => {
    const { columns, size } = dataset(
      {
        x: [
          [1, 2],
          [3, 4],
        ],
        y: new Uint8Array([0, 9]),
      },
      { classes: 10 },
    );
    expect([size, columns.x.shape, columns.y.dtype, [...columns.y.data]]).toEqual([2, [2, 2], "int32", [0, 9]]);
  });

  it("does not copy what is float32 or int32 already", () => {
    const values = Float32Array.of(1, 2);
    expect(column(values).data).toBe(values);
  });
});
