// Knowing a file that was given in place of another by its first bytes, so that a message can name it and the way out.
// Source: the formats' own signatures; pickle: CPython, Lib/pickle.py (protocol 2 and up begins with PROTO, 0x80).
import { show } from "./errors.js";

/** What a file turned out to be. */
export interface FileKind {
  readonly kind: "safetensors" | "idx" | "gzip" | "archive" | "tensors" | "text";
  /** "a zip archive of PyTorch". */
  readonly what: string;
  /** What to do about it, where that does not depend on what was wanted. */
  readonly wayOut?: string;
}

const latin = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, Math.min(to, bytes.length)));

const IDX_TYPES = [8, 9, 11, 12, 13, 14];
const FROM_PYTHON = "Convert it in Python: safetensors.torch.save_file(model.state_dict(), path)";
const FROM_NUMPY = "Convert it in Python: safetensors.numpy.save_file({name: array}, path)";

const SIGNATURES: readonly (readonly [string, FileKind])[] = [
  ["\x1f\x8b", { kind: "gzip", what: "gzipped", wayOut: "Unzip it first" }],
  ["\x93NUMPY", { kind: "tensors", what: "a NumPy array (.npy)", wayOut: FROM_NUMPY }],
  ["\x89HDF\r\n", { kind: "tensors", what: "an HDF5 file (Keras' .h5)", wayOut: FROM_NUMPY }],
  ["GGUF", { kind: "tensors", what: "a GGUF file of llama.cpp", wayOut: FROM_NUMPY }],
  ["\x28\xb5\x2f\xfd", { kind: "archive", what: "compressed by zstd", wayOut: "Decompress it first" }],
  ["\xfd7zXZ\0", { kind: "archive", what: "compressed by xz", wayOut: "Decompress it first" }],
  ["BZh", { kind: "archive", what: "compressed by bzip2", wayOut: "Decompress it first" }],
  ["7z\xbc\xaf", { kind: "archive", what: "a 7z archive", wayOut: "Unpack it first" }],
  ["\x89PNG", { kind: "archive", what: "a PNG image" }],
  ["\xff\xd8\xff", { kind: "archive", what: "a JPEG image" }],
];

/** What the bytes are by the way they begin; undefined where that tells nothing. */
export function fileKind(bytes: Uint8Array): FileKind | undefined {
  const start = latin(bytes, 0, 16);
  // a header's length of less than 2^32, then JSON: a safetensors file, whatever its length spells in its first bytes
  if (bytes.length > 8 && start.slice(4, 8) === "\0\0\0\0" && start[8] === "{")
    return { kind: "safetensors", what: "a safetensors file", wayOut: "Read it with load(bytes)" };
  for (const [signature, kind] of SIGNATURES) if (start.startsWith(signature)) return kind;
  if (start.startsWith("PK\x03\x04") || start.startsWith("PK\x05\x06")) return zipKind(bytes);
  if (latin(bytes, 4, 8) === "TFL3") return { kind: "tensors", what: "a TensorFlow Lite model", wayOut: FROM_NUMPY };
  if (latin(bytes, 257, 262) === "ustar") return { kind: "archive", what: "a tar archive", wayOut: "Unpack it first" };
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5)
    return { kind: "tensors", what: "a Python pickle (an old PyTorch file, or CIFAR's)", wayOut: FROM_PYTHON };
  if (bytes[0] === 8 && bytes[1] > 0 && bytes[1] < 32 && [0x12, 0x3a, 0x42].includes(bytes[2]))
    return { kind: "tensors", what: "an ONNX model", wayOut: FROM_PYTHON };
  if (bytes.length >= 8 && bytes[0] === 0 && bytes[1] === 0 && IDX_TYPES.includes(bytes[2]) && bytes[3] > 0)
    return { kind: "idx", what: "an IDX file, as MNIST's", wayOut: "Read it with data.parseIdx(bytes)" };
  if (bytes.length >= 64 && bytes.every((byte) => byte === 0))
    return { kind: "text", what: "nothing but zeros: it was never written to its end", wayOut: "Get it again" };
  return textKind(bytes);
}

/** What is in a zip archive shows in the name of its first file. */
function zipKind(bytes: Uint8Array): FileKind {
  const names = latin(bytes, 30, 30 + Math.min(200, (bytes[26] ?? 0) + 256 * (bytes[27] ?? 0)));
  if (/\.npy$/.test(names)) return { kind: "tensors", what: "a zip archive of NumPy (.npz)", wayOut: FROM_NUMPY };
  if (/(^|\/)(metadata|config)\.json$|\.weights\.h5$/.test(names))
    return { kind: "tensors", what: "a zip archive of Keras (.keras)", wayOut: FROM_NUMPY };
  if (names === "" || /(^|\/)(data\.pkl|\.format_version|\.data\/|version|byteorder|data\/)/.test(names))
    return {
      kind: "tensors",
      what: names === "" ? "a zip archive, as PyTorch's .pt is one" : "a zip archive of PyTorch (.pt)",
      wayOut: FROM_PYTHON,
    };
  return {
    kind: "archive",
    what: "a zip archive",
    wayOut: "Unpack it first, or convert it if it is PyTorch's or NumPy's",
  };
}

/** Pages, pointers and error messages that a server sent in a file's place. */
function textKind(bytes: Uint8Array): FileKind | undefined {
  const head = latin(bytes, 0, 512).replace(/^(ï»¿)?\s*/, "");
  const text = (what: string, wayOut: string): FileKind => ({ kind: "text", what, wayOut });
  if (/^version https:\/\/git-lfs/.test(head))
    return text("a pointer of Git LFS, not the file itself", "Fetch it by git lfs pull, or download the raw file");
  if (/^(<!doctype html|<html|<head|<body|<!--)/i.test(head))
    return text(
      "an HTML page",
      "The address answered with a page: look at it in a browser, and take the file's own link",
    );
  if (/^<(\?xml|[a-z]+[ >])/i.test(head))
    return text("XML, likely a server's error message", "Look at it, and at the address");
  if (/^[{[]/.test(head) && /"weight_map"/.test(latin(bytes, 0, bytes.length > 1e6 ? 2000 : 65536)))
    return text("the index of a model in several files", "Load each of the files that its weight_map names");
  if (head.length >= 4 && /^[\t\n\r\x20-\x7e]+$/.test(head))
    return text(
      `text: ${show(head.length > 60 ? `${head.slice(0, 60)}...` : head.trim())}`,
      "Look at it, and at where it came from",
    );
  return undefined;
}
