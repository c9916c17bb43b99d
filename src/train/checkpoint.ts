// A checkpoint is a safetensors file: parameters, the optimizer's slots, the user's state; its metadata hold the step,
// the counters, the seed and what the optimizer is, so that a resumed run continues to the very same bits or refuses.
import { CheckpointError, DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import { type ParameterBlock, Slot } from "../core/parameter-block.js";
import { type DataType, hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.js";
import { stored } from "./save.js";

const FORMAT = "1";
/** Counts changes of the bits that a run produces: raised with every Numerics entry in CHANGELOG.md. */
export const NUMERICS = "3";

export interface TrainerState {
  step: number;
  lastFiniteLoss: number;
  seed: number;
  optimizer: string;
  block: ParameterBlock;
  optimizerState: { [name: string]: unknown };
  userState: unknown;
}

/** Slots and numbers of an optimizer's state by path. */
function walk(
  node: unknown,
  path: string,
  onSlot: (slot: Slot, path: string) => void,
  onNumber: (holder: any, key: string, path: string) => void,
): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, child] of Object.entries(node)) {
    const at = path ? `${path}.${key}` : key;
    if (child instanceof Slot) onSlot(child, at);
    else if (typeof child === "number") onNumber(node, key, at);
    else if (typeof child !== "object" || child === null || ArrayBuffer.isView(child))
      throw new CheckpointError(
        `checkpoint: the optimizer's state ${at} is ${show(child)}; a transform may keep slots (block.allocateSlot()), numbers and objects of them`,
      );
    else walk(child, at, onSlot, onNumber);
  }
}

export function encodeCheckpoint(s: TrainerState): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  s.block.hostLeaves("values").forEach((t, i) => {
    tensors.set(under("params", s.block.segments[i].path), stored(t));
  });
  const counters: Record<string, string> = {}; // JSON has no Infinity
  walk(
    s.optimizerState,
    "",
    (slot, path) =>
      tensors.set(`optimizer.${path}`, { shape: [slot.length], dtype: "float32", data: slot.data.slice() }),
    (holder, key, path) => {
      counters[path] = String(holder[key]);
    },
  );
  if (s.userState !== undefined)
    for (const { path, leaf } of flatten(s.userState, isTensor, "state"))
      tensors.set(under("state", path), stored(leaf));
  return encodeSafetensors(tensors, {
    format: FORMAT,
    numerics: NUMERICS,
    step: String(s.step),
    lastFiniteLoss: String(s.lastFiniteLoss),
    seed: String(s.seed),
    optimizer: s.optimizer,
    counters: JSON.stringify(counters),
  });
}

/** Puts a checkpoint into `s`. Throws CheckpointError naming the first difference, before anything is changed. */
export function decodeCheckpoint(bytes: Uint8Array, s: TrainerState): void {
  let file: ReturnType<typeof decodeSafetensors>;
  try {
    file = decodeSafetensors(bytes, "checkpoint");
  } catch (cause) {
    if (cause instanceof DataError) throw new CheckpointError(cause.message, { cause });
    throw cause;
  }
  const { tensors, metadata } = file;
  const expect = (name: string, own: string): void => {
    if (metadata[name] !== own)
      throw new CheckpointError(
        metadata[name] === undefined
          ? `checkpoint: its metadata hold no "${name}": this is no checkpoint of a trainer. For bare parameters use trainer.setParams(load(bytes, { like: trainer.params }))`
          : `checkpoint: ${name} is ${metadata[name]}, the trainer's is ${own}. Make the trainer with the settings of the checkpoint`,
      );
  };
  expect("format", FORMAT);
  expect("numerics", NUMERICS);
  expect("optimizer", s.optimizer);
  expect("seed", String(s.seed));
  const wanted = new Set<string>();
  const fetch = (name: string, shape: readonly number[], dtype: DataType = "float32"): StoredTensor => {
    wanted.add(name);
    const t = tensors.get(name);
    if (!t) throw new CheckpointError(`${name}: expected shape ${showShape(shape)}, the checkpoint has no such tensor`);
    if (showShape(t.shape) !== showShape(shape))
      throw new CheckpointError(`${name}: expected shape ${showShape(shape)}, checkpoint has ${showShape(t.shape)}`);
    if (t.dtype !== dtype) throw new CheckpointError(`${name}: expected ${dtype}, checkpoint has ${t.dtype}`);
    return t;
  };
  let counters: Record<string, string>;
  try {
    counters = JSON.parse(metadata.counters);
  } catch (cause) {
    throw new CheckpointError(`checkpoint: its counters are no JSON: ${metadata.counters}`, { cause });
  }
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step) || step < 0)
    throw new CheckpointError(`checkpoint: step is ${metadata.step}, expected an integer >= 0`);
  const values = s.block.segments.map((segment) => fetch(under("params", segment.path), segment.shape));
  const slots: [Slot, StoredTensor][] = [];
  const numbers: (() => void)[] = [];
  walk(
    s.optimizerState,
    "",
    (slot, path) => slots.push([slot, fetch(`optimizer.${path}`, [slot.length])]),
    (holder, key, path) => {
      if (typeof counters[path] !== "string") throw new CheckpointError(`checkpoint: it has no counter ${path}`);
      const value = Number(counters[path]);
      numbers.push(() => {
        holder[key] = value;
      });
    },
  );
  const userState =
    s.userState === undefined
      ? undefined
      : mapTree(s.userState, isTensor, (leaf: Tensor, path) => {
          const t = fetch(under("state", path), leaf.shape, leaf.dtype);
          return hostTensor(t.data.slice(), t.shape);
        });
  for (const name of tensors.keys())
    if (!wanted.has(name)) throw new CheckpointError(`${name}: the checkpoint has it, the trainer has not`);
  // everything fits: only now is the trainer changed
  const live = s.block.values;
  values.forEach((t, i) => {
    live.set(t.data as Float32Array, s.block.segments[i].offset);
  });
  for (const [slot, t] of slots) slot.data.set(t.data as Float32Array);
  for (const assign of numbers) assign();
  s.userState = userState;
  s.step = step;
  s.lastFiniteLoss = Number(metadata.lastFiniteLoss);
}
