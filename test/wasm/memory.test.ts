// Linear memory: a refused request changes nothing, and the sentence names the cause. The refusals are the engine's own:
// memories with a maximum of a few pages.
import { describe, expect, it } from "vitest";
import { Memory } from "../../src/wasm/memory.js";
import { Runtime } from "../../src/wasm/runtime.js";

const PAGE = 65536;
const limited = (initial: number, maximum: number): Memory =>
  new Memory(new WebAssembly.Memory({ initial, maximum }), 1024);

const state = (m: Memory): unknown[] => [m.base, m.top, m.peak, m.capacity, m.f32, m.f64, m.i32, m.u8];
const ways = ["allocate", "temporary", "allocatePersistent"] as const;

describe("a request for memory that is refused", () => {
  it.each(ways)("by the engine leaves pointers, peak and views as they were: %s", (way) => {
    const memory = limited(2, 4);
    memory.allocatePersistent(100);
    memory.allocate(1000);
    const before = state(memory);
    expect(() => memory[way](5 * PAGE)).toThrow(
      /^memory: the engine refuses to grow a WebAssembly memory from 0\.1 to 0\.3 MiB, of the 4096 it may have: the process is out of memory or address space\. Raise its limit \(`ulimit -v`/,
    );
    expect(state(memory).every((value, i) => value === before[i])).toBe(true);
    memory.allocate(2 * PAGE); // and smaller ones are still given
    expect([memory.capacity, memory.u8.length]).toEqual([3 * PAGE, 3 * PAGE]);
  });

  it.each(ways)("for its number of bytes leaves them, too: %s", (way) => {
    const { memory } = new Runtime();
    const before = state(memory);
    for (const bytes of [-1, -4096, Number.NaN, 1.5, Number.POSITIVE_INFINITY, -(2 ** 40), 2 ** 60, undefined as any])
      expect(() => memory[way](bytes)).toThrow(
        new RangeError(
          `memory: expected a number of bytes that is a whole number >= 0, got ${bytes}. A size of the tensors is wrong`,
        ),
      );
    for (const bytes of [2 ** 32 - 8, 2 ** 32, 2 ** 33 + 4, 2 ** 50])
      expect(() => memory[way](bytes)).toThrow(
        /^memory: \d+ MiB do not fit \(1 MiB in use, 4096 MiB is the limit of WebAssembly\)\. Use a smaller batch/,
      );
    expect(state(memory).every((value, i) => value === before[i])).toBe(true);
  });

  it("keeps the error of the engine as its cause", () => {
    const refusal = (): unknown => {
      try {
        limited(1, 1).allocate(PAGE);
      } catch (error) {
        return (error as Error).cause;
      }
    };
    expect(refusal()).toBeInstanceOf(RangeError);
  });
});

describe("a memory", () => {
  it("grows to just what is asked for where half as much again is refused", () => {
    const memory = limited(10, 11);
    expect(memory.allocate(10.5 * PAGE)).toBe(1024);
    expect(memory.capacity).toBe(11 * PAGE);
  });

  it("makes its views again when an engine grows it and then complains", () => {
    const wasm = new WebAssembly.Memory({ initial: 1, maximum: 8 });
    const engine = {
      get buffer() {
        return wasm.buffer;
      },
      grow(pages: number): number {
        wasm.grow(pages);
        throw new RangeError("too late");
      },
    };
    const memory = new Memory(engine, 1024);
    expect(memory.allocate(2 * PAGE)).toBe(1024);
    expect([memory.u8.length, memory.f32.buffer, memory.capacity]).toEqual([3 * PAGE, wasm.buffer, 3 * PAGE]);
  });

  it("counts scratch in its peak", () => {
    const { memory } = new Runtime();
    const at = memory.allocate(100);
    memory.temporary(5000);
    expect(memory.peak).toBe(at + 112 + 5008);
    expect(memory.top).toBe(at + 112);
    memory.temporary(10);
    expect(memory.peak).toBe(at + 112 + 5008);
  });
});
