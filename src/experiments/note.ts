// The checkpoint of a run: its task's, with a note of what the run is and what it has seen under the same seal, so that
// neither other settings, other data, another version nor a flipped bit is trained on.
import { CheckpointError, isPlain, show } from "../base/errors.js";
import { annotateCheckpoint, NUMERICS, openCheckpoint } from "../files/checkpoint.js";
import type { Experiment } from "./experiment.js";
import type { Evaluation } from "./run.js";

export interface Note {
  readonly settings: { readonly [name: string]: unknown };
  /** Digest of the data. */
  readonly data: string;
  readonly history: readonly Evaluation[];
  readonly diverged?: string;
}

export const noteCheckpoint = ({ owner }: Experiment, task: Uint8Array, note: Note): Uint8Array =>
  annotateCheckpoint(task, { [owner]: JSON.stringify(note) });

/** The note of a run's checkpoint. Throws CheckpointError for what is damaged, of another version, or no checkpoint of a run. */
export function readCheckpoint({ name, owner }: Experiment, bytes: Uint8Array): Note {
  const { metadata, sealed } = opened(name, bytes);
  const noted = metadata[owner];
  if (noted === undefined) throw new CheckpointError(`checkpoint: it is not one of the ${name} experiment`);
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

function opened(name: string, bytes: Uint8Array): ReturnType<typeof openCheckpoint> {
  try {
    return openCheckpoint(bytes);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    const why = cause.message.replace(/^checkpoint: /, "");
    if (/checksum/.test(why))
      throw new CheckpointError("checkpoint: it is damaged: its content is not what its checksum says", { cause });
    throw new CheckpointError(`checkpoint: it is damaged or not one of the ${name} experiment (${why})`, { cause });
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
    Number.isSafeInteger(e?.step) && Object.values(e!).every((v) => v === null || Number.isFinite(v));
  const whole =
    isPlain(note) && isPlain(note.settings) && Array.isArray(note.history) && note.history.every(isEvaluation);
  if (!whole) throw new CheckpointError("checkpoint: it is damaged: its note of the run cannot be read");
  return note as Note;
}
