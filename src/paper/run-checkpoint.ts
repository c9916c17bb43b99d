// The checkpoint of a run: its trainer's, with a note of what the run is and what it has seen under the same seal, so that
// neither other settings, other data, another version nor a flipped bit is trained on.
import { CheckpointError, isPlain, show } from "../base/errors.js";
import { annotateCheckpoint, NUMERICS, openCheckpoint } from "../files/checkpoint.js";
import type { DeepMlpSettings } from "./deep-mlp-settings.js";
import type { Evaluation } from "./evaluate-images.js";

export interface Note {
  readonly settings: DeepMlpSettings;
  /** Digest of the data, images and labels. */
  readonly data: string;
  readonly history: readonly Evaluation[];
  readonly diverged?: string;
}

const NOTE = "deepMlp";

export const noteCheckpoint = (trainer: Uint8Array, note: Note): Uint8Array =>
  annotateCheckpoint(trainer, { [NOTE]: JSON.stringify(note) });

/** The note of a run's checkpoint. Throws CheckpointError for what is damaged, of another version, or no checkpoint of a run. */
export function readCheckpoint(bytes: Uint8Array): Note {
  const { metadata, sealed } = opened(bytes);
  const noted = metadata[NOTE];
  if (noted === undefined) throw new CheckpointError("checkpoint: it is not one of the deep-mlp experiment");
  if (metadata.numerics !== NUMERICS)
    throw new CheckpointError(
      `checkpoint: it is of another version of gradnoise (numerics ${show(metadata.numerics)}, here "${NUMERICS}"), whose results differ; finish the run with that version`,
    );
  if (!sealed)
    throw new CheckpointError(
      "checkpoint: it is of an older version of gradnoise, which noted the labels of its data but not the images; finish the run with that version",
    );
  return readNote(noted);
}

function opened(bytes: Uint8Array): ReturnType<typeof openCheckpoint> {
  try {
    return openCheckpoint(bytes);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    const why = cause.message.replace(/^checkpoint: /, "");
    if (/checksum/.test(why))
      throw new CheckpointError("checkpoint: it is damaged: its content is not what its checksum says", { cause });
    throw new CheckpointError(`checkpoint: it is damaged or not one of the deep-mlp experiment (${why})`, { cause });
  }
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
