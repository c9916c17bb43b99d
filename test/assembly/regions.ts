// Calls of kernels by the names of their arguments, every region they may touch between two walls.
import { readSignatures } from "../../assembly/generate/signatures.mjs";
import { Runtime } from "../../src/wasm/runtime.js";

export const signatures = readSignatures();
export const { kernels, memory } = new Runtime();
const WALL = 40;
const SENTINEL = 0x7a55a5a7;

/** What an address argument stands for: floats or int32 that a kernel reads, or that it may write. */
export interface Region {
  readonly kind: "input" | "output";
  readonly contents: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

const values = (n: number, from = 0): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: n }, (_, i) => ((i + from) % 9) / 4 + 0.25);
/** n floats that stay as they are. */
export const input = (n: number): Region => ({ kind: "input", contents: values(n) });
/** int32 that stay as they are. */
export const integers = (list: readonly number[]): Region => ({ kind: "input", contents: Int32Array.from(list) });
/** n floats that are written, and may be read first. */
export const output = (n: number): Region => ({ kind: "output", contents: values(n, 4) });

/** Arguments by name. */
export type Call = Readonly<Record<string, Region | number>>;

interface Placed {
  readonly name: string;
  readonly region: Region;
  readonly at: number;
}

/** Words between walls, 4 bytes off the grid of vectors. */
function place(name: string, region: Region): Placed {
  const n = region.contents.length;
  const from = (memory.allocate((n + 2 * WALL + 1) * 4) + 4) / 4;
  memory.i32.fill(SENTINEL, from, from + n + 2 * WALL);
  memory.i32.set(new Int32Array(region.contents.buffer, 0, n), from + WALL);
  return { name, region, at: from + WALL };
}

const stands = (from: number): boolean => memory.i32.subarray(from, from + WALL).every((word) => word === SENTINEL);
function differs({ region: { contents }, at }: Placed): boolean {
  return new Int32Array(contents.buffer, 0, contents.length).some((word, i) => word !== memory.i32[at + i]);
}
/** What went wrong with a region: a wall that fell, or an input that was written to. */
function damage(placed: Placed): string[] {
  const { name, region, at } = placed;
  return [
    ...(stands(at - WALL) ? [] : [`the wall before ${name}`]),
    ...(stands(at + region.contents.length) ? [] : [`the wall behind ${name}`]),
    ...(region.kind === "input" && differs(placed) ? [`the input ${name}`] : []),
  ];
}

export interface Outcome {
  readonly damage: string[];
  /** The outputs that it changed. */
  readonly changed: string[];
  readonly result: unknown;
}

/** Calls a kernel, and says what it did; `table` is what the host writes to the table of sizes. */
export function outcomeOf(name: string, call: Call, table: readonly number[]): Outcome {
  memory.top = memory.base;
  const { parameters } = signatures.find((signature) => signature.name === name)!;
  const placed: Placed[] = [];
  const args = parameters.map((parameter) => {
    const value = call[parameter.name];
    if (typeof value !== "object") return value;
    placed.push(place(parameter.name, value));
    return placed.at(-1)!.at * 4;
  });
  if (args.includes(undefined as never) || args.length !== Object.keys(call).length)
    throw new Error(`${name} takes ${parameters.map((p) => p.name).join(", ")}, not ${Object.keys(call).join(", ")}`);
  memory.i32.set(table, kernels.tableAddress() / 4);
  const result = (kernels as any)[name](...args);
  const changed = placed.filter(differs).map((entry) => entry.name);
  return { damage: placed.flatMap(damage), changed, result };
}
