// Every dtype of the format, read as float32 or int32: with its value, or refused with the first value that does not fit.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { DataError } from "../../src/base/errors.js";
import { tensor, zeros } from "../../src/core/tensor.js";
import { digestBytes } from "../../src/files/digest.js";
import { load, save } from "../../src/files/save.js";

/** A file of the tensors, each as its dtype, shape and bytes. */
function file(tensors: { [name: string]: [dtype: string, shape: number[], bytes: ArrayLike<number>] }): Uint8Array {
  const parts: number[] = [];
  const header = Object.entries(tensors).map(([name, [dtype, shape, bytes]]) => {
    const begin = parts.length;
    for (let i = 0; i < bytes.length; i++) parts.push(bytes[i]);
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, parts.length] })}`;
  });
  const text = new TextEncoder().encode(`{${header.join(",")}}`);
  const out = new Uint8Array(8 + text.length + parts.length);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 8);
  out.set(parts, 8 + text.length);
  return out;
}
const bytes = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const intOf = (shape: number[]) => tensor(new Int32Array(shape.reduce((a, b) => a * b, 1)), shape);
const BIG = [2n ** 31n, 2n ** 31n + 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n];

describe("whole numbers and booleans", () => {
  const cases: [string, Uint8Array, number[]][] = [
    ["BOOL", Uint8Array.of(0, 1), [0, 1]],
    ["U8", Uint8Array.of(0, 255), [0, 255]],
    ["I8", bytes(Int8Array.of(-128, 127)), [-128, 127]],
    ["U16", bytes(Uint16Array.of(1, 65535)), [1, 65535]],
    ["I16", bytes(Int16Array.of(-32768, 32767)), [-32768, 32767]],
    ["U32", bytes(Uint32Array.of(7, 2 ** 31 - 1)), [7, 2 ** 31 - 1]],
    ["U64", bytes(BigUint64Array.of(7n, 2n ** 31n - 1n)), [7, 2 ** 31 - 1]],
    ["I64", bytes(BigInt64Array.of(-(2n ** 31n), -1n)), [-(2 ** 31), -1]],
    ["I32", bytes(Int32Array.of(-(2 ** 31), 5)), [-(2 ** 31), 5]],
  ];
  it.each(cases)("%s are int32, also at an odd address", (dtype, data, expected) => {
    for (let shift = 0; shift < 4; shift++) {
      const { x } = load(
        file({ pad: ["U8", [shift], Uint8Array.of(1, 2, 3).subarray(0, shift)], x: [dtype, [2], data] }),
      );
      expect([x.dtype, ...x.data]).toEqual(["int32", ...expected]);
    }
  });

  it.each(cases)("%s are float32 where that is wanted and holds them", (dtype, data, expected) => {
    const read = () => load(file({ x: [dtype, [2], data] }), { like: { x: zeros([2]) } }).x;
    if (expected.every((v) => Math.fround(v) === v)) expect([...read().data]).toEqual(expected);
    else
      expect(read).toThrow(
        `load: tensor "x": the file's ${dtype} is wanted as float32: value 2147483647 at position 1 does not fit float32`,
      );
  });

  it("that int32 cannot hold are refused by value, of 32 and of 64 bits", () => {
    const refused = (dtype: string, data: Uint8Array, value: bigint) =>
      expect(() => load(file({ x: [dtype, [1], data] }))).toThrow(
        new DataError(`load: tensor "x": value ${value} at position 0 does not fit int32`),
      );
    refused("U32", bytes(Uint32Array.of(2 ** 31)), 2n ** 31n);
    for (const value of BIG) {
      refused("U64", bytes(BigUint64Array.of(value)), value);
      refused("I64", bytes(BigInt64Array.of(value)), value);
      refused("I64", bytes(BigInt64Array.of(-value - 1n)), -value - 1n);
    }
    refused("U64", bytes(BigUint64Array.of(2n ** 64n - 1n)), 2n ** 64n - 1n);
  });

  it("of 64 bits are wanted as float32 where they are exact, to the last bit", () => {
    const like = { x: zeros([1]) };
    for (const value of [...BIG, 2n ** 62n, 2n ** 24n + 1n, 2n ** 60n + 2n ** 36n]) {
      const read = () => load(file({ x: ["I64", [1], bytes(BigInt64Array.of(value))] }), { like }).x.item();
      const exact = BigInt(Math.fround(Number(value))) === value;
      if (exact) expect(BigInt(read())).toBe(value);
      else expect(read).toThrow(`value ${value} at position 0 does not fit float32`);
    }
  });

  it("are refused where a BOOL is neither 0 nor 1", () => {
    expect(() => load(file({ x: ["BOOL", [2], [1, 2]] }))).toThrow(
      new DataError('load: tensor "x": byte 2 at position 1 is no BOOL'),
    );
  });
});

