// The tape: one record per op of the forward pass, and the walk back over them.
// An op's backward only ever writes; where a value has several uses, the plan gives the later ones a buffer of their own
// and adds it, each product complete before it is added, in reverse order of the tape.
import { ShapeError } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import type { Memory } from "../wasm/memory.js";
import type { Runtime } from "../wasm/runtime.js";
import { nameAddresses, type TapeRecord } from "./record.js";
import type { Value } from "./value.js";

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
  readonly records: readonly TapeRecord[];
  /** Leaves that the loss does not use: their gradient is zero. */
  readonly unused: readonly Value[];
}

/** Gives every gradient an address. Throws ShapeError when the loss is no scalar. */
export function planBackward(
  memory: Memory,
  records: readonly TapeRecord[],
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
  records: readonly TapeRecord[],
  loss: Value,
  homes: ReadonlyMap<Value, number>,
): BackwardPlan {
  const free = new FreeList(memory);
  for (const leaf of homes.keys()) leaf.gradient = 0;
  for (const r of records) r.output.gradient = 0;
  const planned: TapeRecord[] = [];
  if (loss.needsGradient && !homes.has(loss)) loss.gradient = free.take(loss.size);
  for (let i = records.length - 1; i >= 0; i--) {
    const r = records[i];
    if (r.output.gradient === 0 || r.op.backward === null || homes.has(r.output)) continue;
    r.gradientOut = r.output.gradient;
    r.operands.forEach((input, j) => {
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
    nameAddresses(r.inputs, r.gradientIn, r.gradients);
    planned.push(r);
    r.operands.forEach((input, j) => {
      if (r.addInto[j] !== 0) free.give(input.size, r.gradientIn[j]);
    });
    free.give(r.output.size, r.gradientOut);
  }
  return { loss, records: planned, unused: [...homes.keys()].filter((leaf) => leaf.gradient === 0) };
}

/** Walks the plan: kernels only, nothing is allocated. `watch` sees every record once its gradients are written and added. */
export function runBackward(runtime: Runtime, plan: BackwardPlan, seed = 0, watch?: (r: TapeRecord) => void): void {
  const { kernels } = runtime;
  const { loss, records, unused } = plan;
  for (let i = 0; i < unused.length; i++) kernels.fill(unused[i].size, 0, unused[i].gradient);
  if (loss.gradient !== 0) {
    if (seed === 0) kernels.fill(1, 1, loss.gradient);
    else kernels.copy(loss.size, seed, loss.gradient);
  }
  for (let i = 0; i < records.length; i++) {
    const r = records[i];
    r.op.backward!(r, r.attributes);
    for (let j = 0; j < r.addInto.length; j++)
      if (r.addInto[j] !== 0) kernels.accumulate(r.operands[j].size, r.gradientIn[j], r.addInto[j]);
    if (watch !== undefined) watch(r);
  }
}
