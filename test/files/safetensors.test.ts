// Safetensors: the same bytes as the Python package, and a DataError of one line for everything that is not a file.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError, ShapeError } from "../../src/base/errors.js";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../src/files/safetensors.js";

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

// A file from its header, as text or as bytes, and its data.
function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + head.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  file.set(data, 8 + head.length);
  return file;
}

// The header entry of a tensor.
const entry = (dtype: string, shape: unknown, begin: number, end: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

// The message of the DataError that decoding throws; anything else fails the test.
function refusal(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes, "file");
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    const { message } = error as DataError;
    expect(message).toMatch(/^file: .{1,300}$/); // one line
    return message;
  }
  throw new Error("the file was accepted");
}

const float32 = (shape: number[], ...data: number[]): StoredTensor => ({
  shape,
  dtype: "float32",
  data: Float32Array.from(data),
});
const int32 = (shape: number[], ...data: number[]): StoredTensor => ({
  shape,
  dtype: "int32",
  data: Int32Array.from(data),
});

// Python with safetensors 0.8.0: header and data of
//   safetensors.numpy.save({"layers[0].weight": np.array([[1.5, -2], [0.25, 3]], "<f4"),
//     "count": np.array([1, -2, 2147483647], "<i4"), "step": np.array(1, "<i4"), "empty": np.zeros((0, 3), "<f4")},
//     {"format": "1"})
const plain = fileOf(
  '{"__metadata__":{"format":"1"},"empty":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},' +
    '"layers[0].weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},' +
    '"count":{"dtype":"I32","shape":[3],"data_offsets":[16,28]},' +
    '"step":{"dtype":"I32","shape":[],"data_offsets":[28,32]}}   ',
  fromHex("0000c03f000000c00000803e0000404001000000feffffffffffff7f01000000"),
);
const plainTensors = new Map([
  ["empty", float32([0, 3])],
  ["layers[0].weight", float32([2, 2], 1.5, -2, 0.25, 3)],
  ["count", int32([3], 1, -2, 2147483647)],
  ["step", int32([], 1)],
]);

// Python with safetensors 0.8.0: header and data of safetensors.serialize over TensorSpec of
//   "long" np.array([0, -1, 2147483647, -2147483648], "<i8"),
//   "double" np.array([0.1, -1e-50, 3.4028234663852886e38], "<f8"),
//   "brain" (dtype "bfloat16") np.array([0x3fc0, 0xc2f7, 0x0001], "<u2"),
//   "half" np.array([1.5, -2, 2**-14, 2**-24, 1023 * 2**-24, 65504, np.inf, -0.0], "<f2")
const wide = fileOf(
  '{"long":{"dtype":"I64","shape":[4],"data_offsets":[0,32]},' +
    '"double":{"dtype":"F64","shape":[3],"data_offsets":[32,56]},' +
    '"brain":{"dtype":"BF16","shape":[3],"data_offsets":[56,62]},' +
    '"half":{"dtype":"F16","shape":[8],"data_offsets":[62,78]}}    ',
  fromHex(
    "0000000000000000ffffffffffffffffffffff7f0000000000000080ffffffff" +
      "9a9999999999b93f1fb8d44a7aee8db5000000e0ffffef47c03ff7c20100003e00c000040100ff03ff7b007c0080",
  ),
);

