// A folder of runs: one process at a time, one run's damage is its own, and what belongs to other data or another version
// is refused by name.
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { NUMERICS } from "../../src/files/checkpoint.js";
import { decodeSafetensors } from "../../src/files/safetensors.js";
import { encodeSealed } from "../../src/files/seal.js";
import { digitsFolder, gradnoise, jsonLines, scratch, summaryRuns } from "./command.js";

const data = digitsFolder(1000, 200);
const settings = `run deep-mlp --data ${data} --hidden 2x16 --init he --steps 400 --seeds 2`;
const CHECKPOINTS = [1, 2].flatMap((seed) => [`noise-seed-${seed}`, `no-noise-seed-${seed}`]);
const file = (out: string, name: string): string => join(scratch, out, `${name}.safetensors`);

let whole: { noise: boolean; seed: number }[];
beforeAll(async () => {
  whole = summaryRuns((await gradnoise(`${settings} --json --out ${join(scratch, "whole")}`)).stdout);
}, 60_000);

/** A folder with four finished runs, to be spoilt. */
function copy(name: string): string {
  mkdirSync(join(scratch, name));
  for (const entry of readdirSync(join(scratch, "whole")))
    copyFileSync(join(scratch, "whole", entry), join(scratch, name, entry));
  return join(scratch, name);
}

function rewrite(path: string, change: (metadata: Record<string, string>) => Record<string, string>): void {
  const { tensors, metadata } = decodeSafetensors(readFileSync(path));
  const { checksum: _, ...own } = metadata;
  writeFileSync(path, encodeSealed(tensors, change(own)));
}

const resume = (out: string, more = "--json"): ReturnType<typeof gradnoise> =>
  gradnoise(`${settings} --out ${out} --resume ${more}`);

describe("two processes on one folder", () => {
  const started = (out: string): Promise<{ child: ChildProcess; ended: ReturnType<typeof gradnoise> }> =>
    new Promise((resolve) => {
      const ended = gradnoise(`${settings.replace("400", "30000")} --json --out ${out}`, (_, child) =>
        resolve({ child, ended }),
      );
    });

  it("do not both write: the second names the first, and a folder is free once it was killed", async () => {
    const out = join(scratch, "shared");
    const { child, ended } = await started(out);
    for (const more of ["--resume", ""]) {
      const second = await gradnoise(`${settings.replace("400", "30000")} --json --out ${out} ${more}`);
      expect(second).toEqual({
        code: 1,
        stdout: "",
        stderr: `error: ${out} is in use: process ${child.pid} works in it; let it end or stop it, or name another folder with --out\n`,
      });
    }
    child.kill("SIGKILL");
    await ended;
    expect(readdirSync(out).filter((name) => name.startsWith(".lock-"))).toHaveLength(1);
    let sent = false;
    const third = await gradnoise(
      `${settings.replace("400", "30000")} --json --out ${out} --resume`,
      (stdout, again) => {
        if (!sent && stdout.includes("progress")) again.kill("SIGINT");
        sent ||= stdout.includes("progress");
      },
    );
    expect(third.code).toBe(130);
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  }, 120_000);

  it("that start at once are at most one", async () => {
    const out = join(scratch, "at-once");
    const ends = await Promise.all([1, 2, 3, 4, 5].map(() => gradnoise(`${settings} --json --out ${out}`)));
    const done = ends.filter(({ code }) => code === 0);
    expect(done).toHaveLength(1);
    expect(summaryRuns(done[0].stdout)).toEqual(whole);
    for (const { code, stderr } of ends.filter((end) => end !== done[0])) {
      expect(code).toBe(1);
      expect(stderr).toMatch(/ is in use: process \d+ works in it| holds a run already/);
    }
    const lines = readFileSync(join(out, "log.jsonl"), "utf8").trimEnd().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
  }, 120_000);

  it("a pid that was given to another program since is no lock, a process of another host is one", async () => {
    const out = copy("pids");
    const host = hostname().replace(/[^\w-]/g, "_");
    const other = spawn("sleep", ["60"]);
    writeFileSync(join(out, `.lock-${host}.${other.pid}`), "1");
    expect((await resume(out)).code).toBe(process.platform === "linux" ? 0 : 1);
    other.kill();
    const foreign = join(out, ".lock-elsewhere.7");
    writeFileSync(foreign, "");
    const { code, stderr } = await resume(out);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `process 7 on elsewhere works in it, or was ended before it could say so; if it is gone, remove ${foreign}`,
    );
    rmSync(foreign);
    expect((await resume(out)).code).toBe(0);
  }, 120_000);
});

describe("a damaged checkpoint", () => {
  it.each([
    ["cut short", (path: string) => truncateSync(path, 1000), "it is damaged"],
    ["empty", (path: string) => truncateSync(path, 0), "it is damaged"],
    [
      "with a bit flipped",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 99] ^= 4;
        writeFileSync(path, bytes);
      },
      "it is damaged: its content is not what its checksum says",
    ],
    ["of text", (path: string) => writeFileSync(path, "<html>\x1b[31m</html>"), "it is damaged"],
    [
      "of another run",
      (path: string) => copyFileSync(path.replace("seed-2", "seed-1"), path),
      "its seed is 1, this run's is 2",
    ],
    [
      "that is a folder",
      (path: string) => {
        rmSync(path);
        mkdirSync(path);
      },
      "EISDIR",
    ],
  ])(
    "%s stops its own run only, is named, and is exit code 1",
    async (name, spoil, why) => {
      const out = copy(`damaged-${name.replaceAll(" ", "-")}`);
      spoil(file(out.slice(scratch.length + 1), "noise-seed-2"));
      const { code, stdout, stderr } = await resume(out);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^[^\n]+\n$/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
      expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
      expect(stderr).toContain(`error: ${join(out, "noise-seed-2.safetensors")}: ${why}`);
      expect(stderr).toMatch(/, or remove it to make this run again from its start\n$/);
      const summary = jsonLines(stdout).at(-1);
      expect(summary.runs).toEqual(whole.filter(({ noise, seed }) => !(noise && seed === 2)));
      expect(summary.failed).toEqual([{ noise: true, seed: 2, error: expect.stringContaining(why) }]);
      rmSync(join(out, "noise-seed-2.safetensors"), { recursive: true });
      const mended = await resume(out);
      expect(mended).toMatchObject({ code: 0, stderr: "" });
      expect(summaryRuns(mended.stdout)).toEqual(whole);
    },
    120_000,
  );

  it("leaves the others' report to people, too", async () => {
    const out = copy("damaged-report");
    truncateSync(join(out, "noise-seed-1.safetensors"), 500);
    const { code, stdout, stderr } = await resume(out, "");
    expect(code).toBe(1);
    expect(stdout).toContain("with noise, seed 1: failed\n");
    expect(stdout).toContain("Test accuracy by step");
    expect(stderr).toContain("noise-seed-1.safetensors: it is damaged");
  });
});

