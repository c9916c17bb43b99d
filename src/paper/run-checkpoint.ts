// The checkpoint of a run: its trainer's, with a note of what the run is and what it has seen, and a seal over both, so that
// neither other settings, other data, another version nor a flipped bit is trained on.
import { CheckpointError, isPlain, show } from "../base/errors.js";
import { NUMERICS } from "../train/checkpoint.js";
import { digestBytes } from "../train/digest.js";
import { decodeSafetensors, encodeSafetensors } from "../train/safetensors.js";
import type { DeepMlpSettings } from "./deep-mlp-settings.js";
import type { Evaluation } from "./evaluate-images.js";

export interface Note {
  readonly settings: DeepMlpSettings;
  /** Digest of the data, images and labels. */
  readonly data: string;
  readonly history: readonly Evaluation[];
  readonly diverged?: string;
}

type Content = ReturnType<typeof decodeSafetensors>;

const NOTE = "deepMlp";
const SEAL = "deepMlpSeal";

/** Of what the file says, not of its bytes: another version may lay them out otherwise. */
function sealOf({ tensors, metadata }: Content): string {
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return digestBytes(
    (function* () {
      yield text(Object.entries(metadata).sort());
      for (const name of [...tensors.keys()].sort()) {
        const { dtype, shape, data } = tensors.get(name)!;
        yield text([name, dtype, shape]);
        yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      }
    })(),
  );
}

export function sealCheckpoint(trainer: Uint8Array, note: Note): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(trainer, "checkpoint");
  const noted = { ...metadata, [NOTE]: JSON.stringify(note) };
  return encodeSafetensors(tensors, { ...noted, [SEAL]: sealOf({ tensors, metadata: noted }) });
}

/** The trainer's bytes and the note. Throws CheckpointError for what is damaged, of another version, or no checkpoint of a run. */
export function openCheckpoint(bytes: Uint8Array): { trainer: Uint8Array; note: Note } {
  if (!ArrayBuffer.isView(bytes))
    throw new TypeError(`deepMlp: "checkpoint" expected the bytes of a checkpoint, got ${show(bytes)}`);
  let content: Content;
  try {
    content = decodeSafetensors(bytes, "checkpoint");
  } catch (cause) {
    const why = (cause as Error).message.replace(/^checkpoint: /, "");
    throw new CheckpointError(`checkpoint: it is damaged or not one of the deep-mlp experiment (${why})`, { cause });
  }
  const { tensors, metadata } = content;
  const { [NOTE]: noted, [SEAL]: seal, ...own } = metadata;
  if (noted === undefined) throw new CheckpointError("checkpoint: it is not one of the deep-mlp experiment");
  if (seal !== undefined && seal !== sealOf({ tensors, metadata: { ...own, [NOTE]: noted } }))
    throw new CheckpointError("checkpoint: it is damaged: its content is not what its checksum says");
  if (own.numerics !== NUMERICS)
    throw new CheckpointError(
      `checkpoint: it is of another version of gradnoise (numerics ${show(own.numerics)}, here "${NUMERICS}"), whose results differ; finish the run with that version`,
    );
  if (seal === undefined)
    throw new CheckpointError(
      "checkpoint: it is of an older version of gradnoise, which noted the labels of its data but not the images; finish the run with that version",
    );
  return { trainer: encodeSafetensors(tensors, own), note: readNote(noted) };
}

function readNote(text: string): Note {
  let note: Note | undefined;
  try {
    note = JSON.parse(text);
  } catch {
    // told below
  }
  const isEvaluation = (e: Evaluation | null): boolean =>
    Number.isSafeInteger(e?.step) && Number.isFinite(e?.accuracy) && (e?.loss === null || Number.isFinite(e?.loss));
  const whole =
    isPlain(note) && isPlain(note.settings) && Array.isArray(note.history) && note.history.every(isEvaluation);
  if (!whole) throw new CheckpointError("checkpoint: it is damaged: its note of the run cannot be read");
  return note as Note;
}
