// The tape: one record per op of the forward pass, and the walk back over them.
// An op's backward only ever writes; where a value has several uses, the plan gives the later ones a buffer of their own
// and adds it, each product complete before it is added, in reverse order of the tape.
import { ShapeError } from "../base/errors.js";
import { copyOf } from "../base/options.js";
import { type Shape, showShape } from "../base/shape.js";
import type { Kernels } from "../wasm/kernels.js";
import type { Memory } from "../wasm/memory.js";
import type { Runtime } from "../wasm/runtime.js";
import type { Scope } from "./scope.js";
import type { DataType } from "./tensor.js";
import { Value } from "./value.js";

export type Attributes = unknown;

/** What an op is: its shape rule, its forward and its backward kernel calls. */
export interface Op<A = unknown, G = A> {
  readonly name: string;
  /** dtypes of the inputs in order; where unnamed float32, or that of the first where the op `moves`. */
  readonly inputs?: "any" | readonly (DataType | "any" | undefined)[];
  /** Names of the inputs that may not be missing; only the first where unnamed. */
  readonly needs?: readonly string[];
  readonly dtype?: DataType;
  /** It only moves elements: an output of the dtype of the first input, whichever, and unnamed inputs of the same. */
  readonly moves?: boolean;
  /** The attributes never change a shape, an address or a workspace: a warm record takes new ones. */
  readonly dynamic?: boolean;
  /** The attributes hold functions, which never matter to a warm record: it takes new ones. */
  readonly closures?: boolean;
  /** What it computes is for the state of the next step: a loss that returns none has lost it. */
  readonly makesState?: boolean;
  /** false: what it computes was looked at inside, or is no number; a debugged step does not look again. */
  readonly watched?: boolean;
  /**
   * What a call was given (options, an axis) as attributes: checked, complete. It runs where a record is made, a warm one
   * compares what it was given. Without it the two are one.
   */
  read?(given: G, inputs: readonly Value[]): A;
  /** The output's shape. Throws ShapeError naming op and shapes. */
  shape(inputs: readonly Value[], attributes: A): Shape;
  /** Floats kept from forward to backward. */
  workspace?(inputs: readonly Value[], attributes: A): number;
  /** Offset in floats into input 0 when the output is a view of it. */
  view?(inputs: readonly Value[], attributes: A): number;
  forward(record: OpRecord<A>): void;
  /** Reads `gradientOut` (and may overwrite it), writes `gradientIn[i]` where it is not 0. null: no gradient. */
  readonly backward: ((record: OpRecord<A>) => void) | null;
}

export type AnyOp = Op<any, any>;

export interface OpRecord<A = any> {
  readonly op: AnyOp;
  readonly runtime: Runtime;
  readonly kernels: Kernels;
  /** A copy of what the call was given: its owner may go on to change that. */
  readonly given: Attributes;
  attributes: A;
  readonly a: Value;
  readonly b: Value | undefined;
  readonly c: Value | undefined;
  readonly rest: readonly Value[] | undefined;
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly workspace: number;
  /** Top of the arena after this record. */
  readonly end: number;
  gradientOut: number;
  gradientIn: number[];
  /** Where gradientIn[i] is to be added once it is complete; 0 where it was written in place. */
  addInto: number[];
}

export function makeRecord(
  scope: Scope,
  op: AnyOp,
  given: Attributes,
  a: Value,
  b: Value | undefined,
  c: Value | undefined,
  rest: readonly Value[] | undefined,
): OpRecord {
  const named = [a, b, c];
  op.needs?.forEach((name, i) => {
    if (named[i] === undefined)
      throw new TypeError(
        `${op.name}: "${name}" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from`,
      );
  });
  const inputs = named.filter((t) => t !== undefined).concat(rest ?? []);
  inputs.forEach((t, i) => {
    const expected = op.inputs === "any" ? "any" : (op.inputs?.[i] ?? (op.moves ? a.dtype : "float32"));
    if (expected !== "any" && t.dtype !== expected)
      throw new TypeError(
        `${op.name}: input ${i} ${showShape(t.shape)} is ${t.dtype}, expected ${expected}${expected === "int32" ? '. Make it with tensor(values, { dtype: "int32" })' : ""}`,
      );
  });
  const copy = op.dynamic ? given : copyOf(given);
  const attributes = op.read ? op.read(copy, inputs) : copy;
  const output = new Value(
    Object.freeze([...op.shape(inputs, attributes)]),
    op.moves ? a.dtype : (op.dtype ?? "float32"),
  );
  const { memory } = scope.runtime;
  output.scope = scope;
  output.origin = op.name;
  output.needsGradient = op.backward !== null && inputs.some((t) => t.needsGradient);
  output.pointer = op.view ? a.pointer + op.view(inputs, attributes) * 4 : memory.allocate(output.size * 4);
  const floats = op.workspace?.(inputs, attributes) ?? 0;
  const workspace = floats > 0 ? memory.allocate(floats * 4) : 0;
  return {
    op,
    runtime: scope.runtime,
    kernels: scope.runtime.kernels,
    given: copy,
    attributes,
    a,
    b,
    c,
    rest,
    inputs,
    output,
    workspace,
    end: memory.top,
    gradientOut: 0,
    gradientIn: inputs.map(() => 0),
    addInto: inputs.map(() => 0),
  };
}

