// A checkpoint is a safetensors file: parameters, the optimizer's slots, the user's state; its metadata hold the step,
// the counters, the seed, the order of the parameters, what the optimizer is and a checksum of all of it, so that a resumed
// run continues to the very same bits or refuses.
import { CheckpointError, DataError, isPlain, printable, show } from "../base/errors.js";
import { sameShape, showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import type { ParameterBlock } from "../core/parameter-block.js";
import { type DataType, hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { openSafetensors, type SafetensorsFile, type StoredTensor } from "./safetensors.js";
import { stored } from "./save.js";
import { BEFORE, checkSeal, encodeSealed, FORMAT, isCheckpoint } from "./seal.js";
import { optimizerLeaves } from "./storable.js";

/** Counts changes of the bits that a run produces: raised with every Numerics entry in CHANGELOG.md. */
export const NUMERICS = "4";

export interface TrainerState {
  step: number;
  lastFiniteLoss: number;
  seed: number;
  optimizer: string;
  block: ParameterBlock;
  optimizerState: { [name: string]: unknown };
  userState: unknown;
}

const WEIGHTS_ALONE = "Its weights alone: trainer.setParams(load(bytes, { like: trainer.params }))";

/** A number as text, to the bit; JSON has no Infinity, and String() no -0. */
const textOf = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

const orderOf = (block: ParameterBlock): string[] => block.segments.map(({ path }) => under("params", path));

export function encodeCheckpoint(s: TrainerState): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  const order = orderOf(s.block);
  s.block.hostLeaves("values").forEach((t, i) => {
    tensors.set(order[i], stored(t));
  });
  const { slots, counters } = optimizerLeaves(s.optimizerState, "checkpoint");
  for (const { slot, path } of slots)
    tensors.set(`optimizer.${path}`, { shape: [slot.length], dtype: "float32", data: slot.data });
  if (s.userState !== undefined)
    for (const { path, leaf } of flatten(s.userState, isTensor, "state"))
      tensors.set(under("state", path), stored(leaf));
  return encodeSealed(tensors, {
    format: FORMAT,
    numerics: NUMERICS,
    step: String(s.step),
    lastFiniteLoss: textOf(s.lastFiniteLoss),
    seed: String(s.seed),
    optimizer: s.optimizer,
    counters: JSON.stringify(Object.fromEntries(counters.map(({ holder, key, path }) => [path, textOf(holder[key])]))),
    order: JSON.stringify(order),
  });
}

/** The same checkpoint with further texts in its metadata, sealed anew. `name` is what messages call it. */
export function annotateCheckpoint(bytes: Uint8Array, notes: Record<string, string>, name = "checkpoint"): Uint8Array {
  const file = openCheckpoint(bytes, name);
  const tensors = new Map([...file.entries].map(([key, entry]) => [key, file.read(entry)]));
  return encodeSealed(tensors, { ...file.metadata, ...notes });
}

/** The file of a checkpoint, checked for damage. Throws CheckpointError, TypeError for what holds no bytes. */
export function openCheckpoint(bytes: unknown, name = "checkpoint"): SafetensorsFile & { readonly sealed: boolean } {
  let file: SafetensorsFile;
  try {
    file = openSafetensors(bytes, name, "restore(%)");
  } catch (cause) {
    if (cause instanceof DataError) throw new CheckpointError(cause.message, { cause });
    throw cause;
  }
  if (!isCheckpoint(file)) {
    const missing = ["format", "optimizer", "counters"].filter((key) => file.metadata[key] === undefined);
    throw new CheckpointError(
      `${name}: its metadata hold no "${missing[0]}": this is no checkpoint of a trainer. For bare parameters use trainer.setParams(load(bytes, { like: trainer.params }))`,
    );
  }
  const { format } = file.metadata;
  if (format !== FORMAT && format !== BEFORE)
    throw new CheckpointError(
      `${name}: it was written by another version of gradnoise (format ${printable(format)}, this one reads ${BEFORE} and ${FORMAT}). Resume it with that version. ${WEIGHTS_ALONE}`,
    );
  return { ...file, sealed: checkSeal(file, name) };
}

/** A number as `textOf` wrote it; anything else, also a number in another spelling, is refused. */
function numberOf(name: string, what: string, text: unknown): number {
  const value = typeof text === "string" ? Number(text) : Number.NaN;
  if (text !== textOf(value)) throw new CheckpointError(`${name}: ${what} is ${show(text)}, expected a number`);
  return value;
}

function jsonOf(name: string, key: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text as string);
  } catch (cause) {
    throw new CheckpointError(`${name}: its ${key} are no JSON: ${show(text)}`, { cause });
  }
}

