// The checksum of a checkpoint against the outside world: Python's json and mmh3.
import { describe, expect, it } from "vitest";
import { decodeSafetensors, type StoredTensor } from "../../src/files/safetensors.js";
import { encodeSealed } from "../../src/files/seal.js";

const w: StoredTensor = { shape: [2], dtype: "float32", data: Float32Array.of(1.5, Number.NaN) };
const a: StoredTensor = { shape: [], dtype: "int32", data: Int32Array.of(-7) };
const metadata = { format: "2", naïve: '\u001f"x' };
const sumOf = (tensors: [string, StoredTensor][], notes: Record<string, string>): string =>
  decodeSafetensors(encodeSealed(new Map(tensors), notes)).metadata.checksum;

describe("the checksum", () => {
  it("is what Python computes of the file", () => {
    // Python with mmh3 5.3.0, raw the file, h its header without __metadata__, which is m; n the header's length:
    //   line = lambda v: (json.dumps(v, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    //   b = b"".join(line([k, m[k]]) for k in sorted(m) if k != "checksum")
    //   for name in sorted(h): t = h[name]; x, y = t["data_offsets"]
    //     b += line([name, t["dtype"], t["shape"]]) + raw[8 + n + x:8 + n + y]
    //   "%08x%08x%08x%08x" % struct.unpack("<4I", mmh3.hash_bytes(b, 0, False))
    expect(
      sumOf(
        [
          ["w", w],
          ["a", a],
        ],
        metadata,
      ),
    ).toBe("e172aa08e78a266dd630c7de0b77f7fc");
  });

  it("does not depend on the order of tensors and texts, nor on a checksum that was there", () => {
    const sum = sumOf(
      [
        ["w", w],
        ["a", a],
      ],
      metadata,
    );
    expect(
      sumOf(
        [
          ["a", a],
          ["w", w],
        ],
        { naïve: '\u001f"x', checksum: "old", format: "2" },
      ),
    ).toBe(sum);
  });

  it("depends on every name, shape, dtype, value and text", () => {
    const others: [[string, StoredTensor][], Record<string, string>][] = [
      [
        [
          ["v", w],
          ["a", a],
        ],
        metadata,
      ],
      [
        [
          ["w", { ...w, shape: [2, 1] }],
          ["a", a],
        ],
        metadata,
      ],
      [
        [
          ["w", { ...w, dtype: "int32", data: new Int32Array(w.data.buffer) }],
          ["a", a],
        ],
        metadata,
      ],
      [
        [
          ["w", { ...w, data: Float32Array.of(1.5, 0) }],
          ["a", a],
        ],
        metadata,
      ],
      [[["w", w]], metadata],
      [
        [
          ["w", w],
          ["a", a],
        ],
        { ...metadata, format: "1" },
      ],
      [
        [
          ["w", w],
          ["a", a],
        ],
        { ...metadata, more: "" },
      ],
    ];
    expect(
      new Set([
        sumOf(
          [
            ["w", w],
            ["a", a],
          ],
          metadata,
        ),
        ...others.map((o) => sumOf(...o)),
      ]).size,
    ).toBe(8);
  });
});