describe("a folder of other data or another version", () => {
  it("is refused where one pixel has changed", async () => {
    const other = digitsFolder(1000, 200, "other-digits");
    const words = `run deep-mlp --data ${other} --hidden 1x4 --steps 40 --seed 1 --noise off --json --out ${join(scratch, "pixel")}`;
    expect((await gradnoise(words)).code).toBe(0);
    const images = join(other, "train-images-idx3-ubyte");
    const bytes = readFileSync(images);
    bytes[5000] ^= 1;
    writeFileSync(images, bytes);
    const { code, stdout, stderr } = await gradnoise(`${words} --resume`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^error: \S+pixel holds a run on other data \(digest \w{16}, now \w{16}\): files have changed since; put the old ones back, or name another folder with --out\n$/,
    );
  });

  it("is refused where its numbers are of another version, which is named", async () => {
    const out = copy("version");
    const path = join(out, "settings.json");
    writeFileSync(
      path,
      readFileSync(path, "utf8")
        .replace(`"numerics": "${NUMERICS}"`, '"numerics": "0"')
        .replace(packageJson.version, "0.0.7"),
    );
    const { code, stdout, stderr } = await resume(out);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      `error: ${out} holds a run of gradnoise 0.0.7, whose results differ from those of this version, ${packageJson.version} (numerics 0 and ${NUMERICS}); finish it with that version, or name another folder with --out\n`,
    );
  });

  it("is one sentence where all checkpoints are of another version, and settings.json does not tell", async () => {
    const out = copy("older");
    const path = join(out, "settings.json");
    const { experiment, plan } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ experiment, plan }));
    for (const name of CHECKPOINTS) rewrite(file("older", name), (metadata) => ({ ...metadata, numerics: "1" }));
    const { code, stderr } = await resume(out);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain("noise-seed-1.safetensors and 3 more: it is of another version of gradnoise");
    expect(stderr).toContain("finish the run with that version");
  });

  it("that has lost its settings is not written over", async () => {
    const out = copy("stray");
    rmSync(join(out, "settings.json"));
    for (const more of ["--resume", ""]) {
      const { code, stderr } = await gradnoise(`${settings} --out ${out} ${more}`);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `error: ${out} holds log.jsonl, but no settings.json that tells what it belongs to; name another folder with --out\n`,
      );
    }
  });

  it.each(["null", "{}", '{"plan":[1]}', "[", '"\x1b[31m"'])(
    "whose settings.json is %s is one sentence",
    async (text) => {
      const out = join(scratch, "settings");
      mkdirSync(out, { recursive: true });
      writeFileSync(join(out, "settings.json"), text);
      const { code, stderr } = await resume(out);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^[\x20-\x7e]+\n$/);
      expect(stderr).toContain(`${join(out, "settings.json")}: `);
      expect(stderr).toContain("mend it, or name another folder with --out");
    },
  );

  it("that is a file, or in one, is one sentence", async () => {
    const path = join(scratch, "a-file");
    writeFileSync(path, "");
    expect(await gradnoise(`${settings} --out ${path}`)).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: ${path} is no folder; name another folder with --out\n`,
    });
    const { code, stderr } = await gradnoise(`${settings} --out ${path}/inside`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be written to \(ENOTDIR[^\n]*name another folder with --out\n$/);
  });
});

describe("a path with control characters", () => {
  it("is spelt out in sentences, in JSON and in the command to continue", async () => {
    const out = join(scratch, "a\x1b[31m b\x9bc\u202ed'e");
    let sent = false;
    const { code, stdout, stderr } = await gradnoise(
      [...settings.replace("400", "9000").split(" "), "--json", "--out", out],
      (text, child) => {
        if (!sent && text.includes("progress")) child.kill("SIGINT");
        sent ||= text.includes("progress");
      },
    );
    expect(code).toBe(130);
    expect(stderr).toMatch(/^[\x20-\x7e]+\n$/);
    expect(stdout).toMatch(/^[\x20-\x7e\n]+$/);
    expect(stderr).toContain("--out $'");
    const bash = spawn("bash", ["-c", `printf %s ${/--out (\$'.*') --resume/.exec(stderr)![1]}`]);
    let typed = "";
    for await (const chunk of bash.stdout.setEncoding("utf8")) typed += chunk;
    expect(typed).toBe(out);
    const missing = await gradnoise(["run", "deep-mlp", "--data", "no\x1b]0;x\x07where"]);
    expect(missing.stderr).toMatch(/^[\x20-\x7e]+\n$/);
    expect(missing.stderr).toContain("no\\u001b]0;x\\u0007where");
  });
});