function checkNumerics(name: string, { metadata }: SafetensorsFile): void {
  const { numerics } = metadata;
  if (numerics !== NUMERICS)
    throw new CheckpointError(
      `${name}: it was made by another version of gradnoise, whose steps have other bits (numerics ${printable(String(numerics))}, here ${NUMERICS}): it cannot be resumed to the same result. ${WEIGHTS_ALONE}`,
    );
}

/** Slots and noise go by the offsets that the order of the parameters makes, so another order is another run. */
function checkOrder(name: string, { metadata, entries }: SafetensorsFile, block: ParameterBlock): void {
  const own = orderOf(block);
  const isOwn = new Set(own);
  const listed =
    metadata.order === undefined
      ? [...entries.keys()].filter((key) => isOwn.has(key))
      : jsonOf(name, "order", metadata.order);
  if (!Array.isArray(listed) || !listed.every((path) => typeof path === "string"))
    throw new CheckpointError(`${name}: its order of the parameters is ${show(listed)}, expected an array of paths`);
  const sameSet = listed.length === own.length && listed.every((path) => isOwn.has(path));
  if (!sameSet) return; // the first missing or extra one is named where the tensors are fetched
  const at = own.findIndex((path, i) => path !== listed[i]);
  if (at >= 0)
    throw new CheckpointError(
      `${name}: its parameters are in another order: ${printable(listed[at])} stands where the trainer has ${own[at]}. The optimizer's state and the noise go by that order: write the keys of params as the checkpoint has them: ${listed
        .slice(0, 6)
        .map(printable)
        .join(", ")}${listed.length > 6 ? ", ..." : ""}`,
    );
}

/**
 * Puts a checkpoint into `s`. Throws CheckpointError naming the file and the first difference, before anything is changed;
 * TypeError for what holds no bytes. Returns a sentence where there is something to know of it, else undefined.
 */
