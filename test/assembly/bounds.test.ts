// No kernel writes past its outputs or to its inputs: every export, each address between two walls of sentinels, at odd
// addresses too. The list of exports drives it: one without an entry fails.
import { describe, expect, it } from "vitest";
import { entriesOf, names } from "./entries.js";
import { kernels, memory, outcomeOf, signatures } from "./regions.js";

/** What takes no address can write nothing: scalar functions, and addresses asked for. */
const writing = signatures.filter(({ parameters }) => parameters.some(({ type }) => type === "usize"));

describe("the list of exports", () => {
  it("is that of the module", () => {
    const { memory: _, ...functions } = kernels;
    expect(signatures.map(({ name }) => name).sort()).toEqual(Object.keys(functions).sort());
  });

  it("has an entry for every export that takes an address, and no other", () => {
    expect(writing.filter(({ name }) => entriesOf(name).length === 0).map(({ name }) => name)).toEqual([]);
    expect(names.filter((name) => !writing.some((signature) => signature.name === name))).toEqual([]);
  });
});

describe("the walls stand, the inputs stay, and every output is written by", () => {
  it.each(writing.map(({ name }) => name))("%s", (name) => {
    const [outputs, written] = [new Set<string>(), new Set<string>()];
    for (const { label, places, args, table, returns } of entriesOf(name))
      for (const at of places) {
        const call = args(at);
        const { damage, changed, result } = outcomeOf(name, call, table(at));
        const where = `${label} at ${at}`;
        expect(damage, where).toEqual([]);
        if (returns) expect(result, where).toBe(returns(at));
        for (const [key, value] of Object.entries(call))
          if (typeof value === "object" && value.kind === "output") outputs.add(key);
        for (const key of changed) written.add(key);
      }
    expect(written).toEqual(outputs);
  });
});

it.each([0, 1, 2, 4, 5, 8, 12, 16, 43])("matmulPacked has the bits of matmul beyond 8 columns by %i", (more) => {
  const n = 8 + more;
  const floats = (count: number): number => {
    const at = memory.allocate(count * 4);
    for (let i = 0; i < count; i++) memory.f32[at / 4 + i] = (i % 9) / 4 + 0.25;
    return at;
  };
  for (const [m, k] of [
    [1, 3],
    [6, 9],
    [7, 300],
  ]) {
    memory.top = memory.base;
    const [a, b, packed, c, plain] = [m * k, k * n, k * Math.ceil(n / 8) * 8, m * n, m * n].map(floats);
    kernels.packPanels(n, k, b, packed);
    kernels.matmulPacked(m, n, k, a, packed, b, n, 2, c);
    kernels.matmul(m, n, k, a, b, b, n, 0, 2, memory.temporary(4 * kernels.matmulScratch(m, n, k, 0)), plain);
    const bits = (at: number): Int32Array => memory.i32.slice(at / 4, at / 4 + m * n);
    expect(bits(c), `${m} ${k}`).toEqual(bits(plain));
  }
});
