import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { KIND } from "../../src/base/errors.js";
import { byteTensor } from "../../src/core/tensor.js";
import { add, createTrainer, DataError, digest, matmul, optim, tensor, zeros } from "../../src/index.js";

const make = (params: unknown) =>
  createTrainer({
    params: params as { w: ReturnType<typeof tensor> },
    loss: (p, { x }) => matmul(x, p.w).sum(),
    optimizer: optim.sgd(0.1),
  });
const used = () => {
  const x = tensor([[1, -0]]);
  make({ w: tensor([[1], [2]]) }).step({ x });
  return x;
};

describe("a tensor through structuredClone or JSON", () => {
  it("comes back to the bit, whether or not a step has used it", () => {
    for (const t of [used(), tensor([1, 2]), tensor([3, 4], { dtype: "int32" }), zeros([2, 0]), tensor(5)])
      for (const form of [structuredClone(t), JSON.parse(JSON.stringify(t))]) {
        const back = tensor(form);
        expect([back.shape, back.dtype, back.data]).toEqual([t.shape, t.dtype, t.data]);
        expect(Object.is(back.data[1], t.data[1])).toBe(true);
      }
  });

  it("keeps NaN and infinities in JSON, which has no numbers for them", () => {
    const t = tensor([Number.NaN, Infinity, -Infinity, -0, 1.5]);
    expect(JSON.stringify(t)).toBe('{"shape":[5],"dtype":"float32","data":["NaN","Infinity","-Infinity","-0",1.5]}');
    expect(digest(tensor(JSON.parse(JSON.stringify(t))))).toBe(digest(t));
  });

  it("is taken for the tensor by a trainer, setParams and ops", () => {
    const trainer = make({ w: tensor([[1], [2]]) });
    for (const params of [structuredClone(trainer.params), JSON.parse(JSON.stringify(trainer.params))]) {
      expect(digest(make(params).params)).toBe(digest(trainer.params));
      trainer.setParams(params);
    }
    expect(add(structuredClone(tensor([1, 2])) as never, 1).data).toEqual(Float32Array.of(2, 3));
  });

  it("is still bytes where it was bytes", () => {
    const t = byteTensor(Uint8Array.of(0, 255), [2], 255);
    expect(tensor(structuredClone(t)).data).toEqual(Float32Array.of(0, 1));
  });

  it("is refused where its values do not fill its shape", () => {
    expect(() => tensor({ shape: [3], dtype: "float32", data: [1] })).toThrow(
      "tensor: 1 values do not fill the shape [3], which holds 3",
    );
  });
});

describe("values from elsewhere", () => {
  it("may be typed arrays of any kind: integers become int32, the rest float32", () => {
    for (const [values, dtype] of [
      [new Uint8Array([1, 2]), "int32"],
      [new Uint8ClampedArray([1, 2]), "int32"],
      [Buffer.from([1, 2]), "int32"],
      [new Int16Array([1, 2]), "int32"],
      [new Float64Array([1, 2]), "float32"],
      [new BigInt64Array([1n, 2n]) as never, "int32"],
    ] as const) {
      const t = tensor(values as Uint8Array);
      expect([t.dtype, Array.from(t.data)]).toEqual([dtype, [1, 2]]);
    }
    expect(tensor(new Uint8Array([1, 2]), { dtype: "float32" }).dtype).toBe("float32");
    expect(tensor([new Float32Array([1, 2]), new Float32Array([3, 4])]).shape).toEqual([2, 2]);
  });

  it("may be of another realm", () => {
    expect(tensor(runInNewContext("new Float32Array([1, 2])")).data).toEqual(Float32Array.of(1, 2));
    expect(tensor(runInNewContext("[[1, 2]]")).shape).toEqual([1, 2]);
    const params = Object.assign(runInNewContext("({})"), { w: tensor([[1], [2]]) });
    expect(make(params).steps).toBe(0);
  });

  it("are refused where the dtype does not hold them", () => {
    expect(() => tensor([1, 1e39])).toThrow(new DataError("tensor: value 1e+39 at position 1 does not fit float32"));
    expect(() => tensor(new Uint32Array([2 ** 31]))).toThrow("is no 32-bit integer");
    expect(() => add(tensor([1]), 1e39)).toThrow(new RangeError("add: the number 1e+39 does not fit float32"));
    expect(tensor([Infinity, 3.4028234663852886e38]).data).toEqual(Float32Array.of(Infinity, 3.4028234663852886e38));
  });

  it("of a second copy of the library are named as such", () => {
    const other = Object.create({ [KIND]: "tensor" });
    for (const f of [() => add(other, 1), () => make({ w: other })])
      expect(f).toThrow(/got a tensor of another copy of gradnoise\. Load one copy/);
  });

  it("are refused by a sentence where they are nothing of the kind", () => {
    for (const bad of [undefined, null, "1", {}, new Map(), () => 1, [undefined], [[1], "x"], true])
      expect(() => tensor(bad as never)).toThrow(/^tensor: expected numbers, got /);
    expect(() => tensor([1, 2], 2 as never)).toThrow(/^tensor: a shape is an array of sizes, got 2/);
    expect(() => tensor([1], { dtype: "int" as never })).toThrow(
      'tensor: "dtype" expected "float32" or "int32", got "int"',
    );
    expect(() => tensor([1], { type: "int32" } as never)).toThrow('no option "type". Did you mean "dtype"?');
    expect(() => tensor(tensor([1]) as never)).toThrow("It is one already");
    expect(() => zeros([1e6, 1e6])).toThrow("hold 2^30 at most");
  });
});