export function decodeCheckpoint(bytes: unknown, s: TrainerState, name = "checkpoint"): string | undefined {
  const file = openCheckpoint(bytes, name);
  const { metadata, entries } = file;
  checkNumerics(name, file);
  for (const [key, own] of [
    ["optimizer", s.optimizer],
    ["seed", String(s.seed)],
  ])
    if (metadata[key] !== own)
      throw new CheckpointError(
        `${name}: ${key} is ${metadata[key] === undefined ? "missing" : printable(metadata[key])}, the trainer's is ${printable(own)}. Make the trainer with the settings of the checkpoint`,
      );
  const refuse = (message: string): never => {
    throw new CheckpointError(`${name}: ${message}`);
  };
  const differ = (message: string): never => {
    throw new CheckpointError(name === "checkpoint" ? message : `${name}: ${message}`);
  };
  const step = numberOf(name, "step", metadata.step);
  if (!Number.isSafeInteger(step) || step < 0 || Object.is(step, -0) || step === Number.MAX_SAFE_INTEGER)
    refuse(`step is ${metadata.step}, expected an integer >= 0`);
  const lastFiniteLoss = numberOf(name, "lastFiniteLoss", metadata.lastFiniteLoss);
  if (Math.abs(lastFiniteLoss) === Infinity)
    refuse(`lastFiniteLoss is ${metadata.lastFiniteLoss}, expected a finite number or NaN`);
  checkOrder(name, file, s.block);

  const wanted = new Set<string>();
  const fetch = (key: string, shape: readonly number[], dtype: DataType = "float32", hint = ""): StoredTensor => {
    wanted.add(key);
    const entry = entries.get(key);
    const own = entry?.dtype === "F32" ? "float32" : entry?.dtype === "I32" ? "int32" : entry?.dtype;
    if (!entry) return differ(`${key}: expected shape ${showShape(shape)}, the checkpoint has no such tensor${hint}`);
    if (!sameShape(entry.shape, shape))
      return differ(`${key}: expected shape ${showShape(shape)}, checkpoint has ${showShape(entry.shape)}${hint}`);
    if (own !== dtype) return differ(`${key}: expected ${dtype}, checkpoint has ${own}${hint}`);
    return file.read(entry);
  };
  const values = s.block.segments.map(({ path, shape }) => fetch(under("params", path), shape));
  const own = optimizerLeaves(s.optimizerState, name);
  const slots = own.slots.map(({ slot, path }) => ({ slot, stored: fetch(`optimizer.${path}`, [slot.length]) }));
  const counters = readCounters(name, file, own.counters, refuse);
  const hint = ". Make the trainer with a state of the checkpoint's form";
  const userState =
    s.userState === undefined
      ? undefined
      : mapTree(
          s.userState,
          isTensor,
          (leaf: Tensor, path) => {
            const t = fetch(under("state", path), leaf.shape, leaf.dtype, hint);
            return hostTensor(t.data.slice(), leaf.shape);
          },
          "state",
        );
  for (const key of entries.keys())
    if (!wanted.has(key))
      differ(
        `${printable(key)}: the checkpoint has it, the trainer has not${/^state\b/.test(key) ? hint : ". Make the trainer with the parameters and the optimizer of the checkpoint"}`,
      );
  // everything fits: only now is the trainer changed
  const live = s.block.values;
  values.forEach((t, i) => {
    live.set(t.data as Float32Array, s.block.segments[i].offset);
  });
  for (const { slot, stored } of slots) slot.data.set(stored.data as Float32Array);
  for (const { holder, key, value } of counters) if (!Object.is(holder[key], value)) holder[key] = value;
  s.userState = userState;
  s.step = step;
  s.lastFiniteLoss = lastFiniteLoss;
  return file.sealed
    ? undefined
    : `${name}: it is of an earlier version and has no checksum, so that damage to it would not have been seen`;
}

/** Names under which the library itself counts; nothing else vouches for the counters of a file without a checksum. */
const COUNTS = /(^|\.)(updates|gathered|count)$/;

function readCounters(
  name: string,
  { metadata, sealed }: SafetensorsFile & { readonly sealed: boolean },
  own: ReturnType<typeof optimizerLeaves>["counters"],
  refuse: (message: string) => never,
): { holder: any; key: string; value: number }[] {
  const texts = jsonOf(name, "counters", metadata.counters);
  if (!isPlain(texts)) return refuse(`its counters are ${show(texts)}, expected an object of numbers`);
  const left = new Set(Object.keys(texts));
  const read = own.map(({ holder, key, path }) => {
    if (!left.delete(path)) return refuse(`it has no counter ${path}`);
    const value = numberOf(name, `counter ${path}`, texts[path]);
    if (!sealed && COUNTS.test(path) && !(Number.isSafeInteger(value) && value >= 0))
      refuse(`counter ${path} is ${texts[path]}, expected an integer >= 0`);
    const field = Object.getOwnPropertyDescriptor(holder, key);
    if (field?.writable === false && !Object.is(field.value, value))
      refuse(`counter ${path} is ${texts[path]}, the trainer's is ${field.value} and cannot be written`);
    return { holder, key, value };
  });
  for (const path of left) refuse(`it has a counter ${printable(path)}, the trainer has none`);
  return read;
}
