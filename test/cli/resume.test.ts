import type { ChildProcess } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digitsFolder, gradnoise, jsonLines, scratch, summaryRuns } from "./command.js";

// small enough to end in seconds, long enough to be caught in the middle
const settings = `run deep-mlp --data ${digitsFolder(1000, 200)} --hidden 2x16 --init he --steps 400 --seeds 2 --json`;
const afterStep = (step: number, signal: NodeJS.Signals): ((stdout: string, child: ChildProcess) => void) => {
  let sent = false;
  return (stdout, child) => {
    if (sent || !stdout.includes(`"step":${step}`)) return;
    sent = true;
    child.kill(signal);
  };
};
const cached = (): string[] => {
  const runs = join(scratch, "cache", "gradnoise", "runs");
  return existsSync(runs) ? readdirSync(runs) : [];
};

let whole: { noise: boolean; seed: number; digest: string }[];
beforeAll(async () => {
  whole = summaryRuns((await gradnoise(`${settings} --workers 1`)).stdout);
});

describe("the runs of a command", () => {
  it("are the same with one worker and with two", async () => {
    expect(whole.map((run) => [run.noise, run.seed])).toEqual([
      [true, 1],
      [false, 1],
      [true, 2],
      [false, 2],
    ]);
    expect(new Set(whole.map((run) => run.digest)).size).toBe(4);
    const { code, stdout } = await gradnoise(`${settings} --workers 2`);
    expect(code).toBe(0);
    expect(summaryRuns(stdout)).toEqual(whole);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("interrupted by %s (exit code %i) and resumed are the same to the bit", async (signal, code) => {
    const first = await gradnoise(`${settings} --workers 2`, afterStep(100, signal));
    expect(first.code).toBe(code);
    expect(jsonLines(first.stdout).at(-1)).toMatchObject({ event: "interrupted" });
    expect(first.stderr).toMatch(/^Stopped at a checkpoint in .*To continue: .* --resume\n$/);
    expect(cached()).toHaveLength(1);
    const second = await gradnoise(`${settings} --workers 1 --resume`);
    expect(second).toMatchObject({ code: 0, stderr: "" });
    // what was seen before the interruption is not made again
    const seen = first.stdout.split("\n").filter((line) => line.includes('"progress"'));
    expect(seen.length).toBeGreaterThan(0);
    expect(second.stdout.split("\n").filter((line) => seen.includes(line))).toEqual([]);
    expect(summaryRuns(second.stdout)).toEqual(whole);
    expect(cached()).toEqual([]);
  });

  it("killed and resumed from --out are the same, and a torn last line of the log is dropped", async () => {
    const out = join(scratch, "killed");
    const killed = await gradnoise(`${settings} --workers 2 --out ${out}`, afterStep(200, "SIGKILL"));
    expect(killed.code).toBe(null);
    appendFileSync(join(out, "log.jsonl"), '{"event":"progr');
    const resumed = await gradnoise(`${settings} --out ${out} --resume`);
    expect(resumed.code).toBe(0);
    expect(summaryRuns(resumed.stdout)).toEqual(whole);
    const log = readFileSync(join(out, "log.jsonl"), "utf8");
    expect(summaryRuns(log)).toEqual(whole);
    const lines = log.trimEnd().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
    const kinds = jsonLines(log).map(({ event }) => event);
    expect(kinds.filter((kind) => kind === "progress")).toHaveLength(80);
    expect(kinds.filter((kind) => kind !== "progress")).toEqual(["start", "run", "run", "run", "run", "summary"]);
    expect(readdirSync(out).sort()).toEqual([
      "log.jsonl",
      "no-noise-seed-1.safetensors",
      "no-noise-seed-2.safetensors",
      "noise-seed-1.safetensors",
      "noise-seed-2.safetensors",
      "settings.json",
    ]);
  });

  it("that have ended are not made again", async () => {
    const out = join(scratch, "killed");
    const log = readFileSync(join(out, "log.jsonl"), "utf8");
    const again = await gradnoise(`${settings} --out ${out} --resume`);
    expect(again.code).toBe(0);
    expect(summaryRuns(again.stdout)).toEqual(whole);
    expect(readFileSync(join(out, "log.jsonl"), "utf8")).toBe(log);
    expect(jsonLines(again.stdout).filter(({ event }) => event === "progress")).toEqual([]);
  });

  it("refuse a folder with other settings, naming the difference", async () => {
    const out = join(scratch, "killed");
    const other = await gradnoise(`${settings} --eta 0.01 --out ${out} --resume`);
    expect(other).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toBe(
      `error: ${out} holds a run with --eta 0.03, this command has 0.01; give the same settings, or another folder with --out\n`,
    );
    const fresh = await gradnoise(`${settings} --out ${out}`);
    expect(fresh).toMatchObject({ code: 1, stdout: "" });
    expect(fresh.stderr).toContain("add --resume");
  });

  it("start from the beginning where there is nothing to resume, and say so", async () => {
    const { code, stdout, stderr } = await gradnoise(`${settings} --eta 0.02 --resume`);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Nothing to resume in .*: starting from the beginning\n$/);
    expect(summaryRuns(stdout)).toHaveLength(4);
  });
});
