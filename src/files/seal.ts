// The seal of a checkpoint: a checksum over its tensors and metadata, kept in the metadata, so that the file is still a
// safetensors file. It does not depend on where the tensors lie in the file, nor on how its JSON is written.
// Source: of the checksum, digest.ts: it finds accidents, not forgeries.
import { CheckpointError } from "../base/errors.js";
import { murmurHash128 } from "./digest.js";
import { encodeSafetensors, type SafetensorsFile, type StoredTensor, withOneNaN } from "./safetensors.js";

/** The format that is written: "2" has a checksum and the order of the parameters; "1" had neither. */
export const FORMAT = "2";
export const BEFORE = "1";
const KEY = "checksum";

interface Part {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * 32 hex characters: MurmurHash3_x86_128 of a line [key, value] as JSON per text of the metadata, then a line
 * [name, dtype, shape] and the bytes per tensor, each sorted by UTF-16 code units.
 */
function checksum(metadata: Record<string, string>, tensors: ReadonlyMap<string, Part>): string {
  const text = new TextEncoder();
  const line = (value: unknown): Uint8Array => text.encode(`${JSON.stringify(value)}\n`);
  const parts: Uint8Array[] = [];
  for (const key of Object.keys(metadata).sort()) if (key !== KEY) parts.push(line([key, metadata[key]]));
  for (const name of [...tensors.keys()].sort()) {
    const { dtype, shape, bytes } = tensors.get(name)!;
    parts.push(line([name, dtype, shape]), bytes);
  }
  return Array.from(murmurHash128(parts), (word) => word.toString(16).padStart(8, "0")).join("");
}

/** A safetensors file whose metadata hold the checksum. */
export function encodeSealed(tensors: ReadonlyMap<string, StoredTensor>, metadata: Record<string, string>): Uint8Array {
  const written = new Map<string, StoredTensor>();
  const parts = new Map<string, Part>();
  for (const [name, t] of tensors) {
    const data = withOneNaN(t.data);
    written.set(name, { ...t, data });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    parts.set(name, { dtype: t.dtype === "float32" ? "F32" : "I32", shape: t.shape, bytes });
  }
  return encodeSafetensors(written, { ...metadata, [KEY]: checksum(metadata, parts) });
}

/** Whether a file says of itself that it is a trainer's checkpoint. */
export const isCheckpoint = ({ metadata }: SafetensorsFile): boolean =>
  metadata.format !== undefined && metadata.optimizer !== undefined && metadata.counters !== undefined;

/**
 * Throws CheckpointError where the contents are not those that the checksum was made of, or where a format that has one
 * lacks it. Returns false for a file of another format, which nothing vouches for.
 */
export function checkSeal({ metadata, entries, raw }: SafetensorsFile, name: string): boolean {
  const sum = metadata[KEY];
  if (metadata.format !== FORMAT && (sum === undefined || metadata.format !== BEFORE)) return false;
  const parts = new Map([...entries].map(([key, entry]) => [key, { ...entry, bytes: raw(entry) }]));
  if (sum === undefined || sum !== checksum(metadata, parts))
    throw new CheckpointError(
      `${name}: ${sum === undefined ? "it has lost its checksum" : "its contents are not those that its checksum was made of"}: the file has been damaged or changed. Take an earlier checkpoint`,
    );
  return true;
}
