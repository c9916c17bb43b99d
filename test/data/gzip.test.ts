// gzip files in all the forms they come in, the same on every engine; and what cannot be unzipped is refused in time.
import { constants, gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { DataError } from "../../src/base/errors.js";
import { gunzip } from "../../src/data/gzip.js";
import { readIdxImages, readIdxLabels } from "../../src/data/idx.js";

const labels = Uint8Array.from({ length: 40 }, (_, i) => i % 10);
const raw = Buffer.concat([Buffer.of(0, 0, 8, 1, 0, 0, 0, 40), labels]);
const zipped = gzipSync(raw);
/** With an extra field, a name, a comment and a header checksum: FLG 0x1e. */
const decorated = Buffer.concat([
  Buffer.of(0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 4, 0, 65, 66, 0, 0),
  Buffer.from("labels\0made by hand\0"),
  Buffer.of(0x12, 0x34),
  zipped.subarray(10),
]);

describe("a gzip file", () => {
  const forms: [string, Uint8Array][] = [
    ["of one member", zipped],
    ["of two members", Buffer.concat([gzipSync(raw.subarray(0, 20)), gzipSync(raw.subarray(20))])],
    ["of a member per byte", Buffer.concat([...raw].map((byte) => gzipSync(Uint8Array.of(byte))))],
    ["of members of which some are empty", Buffer.concat([gzipSync(""), zipped, gzipSync("")])],
    ["padded with zeros", Buffer.concat([zipped, Buffer.alloc(512)])],
    [
      "of two members and padding",
      Buffer.concat([gzipSync(raw.subarray(0, 3)), gzipSync(raw.subarray(3)), Buffer.alloc(1)]),
    ],
    ["with every field of the header", decorated],
    ["stored", gzipSync(raw, { level: 0 })],
  ];
  it.each(forms)("%s is read", async (_, bytes) => {
    expect(await readIdxLabels(bytes)).toEqual(labels);
  });

  it.each(forms)("%s is read without a DecompressionStream", async (_, bytes) => {
    vi.stubGlobal("DecompressionStream", undefined);
    expect(await readIdxLabels(bytes)).toEqual(labels);
    vi.unstubAllGlobals();
  });

  it("followed by something else is refused, also by zeros that are not all there is", async () => {
    for (const tail of [Buffer.from("hello"), Buffer.of(0, 0, 1), Buffer.from("\0<html>")])
      await expect(readIdxLabels(Buffer.concat([zipped, tail]), "labels.gz")).rejects.toThrow(
        new DataError(
          `labels.gz: after the gzip data follow ${tail.length} bytes that are neither another member nor padding. Get the file again`,
        ),
      );
  });

  it("with a second member that is cut off is refused", async () => {
    const two = Buffer.concat([zipped, gzipSync("x")]);
    for (let n = zipped.length + 2; n < two.length; n++)
      await expect(readIdxLabels(two.subarray(0, n), "f")).rejects.toThrow(
        `f: the gzip data of ${n} bytes is truncated or corrupt`,
      );
  });

  it("with any one bit flipped is refused, or gives the same bytes", async () => {
    let refused = 0;
    for (let bit = 0; bit < zipped.length * 8; bit++) {
      const damaged = Uint8Array.from(zipped);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      try {
        expect(await gunzip(damaged, "f")).toEqual(Uint8Array.from(raw));
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(zipped.length * 8 - 80); // time and operating system are not checked by anybody
  });

  it("of a page or an archive is named for what it holds", async () => {
    await expect(readIdxImages(gzipSync("<!DOCTYPE html><p>Sign in</p>"), "f")).rejects.toThrow(
      "f: expected an IDX file, this is an HTML page",
    );
  });
});

describe("a gzip bomb", () => {
  /** `megabytes` of zeros behind a header, in one member. */
  const bomb = (header: number[], megabytes: number): Uint8Array =>
    gzipSync(Buffer.concat([Buffer.from(header), Buffer.alloc(megabytes << 20)]), { level: 9 });

  it("is inflated no further than its header announces", async () => {
    const peak = { length: 0 };
    const size = (start: Uint8Array): number => {
      peak.length = start.length;
      return 48;
    };
    await expect(gunzip(bomb([0, 0, 8, 1, 0, 0, 0, 40], 64), "f", size)).rejects.toThrow(
      new DataError("f: its header announces 48 bytes, the gzip data hold more: the file is too long"),
    );
    expect(peak.length).toBeLessThanOrEqual(65536);
    await expect(readIdxLabels(bomb([0, 0, 8, 1, 0, 0, 0, 40], 64), "f")).rejects.toThrow("the file is too long");
  });

  it("of one endless block is stopped within it", async () => {
    const zeros = gzipSync(Buffer.alloc(32 << 20), { strategy: constants.Z_FIXED, level: 9 });
    await expect(readIdxLabels(zeros, "f")).rejects.toThrow("f: expected an IDX file, this is nothing but zeros");
  });

  it("that announces more than it holds is truncated", async () => {
    await expect(
      readIdxImages(bomb([0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 1, 0], 1), "f"),
    ).rejects.toThrow(
      "f: expected 281474976645136 bytes for 4294967295 x 256 x 256 images, got 1048592: the file is truncated",
    );
  });
});