describe("encodeSafetensors", () => {
  it("writes the bytes that the Python package writes", () => {
    expect(encodeSafetensors(plainTensors, { format: "1" })).toEqual(plain);
  });

  it("starts the data at a multiple of 8 for every length of the header", () => {
    for (let length = 1; length < 20; length++) {
      const file = encodeSafetensors(new Map([["x".repeat(length), float32([1], 7)]]));
      expect((file.length - 4) % 8).toBe(0);
      expect(new DataView(file.buffer).getFloat32(file.length - 4, true)).toBe(7);
    }
  });

  it("keeps the order of the map, also for names that are numbers", () => {
    const tensors = new Map(["b", "10", "2", "a", "__proto__"].map((name, i) => [name, int32([1], i)]));
    expect([...decodeSafetensors(encodeSafetensors(tensors)).tensors]).toEqual([...tensors]);
  });

  it("writes what a subarray shows, and no more", () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const file = encodeSafetensors(new Map([["x", { shape: [2], dtype: "float32", data }]]));
    expect(decodeSafetensors(file).tensors.get("x")!.data).toEqual(Float32Array.of(2, 3));
  });

  it("writes one NaN for all, and keeps every other value bit by bit", () => {
    const bits = Uint32Array.of(0x7fc12345, 0xffc00000, 0x7f800001, 0xffffffff, 0x80000000, 0xff800000, 1);
    const one = Uint32Array.of(0x7fc00000, 0x7fc00000, 0x7fc00000, 0x7fc00000, 0x80000000, 0xff800000, 1);
    const data = new Float32Array(bits.slice().buffer);
    const file = encodeSafetensors(new Map([["x", { shape: [7], dtype: "float32", data }]]));
    expect(new Uint32Array(decodeSafetensors(file).tensors.get("x")!.data.slice().buffer)).toEqual(one);
    expect(new Uint32Array(data.buffer)).toEqual(bits); // what was given is not written to
    const whole = int32([2], 0x7fc12345, -1); // the same bits are no NaN here
    expect(decodeSafetensors(encodeSafetensors(new Map([["x", whole]]))).tensors.get("x")).toEqual(whole);
  });

  it("refuses data that does not fill its shape", () => {
    expect(() => encodeSafetensors(new Map([["x", float32([2, 2], 1)]]))).toThrow(
      new ShapeError('encodeSafetensors: tensor "x": shape [2, 2] takes 4 values, data has 1'),
    );
  });

  it("refuses data of another type than its dtype", () => {
    expect(() => encodeSafetensors(new Map([["x", { ...float32([1], 1), dtype: "int32" }]]))).toThrow(
      new TypeError('encodeSafetensors: tensor "x": dtype is int32, but data is a Float32Array of 1'),
    );
  });

  it("refuses an unknown dtype", () => {
    expect(() => encodeSafetensors(new Map([["x", { ...float32([1], 1), dtype: "float64" as never }]]))).toThrow(
      new TypeError('encodeSafetensors: tensor "x": dtype expected "float32" or "int32", got "float64"'),
    );
  });

  it("refuses the reserved name", () => {
    expect(() => encodeSafetensors(new Map([["__metadata__", float32([1], 1)]]))).toThrow(
      new RangeError('encodeSafetensors: tensor "__metadata__": this name is reserved for the metadata'),
    );
  });

  it("refuses a name that UTF-8 cannot spell", () => {
    expect(() => encodeSafetensors(new Map([["\ud800", float32([1], 1)]]))).toThrow(
      new RangeError('encodeSafetensors: tensor "\\ud800": the name holds half of a surrogate pair'),
    );
  });

  it("refuses metadata that is not text", () => {
    expect(() => encodeSafetensors(new Map(), null as never)).toThrow(
      new TypeError("encodeSafetensors: metadata expected an object of strings, got null"),
    );
    expect(() => encodeSafetensors(new Map(), { a: "\udc00" })).toThrow(
      new RangeError('encodeSafetensors: metadata "a" holds half of a surrogate pair'),
    );
  });
});

