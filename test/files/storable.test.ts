// What a checkpoint can hold of an optimizer's and of a user's state, told by path before the first step.
import { describe, expect, it } from "vitest";
import { ParameterBlock } from "../../src/core/parameter-block.js";
import { tensor } from "../../src/core/tensor.js";
import { checkStorable, checkStorableState } from "../../src/files/storable.js";
import { adam, chain, ema } from "../../src/optim/index.js";
import { Runtime } from "../../src/wasm/runtime.js";

const block = ParameterBlock.allocate(new Runtime(), { w: tensor([1, 2]) });
const WAY_OUT = "; a transform may keep slots (block.allocateSlot()), numbers and objects of them";

describe("an optimizer's state", () => {
  it("of slots, numbers, arrays, objects and objects of a class can be held", () => {
    class Own {
      slot = block.allocateSlot();
      count = Number.NaN;
    }
    checkStorable({ a: [block.allocateSlot(), { b: 1 }], own: new Own(), none: {} });
    checkStorable(chain(adam(0.1), ema(0.9)).init(block));
    checkStorable(Object.assign(Object.create(null), { n: -0 }));
  });

  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const refused: [string, unknown, string][] = [
    ["a text", { parts: [{ mode: "fast" }] }, `parts.0.mode is "fast"${WAY_OUT}`],
    ["a flag", { on: true }, `on is true${WAY_OUT}`],
    ["undefined", { later: undefined }, `later is undefined${WAY_OUT}`],
    ["null", { later: null }, `later is null${WAY_OUT}`],
    ["a bigint", { n: 1n }, `n is 1n${WAY_OUT}`],
    ["a function", { f: () => 0 }, `f is a function${WAY_OUT}`],
    ["a typed array", { seen: new Float32Array(3) }, `seen is a Float32Array of 3${WAY_OUT}`],
    ["a tensor", { seen: tensor([1]) }, `seen is `],
    ["a Map", { seen: new Map() }, `seen is a Map${WAY_OUT}`],
    ["a Date", { seen: new Date(0) }, `seen is a Date${WAY_OUT}`],
    ["two of one path", { "a.b": 1, a: { b: 2 } }, "a.b stands for two values; rename the one whose key holds a dot"],
    ["itself", cyclic, "self holds itself; a checkpoint holds trees"],
    ["nothing", undefined, " is undefined; init returns an object, {} where there is nothing to keep"],
  ];
  it.each(refused)("with %s cannot", (_, state, message) => {
    expect(() => checkStorable(state)).toThrow(TypeError);
    expect(() => checkStorable(state)).toThrow(`createTrainer: the optimizer's state ${message}`);
  });
});

describe("a user's state", () => {
  it("of tensors can be held, and so can none", () => {
    checkStorableState(undefined);
    checkStorableState({ h: [tensor([1]), { n: tensor([1], { dtype: "int32" }) }], none: {} });
  });

  it("of numbers, and with two leaves of one path, cannot", () => {
    expect(() => checkStorableState({ n: 0 })).toThrow(
      new TypeError("createTrainer: state.n: expected a tensor, an array or a plain object, got 0. Write tensor(...)"),
    );
    expect(() => checkStorableState({ "a.b": tensor([1]), a: { b: tensor([2]) } })).toThrow(
      new TypeError("createTrainer: two leaves are called state.a.b. Rename the one whose key holds a dot"),
    );
  });
});