/** Primitive attributes by value, arrays and plain objects by their entries; functions never matter, they are taken anew. */
export function sameAttributes(x: Attributes, y: Attributes): boolean {
  if (Object.is(x, y)) return true;
  if (typeof x === "function") return typeof y === "function";
  if (typeof x !== "object" || typeof y !== "object" || x === null || y === null) return false;
  const p = x as Record<string, unknown>;
  const q = y as Record<string, unknown>;
  let count = 0;
  for (const key in p) {
    if (!sameAttributes(p[key], q[key])) return false;
    count++;
  }
  for (const _ in q) count--;
  return count === 0;
}

/** Freed buffers by their exact size: what one record gives back, an earlier one of the same shape takes. */
class FreeList {
  private readonly bySize = new Map<number, number[]>();
  constructor(private readonly memory: Memory) {}

  take(floats: number): number {
    return this.bySize.get(floats)?.pop() ?? this.memory.allocate(floats * 4);
  }

  give(floats: number, pointer: number): void {
    const list = this.bySize.get(floats);
    if (list) list.push(pointer);
    else this.bySize.set(floats, [pointer]);
  }
}

/** A walk back with every address fixed: it serves as long as the forward pass stays the same. */
export interface BackwardPlan {
  readonly loss: Value;
  /** Last op first. */
  readonly records: readonly OpRecord[];
  /** Leaves that the loss does not use: their gradient is zero. */
  readonly unused: readonly Value[];
}

/** Gives every gradient an address. Throws ShapeError when the loss is no scalar. */
export function planBackward(
  memory: Memory,
  records: readonly OpRecord[],
  loss: Value,
  leaves: readonly Value[],
  seeded: boolean,
): BackwardPlan {
  if (loss.size !== 1 && !seeded)
    throw new ShapeError(`loss returned shape ${showShape(loss.shape)}; reduce it to a scalar with .mean() or .sum()`);
  const homes = new Map(leaves.map((leaf) => [leaf, leaf.gradient]));
  try {
    return placeGradients(memory, records, loss, homes);
  } finally {
    // a refusal of memory on the way must leave the leaves where they were
    for (const [leaf, home] of homes) leaf.gradient = home;
  }
}

function placeGradients(
  memory: Memory,
  records: readonly OpRecord[],
  loss: Value,
  homes: ReadonlyMap<Value, number>,
): BackwardPlan {
  const free = new FreeList(memory);
  for (const leaf of homes.keys()) leaf.gradient = 0;
  for (const r of records) r.output.gradient = 0;
  const planned: OpRecord[] = [];
  if (loss.needsGradient && !homes.has(loss)) loss.gradient = free.take(loss.size);
  for (let i = records.length - 1; i >= 0; i--) {
    const r = records[i];
    if (r.output.gradient === 0 || r.op.backward === null || homes.has(r.output)) continue;
    r.gradientOut = r.output.gradient;
    r.inputs.forEach((input, j) => {
      r.gradientIn[j] = r.addInto[j] = 0;
      if (!input.needsGradient) return;
      if (input.gradient === 0) {
        input.gradient = homes.get(input) ?? free.take(input.size);
        r.gradientIn[j] = input.gradient;
      } else {
        r.gradientIn[j] = free.take(input.size);
        r.addInto[j] = input.gradient;
      }
    });
    planned.push(r);
    r.inputs.forEach((input, j) => {
      if (r.addInto[j] !== 0) free.give(input.size, r.gradientIn[j]);
    });
    free.give(r.output.size, r.gradientOut);
  }
  return { loss, records: planned, unused: [...homes.keys()].filter((leaf) => leaf.gradient === 0) };
}

/** Walks the plan: kernels only, nothing is allocated. `watch` sees every record once its gradients are written and added. */
export function runBackward(runtime: Runtime, plan: BackwardPlan, seed = 0, watch?: (r: OpRecord) => void): void {
  const { kernels } = runtime;
  const { loss, records, unused } = plan;
  for (let i = 0; i < unused.length; i++) kernels.fill(unused[i].size, 0, unused[i].gradient);
  if (loss.gradient !== 0) {
    if (seed === 0) kernels.fill(1, 1, loss.gradient);
    else kernels.copy(loss.size, seed, loss.gradient);
  }
  for (let i = 0; i < records.length; i++) {
    const r = records[i];
    r.op.backward!(r);
    for (let j = 0; j < r.addInto.length; j++)
      if (r.addInto[j] !== 0) kernels.accumulate(r.inputs[j].size, r.gradientIn[j], r.addInto[j]);
    if (watch !== undefined) watch(r);
  }
}