describe("floats", () => {
  // the definition: (-1)^sign 2^(exponent - bias) (1 + fraction / 2^bits), and 0. for exponent 0
  const defined = (byte: number, bits: number, bias: number): number => {
    const exponent = (byte & 0x7f) >> bits;
    const fraction = (byte & ((1 << bits) - 1)) / (1 << bits);
    const size = exponent === 0 ? 2 ** (1 - bias) * fraction : 2 ** (exponent - bias) * (1 + fraction);
    return byte & 0x80 ? -size : size;
  };
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);

  it("of F8_E4M3 have the values of its definition, and one NaN of each sign", () => {
    const { x } = load(file({ x: ["F8_E4M3", [256], all] }));
    const expected = Array.from(all, (byte) => ((byte & 0x7f) === 0x7f ? Number.NaN : defined(byte, 3, 7)));
    expect([...x.data]).toEqual(expected);
    expect([Math.max(...x.data.filter(Number.isFinite)), x.data[1]]).toEqual([448, 2 ** -9]); // arXiv 2209.05433, table 1
  });

  it("of F8_E5M2 have the values of its definition, with infinities", () => {
    const { x } = load(file({ x: ["F8_E5M2", [256], all] }));
    const expected = Array.from(all, (byte) => {
      if ((byte & 0x7c) !== 0x7c) return defined(byte, 2, 15);
      return byte & 3 ? Number.NaN : byte & 0x80 ? -Infinity : Infinity;
    });
    expect([...x.data]).toEqual(expected);
    expect([x.data[0x7b], x.data[1]]).toEqual([57344, 2 ** -16]);
  });

  it("of F16 are widened as NumPy does it, each of them", () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 0x7fff) <= 0x7c00);
    const { x } = load(file({ x: ["F16", [halves.length], bytes(halves)] }));
    // Python: h = np.arange(65536, dtype="<u2").view("<f2").astype("<f4"); b = h[~np.isnan(h)].tobytes();
    //   "%08x%08x" % struct.unpack("<2I", mmh3.hash_bytes(b, 0, False)[:8])
    expect(digestBytes([bytes(x.data)])).toBe("393ec7d69c12e2a3");
  });

  it("that are whole are int32 where that is wanted, others refused naming both", () => {
    const like = { x: intOf([2]) };
    const wide: [string, Uint8Array, Uint8Array][] = [
      ["F32", bytes(Float32Array.of(-3, 2 ** 30)), bytes(Float32Array.of(1, 0.5))],
      ["F64", bytes(Float64Array.of(-3, 2 ** 30)), bytes(Float64Array.of(1, 0.5))],
      ["BF16", Uint8Array.of(0x40, 0xc0, 0x80, 0x4e), Uint8Array.of(0x80, 0x3f, 0, 0x3f)],
    ];
    for (const [dtype, whole, broken] of wide) {
      const { x } = load(file({ x: [dtype, [2], whole] }), { like });
      expect([x.dtype, ...x.data]).toEqual(["int32", -3, 2 ** 30]);
      expect(() => load(file({ x: [dtype, [2], broken] }), { like, name: "a.safetensors" })).toThrow(
        new DataError(
          `a.safetensors: tensor "x": the file's ${dtype} is wanted as int32: value 0.5 at position 1 does not fit int32`,
        ),
      );
    }
    for (const odd of [Number.NaN, Infinity, 2 ** 31, 1e300])
      expect(() => load(file({ x: ["F64", [2], bytes(Float64Array.of(0, odd))] }), { like })).toThrow(
        `value ${odd} at position 1 does not fit int32`,
      );
  });
});

describe("tensors beside the wanted ones", () => {
  const dtypes = "BOOL I8 U8 I16 U16 U32 I64 U64 F16 BF16 F64 F8_E4M3 F8_E5M2 C64 F4 F6_E2M3 F8_E8M0 NEW".split(" ");
  const width: { [dtype: string]: number } = {
    I16: 2,
    U16: 2,
    U32: 4,
    I64: 8,
    U64: 8,
    F16: 2,
    BF16: 2,
    F64: 8,
    C64: 8,
  };

  it.each(dtypes)("of %s and of any value are no reason to refuse", (dtype) => {
    const other = new Uint8Array(3 * (width[dtype] ?? 1)).fill(255);
    const w = bytes(Float32Array.of(1, 2));
    const many = file({
      other: [dtype, [3], other],
      w: ["F32", [2], w],
      deep: ["F32", Array(20).fill(1), [0, 0, 0, 0]],
    });
    expect([...load(many, { like: { w: zeros([2]) } }).w.data]).toEqual([1, 2]);
  });

  it("are refused by name where everything is asked for and float32 and int32 cannot hold it", () => {
    expect(() => load(file({ w: ["F32", [1], [0, 0, 0, 0]], z: ["C64", [1], new Uint8Array(8)] }))).toThrow(
      'load: tensor "z": dtype "C64" has no counterpart here',
    );
  });
});

describe("what load gives", () => {
  it("is its own: neither the file nor another load changes with it", () => {
    const saved = save({ w: tensor([1, 2]) });
    const [a, b] = [load(saved), load(saved)];
    a.w.data[0] = 9;
    saved.fill(0);
    expect([...b.w.data]).toEqual([1, 2]);
  });

  it("is refused above 8 axes, and has at most those", () => {
    const four = Uint8Array.of(0, 0, 0, 0);
    expect(load(file({ w: ["F32", Array(8).fill(1), four] })).w.rank).toBe(8);
    expect(() => load(file({ w: ["F32", Array(9).fill(1), four] }))).toThrow(
      new DataError('load: tensor "w": rank 9 is above 8, the most a tensor has here'),
    );
    expect(() => load(file({ w: ["F32", [2 ** 31, 0], []] }))).toThrow(
      new DataError('load: tensor "w": [2147483648, 0] has an axis of 2^31 or more'),
    );
  });
});
