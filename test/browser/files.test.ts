// Files in a page: gzip in all its forms, buffers of another frame, pauses; the same as in Node.
import { describe, expect, it } from "vitest";
import { pause } from "../../src/base/pause.js";
import { data, digest, load, save, tensor } from "../../src/index.js";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
// Python: gzip.compress(struct.pack(">2I", 0x801, 2) + bytes([7, 9]), mtime=0)
const zipped = bytesOf("1f8b08000000000002036360e0606460606062e704007a8201a30a000000");
// Python: gzip.compress(b"", mtime=0)
const empty = bytesOf("1f8b080000000000020303000000000000000000");
const joined = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(parts.flatMap((part) => [...part]));

describe("in a page", () => {
  it("gzip of one member, of several, and padded with zeros is read alike", async () => {
    for (const bytes of [zipped, joined(zipped, empty), joined(empty, zipped), joined(zipped, new Uint8Array(512))]) {
      expect([...(await data.readIdxLabels(bytes))]).toEqual([7, 9]);
      expect([...(await data.readIdxLabels(new Blob([joined(bytes)])))]).toEqual([7, 9]);
    }
    await expect(data.readIdxLabels(joined(zipped, Uint8Array.of(1)), "f")).rejects.toThrow(
      "f: after the gzip data follow 1 bytes",
    );
  });

  it("digits are drawn with pauses to the same bits", async () => {
    const { train } = await data.digitsAsync({ train: 200, test: 1, seed: 7 });
    expect(digest(train.columns)).toBe(digest(data.digits({ train: 200, test: 1, seed: 7 }).train.columns));
  });

  it("a hundred pauses take no hundred timeouts", async () => {
    const start = performance.now();
    for (let i = 0; i < 100; i++) await pause();
    expect(performance.now() - start).toBeLessThan(300); // a nested setTimeout takes 4 ms each
  });

  it.runIf(typeof document !== "undefined")("arrays and buffers of a frame are taken", () => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const { Float32Array: Foreign, Array: ForeignArray, Uint8Array: Bytes } = frame.contentWindow as any;
    const { columns } = data.dataset({ x: Foreign.of(1, 2), y: Bytes.of(0, 1), z: ForeignArray.of(3, 4) });
    expect([...columns.x.data, ...columns.y.data, ...columns.z.data]).toEqual([1, 2, 0, 1, 3, 4]);
    expect([...load(Bytes.from(save({ w: tensor([5]) })).buffer).w.data]).toEqual([5]);
    frame.remove();
  });
});
