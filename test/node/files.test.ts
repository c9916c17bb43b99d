import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { cacheDirectory, writeFileAtomic } from "../../src/node/index.js";

const scratch = mkdtempSync(join(tmpdir(), "gradnoise-node-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("writeFileAtomic", () => {
  it("makes the folder, replaces the file and leaves nothing else", async () => {
    const path = join(scratch, "a", "b", "file");
    await writeFileAtomic(path, "one");
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(readdirSync(join(scratch, "a", "b"))).toEqual(["file"]);
  });

  it("that fails leaves no temporary file behind", async () => {
    const folder = join(scratch, "taken");
    await writeFileAtomic(join(folder, "inner", "file"), "x");
    await expect(writeFileAtomic(join(folder, "inner"), "y")).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(["inner"]);
  });

  it("many writers at once leave one of the contents whole", async () => {
    const path = join(scratch, "many", "file");
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(contents.map((text) => writeFileAtomic(path, text)));
    expect(contents).toContain(readFileSync(path, "utf8"));
    expect(readdirSync(join(scratch, "many"))).toEqual(["file"]);
  });
});

describe("cacheDirectory", () => {
  const was = process.env.XDG_CACHE_HOME;
  afterEach(() => {
    if (was === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = was;
  });

  it("is in $XDG_CACHE_HOME, and in ~/.cache without it", () => {
    process.env.XDG_CACHE_HOME = "/somewhere";
    expect(cacheDirectory()).toBe(join("/somewhere", "gradnoise"));
    delete process.env.XDG_CACHE_HOME;
    expect(cacheDirectory()).toBe(join(homedir(), ".cache", "gradnoise"));
  });
});