describe("decodeSafetensors", () => {
  it("reads the bytes that the Python package writes", () => {
    expect(decodeSafetensors(plain)).toEqual({ tensors: plainTensors, metadata: { format: "1" } });
  });

  it("returns any tensors and metadata that were written", () => {
    const size = fc.nat({ max: 4 });
    const tensor = fc
      .tuple(fc.array(size, { maxLength: 3 }), fc.boolean(), fc.integer())
      .map(([shape, isFloat, first]) => {
        const length = shape.reduce((product, axisSize) => product * axisSize, 1);
        const values = Array.from({ length }, (_, i) => (first + i) | 0);
        return isFloat ? float32(shape, ...values) : int32(shape, ...values);
      });
    const name = fc.string({ unit: "binary" }).filter((text) => text !== "__metadata__");
    const tensors = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 });
    const metadata = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(tensors, metadata, (pairs, notes) => {
        const written = new Map(pairs);
        const read = decodeSafetensors(encodeSafetensors(written, notes));
        expect(read.tensors).toEqual(written);
        expect(Object.entries(read.metadata)).toEqual(Object.entries(notes));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("widens half and double precision and narrows 64-bit integers", () => {
    const { tensors } = decodeSafetensors(wide);
    expect(tensors.get("long")).toEqual(int32([4], 0, -1, 2147483647, -2147483648));
    expect(tensors.get("double")).toEqual(float32([3], 0.1, -0, 3.4028234663852886e38));
    expect(tensors.get("brain")).toEqual(float32([3], 1.5, -123.5, 9.183549615799121e-41));
    expect(tensors.get("half")).toEqual(
      float32([8], 1.5, -2, 2 ** -14, 2 ** -24, 1023 * 2 ** -24, 65504, Number.POSITIVE_INFINITY, -0),
    );
  });

  it("does not copy data that is aligned", () => {
    expect(decodeSafetensors(plain).tensors.get("count")!.data.buffer).toBe(plain.buffer);
  });

  it("reads a file at any position in its buffer", () => {
    for (let offset = 0; offset < 8; offset++) {
      const moved = new Uint8Array(offset + plain.length + 3);
      moved.set(plain, offset);
      expect(decodeSafetensors(moved.subarray(offset, offset + plain.length)).tensors).toEqual(plainTensors);
    }
  });

  it("reads data that follows a header of any length", () => {
    for (let padding = 0; padding < 8; padding++) {
      const file = fileOf(`{"x":${entry("F32", [1], 0, 4)}}${" ".repeat(padding)}`, fromHex("0000c03f"));
      expect(decodeSafetensors(file).tensors.get("x")).toEqual(float32([1], 1.5));
    }
  });

  it("reads a Buffer of Node as it reads plain bytes", () => {
    const buffer = Buffer.concat([Buffer.from([0]), plain]).subarray(1);
    expect(decodeSafetensors(buffer).tensors).toEqual(plainTensors);
  });

  it("orders the tensors by their data", () => {
    const header = `{"b":${entry("I32", [1], 4, 8)},"a":${entry("I32", [1], 0, 4)}}`;
    expect([...decodeSafetensors(fileOf(header, new Uint8Array(8))).tensors.keys()]).toEqual(["a", "b"]);
  });
});

describe("a file that is not what it says", () => {
  const data16 = new Uint8Array(16);

  it("is refused at every truncation", () => {
    for (let length = 0; length < plain.length; length++)
      expect(refusal(plain.subarray(0, length))).toMatch(/: the file is truncated$/);
  });

  it("is refused when bytes are missing at its end", () => {
    expect(refusal(plain.subarray(0, plain.length - 5))).toBe(
      "file: expected 320 bytes, got 315: the file is truncated",
    );
  });

  it("is refused when bytes follow its end", () => {
    expect(refusal(fileOf("{}", data16))).toBe("file: expected 10 bytes, got 26: the file is too long");
  });

  it("is refused for a header length beyond the limit", () => {
    expect(refusal(new Uint8Array(16).fill(255))).toBe(
      "file: header length 18446744073709551615 is above the limit of 100000000 bytes",
    );
  });

  it("is refused for a header that is not UTF-8", () => {
    expect(refusal(fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)))).toBe("file: the header of 3 bytes is not valid UTF-8");
  });

  it("is refused for a header that is not JSON", () => {
    expect(refusal(fileOf("{\n'a': 1}"))).toBe(`file: the header is not valid JSON: "{\\n'a': 1}"`);
  });

  it("is refused for a header that is no object", () => {
    for (const header of ["", "[]", "null", " {}", "\ufeff{}"])
      expect(refusal(fileOf(header))).toMatch(/^file: the header expected a JSON object, got "/);
  });

  it("is refused for a tensor that is given twice, however its name is spelled", () => {
    const tensor = entry("I32", [1], 0, 4);
    expect(refusal(fileOf(`{"ab":${tensor}, "\\u0061b":${tensor}}`, new Uint8Array(4)))).toBe(
      'file: the header gives the key "ab" twice',
    );
  });

  it("is refused for a shape that is given twice", () => {
    expect(
      refusal(fileOf('{"a":{"shape":[1,1],"dtype":"I32","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4))),
    ).toBe('file: the header gives the key "shape" twice');
  });

  it("is not refused for a name that looks like two keys", () => {
    const name = '",\\"a\\":{[,\\\\';
    const header = `{"a":${entry("I32", [1], 0, 4)},${JSON.stringify(name)}:${entry("I32", [1], 4, 8)}}`;
    expect([...decodeSafetensors(fileOf(header, new Uint8Array(8))).tensors.keys()]).toEqual(["a", name]);
  });

  it("is refused for an entry that is no object", () => {
    for (const [value, shown] of Object.entries({ 3: "3", null: "null", "[1]": "an array of 1", '"x"': '"x"' }))
      expect(refusal(fileOf(`{"a":${value}}`))).toBe(`file: tensor "a": expected an object, got ${shown}`);
  });

  it("is refused for a dtype that float32 and int32 cannot stand for", () => {
    for (const dtype of ["C64", "F4", "F9", "constructor", "__proto__"])
      expect(refusal(fileOf(`{"a":${entry(dtype, [1], 0, 8)}}`, new Uint8Array(8)))).toBe(
        `file: tensor "a": dtype "${dtype}" has no counterpart here, known are F32, F16, BF16, F8_E5M2, F8_E4M3, F64, BOOL, U8, I8, U16, I16, U32, I32, U64, I64. Ask for the other tensors with { like }`,
      );
    expect(refusal(fileOf('{"a":{}}'))).toBe('file: tensor "a": dtype expected a text, got undefined');
  });

  it("is refused for a shape that is no array of sizes", () => {
    const shapes = ['"x"', "null", "{}", "[-1]", "[1.5]", '["1"]', "[null]", "[1e400]", "[9007199254740992]"];
    for (const shape of shapes)
      expect(refusal(fileOf(`{"a":{"dtype":"F32","shape":${shape},"data_offsets":[0,4]}}`, new Uint8Array(4)))).toMatch(
        /^file: tensor "a": shape(\[0\])? expected an (array of sizes|integer >= 0), got /,
      );
  });

  it("is refused for a shape of more than 2^53 bytes, even with an empty axis at its end", () => {
    expect(refusal(fileOf(`{"a":${entry("F32", [2 ** 30, 2 ** 30, 0], 0, 0)}}`))).toBe(
      'file: tensor "a": shape [1073741824, 1073741824, 0] has over 2^53 bytes',
    );
  });

  it("is refused for offsets that are no pair of integers in order", () => {
    for (const offsets of ["null", "[0]", "[0,4,8]", "[4,0]", "[-4,0]", "[0,4.5]", '["0",4]', "[[0],{}]"])
      expect(refusal(fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":${offsets}}}`, data16))).toMatch(
        /^file: tensor "a": data_offsets expected two integers with 0 <= begin <= end, got /,
      );
  });

  it("is refused for offsets that disagree with the shape", () => {
    expect(refusal(fileOf(`{"a":${entry("F32", [2, 2], 0, 12)}}`, new Uint8Array(12)))).toBe(
      'file: tensor "a": shape [2, 2] of F32 takes 16 bytes, data_offsets [0, 12] hold 12',
    );
  });

  it("is refused for tensors that overlap", () => {
    expect(refusal(fileOf(`{"a":${entry("F32", [2], 0, 8)},"b":${entry("F32", [3], 4, 16)}}`, data16))).toBe(
      'file: tensor "b" begins at byte 4 of the data, but tensor "a" ends at 8: they overlap',
    );
  });

  it("is refused for an empty tensor inside another", () => {
    expect(refusal(fileOf(`{"a":${entry("F32", [4], 0, 16)},"b":${entry("F32", [0], 4, 4)}}`, data16))).toMatch(
      /overlap$/,
    );
  });

  it("is refused for a gap between tensors", () => {
    expect(refusal(fileOf(`{"a":${entry("F32", [1], 0, 4)},"b":${entry("F32", [2], 8, 16)}}`, data16))).toBe(
      'file: tensor "b" begins at byte 8 of the data, but bytes 4 to 7 belong to no tensor',
    );
  });

  it("is refused for metadata that is not text", () => {
    expect(refusal(fileOf('{"__metadata__":null}'))).toBe("file: __metadata__ expected an object of strings, got null");
    expect(refusal(fileOf('{"__metadata__":{"step":3}}'))).toBe('file: __metadata__ "step" expected a string, got 3');
  });

  it("is refused for an integer that int32 cannot hold", () => {
    for (const value of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n, 2n ** 32n]) {
      const data = new Uint8Array(BigInt64Array.of(5n, value).buffer);
      expect(refusal(fileOf(`{"a":${entry("I64", [2], 0, 16)}}`, data))).toBe(
        `file: tensor "a": value ${value} at position 1 does not fit int32`,
      );
    }
  });

  it("is refused for a finite double that float32 cannot hold", () => {
    const data = new Uint8Array(Float64Array.of(Number.POSITIVE_INFINITY, -1e39).buffer);
    expect(refusal(fileOf(`{"a":${entry("F64", [2], 0, 16)}}`, data))).toBe(
      'file: tensor "a": value -1e+39 at position 1 does not fit float32',
    );
  });

  it("is refused in one short line for a very long name", () => {
    expect(refusal(fileOf(`{"${"x\\n".repeat(100_000)}":3}`)).length).toBeLessThan(300);
  });

  it("is refused for nests that would overflow a stack", () => {
    const nest = "[".repeat(200_000) + "]".repeat(200_000);
    refusal(fileOf(`{"a":{"dtype":"F32","shape":${nest},"data_offsets":[0,4]}}`, new Uint8Array(4)));
    refusal(fileOf(`{"a":{"dtype":${nest}}}`));
  });

  it("is either refused with a DataError or decoded to well-formed tensors, whichever four bytes are changed", () => {
    const mutations = (length: number) =>
      fc.array(fc.tuple(fc.nat({ max: length - 1 }), fc.integer({ min: 0, max: 255 })), { minLength: 4, maxLength: 4 });
    for (const [seed, original] of [plain, wide].entries())
      fc.assert(
        fc.property(mutations(original.length), fc.boolean(), (changes, printable) => {
          const file = original.slice();
          for (const [position, value] of changes) file[position] = printable ? 0x20 + (value % 95) : value;
          let tensors: Map<string, StoredTensor>;
          try {
            tensors = decodeSafetensors(file, "file").tensors;
          } catch (error) {
            if (!(error instanceof DataError) || !/^file: .{1,400}$/.test(error.message)) throw error;
            return;
          }
          for (const { shape, dtype, data } of tensors.values()) {
            expect(data).toBeInstanceOf(dtype === "float32" ? Float32Array : Int32Array);
            expect(shape.every((size) => Number.isSafeInteger(size) && size >= 0)).toBe(true);
            expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
          }
        }),
        { seed, numRuns: 5000 },
      );
  });
});
