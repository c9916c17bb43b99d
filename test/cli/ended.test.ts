// However a command is ended, its runs are saved, one sentence says so, and what is resumed is the same to the bit.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digitsFolder, gradnoise, jsonLines, type Outcome, scratch, shell, summaryRuns } from "./command.js";

const settings = `run deep-mlp --data ${digitsFolder(1000, 200)} --hidden 2x16 --init he --steps 2000 --seed 3`;
const onlyOnLinux = it.skipIf(process.platform !== "linux");

let whole: unknown[];
beforeAll(async () => {
  whole = summaryRuns((await gradnoise(`${settings} --json`)).stdout);
}, 60_000);

const linesOf = (out: string): string[] => readFileSync(join(out, "log.jsonl"), "utf8").trimEnd().split("\n");

/** The command resumed in `out` gives the whole runs, and its ledger has each line once. */
async function expectWhole(out: string, more = ""): Promise<void> {
  const { code, stdout, stderr } = await gradnoise(`${settings} --json --out ${out} --resume ${more}`);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^(Nothing to resume in \S+: starting from the beginning\n)?$/); // where it was killed too soon
  expect(summaryRuns(stdout)).toEqual(whole);
  const lines = linesOf(out);
  expect(new Set(lines).size).toBe(lines.length);
  const events = jsonLines(lines.join("\n")).map(({ event }) => event);
  expect(events.filter((event) => event === "progress")).toHaveLength(40);
  expect(events.filter((event) => event !== "progress")).toEqual(["start", "run", "run", "summary"]);
  expect(readdirSync(out).sort()).toEqual([
    "log.jsonl",
    "no-noise-seed-3.safetensors",
    "noise-seed-3.safetensors",
    "settings.json",
  ]);
}

describe("a reader of stdout that goes away", { timeout: 120_000 }, () => {
  it("stops the runs at a checkpoint in --out, with exit code 141 and one sentence", async () => {
    const out = join(scratch, "head");
    const { code, stdout, stderr } = await shell(
      `$G ${settings} --json --out ${out} | head -n 1; exit \${PIPESTATUS[0]}`,
    );
    expect(code).toBe(141);
    expect(jsonLines(stdout).map(({ event }) => event)).toEqual(["start"]);
    expect(stderr).toMatch(
      /^The reader of stdout is gone: stopped at a checkpoint in \S+head\. To continue: .* --resume\n$/,
    );
    await expectWhole(out);
  });

  it("stops them at a checkpoint in the cache where there is no --out", async () => {
    const { code, stderr } = await shell(`$G ${settings} --json | head -n 3 >/dev/null; exit \${PIPESTATUS[0]}`);
    expect(code).toBe(141);
    expect(stderr).toContain("stopped at a checkpoint in");
    const resumed = await gradnoise(`${settings} --json --resume`);
    expect(resumed.stderr).toBe("");
    expect(summaryRuns(resumed.stdout)).toEqual(whole);
  });

  it("that reads nothing of a finished command keeps its results for --resume", async () => {
    const { code, stderr } = await shell(`$G ${settings} --eta 0.02 --quiet | true; exit \${PIPESTATUS[0]}`);
    expect(code).toBe(141);
    expect(stderr).toMatch(/^The reader of stdout is gone: stopped at a checkpoint in .*\n$/);
    const again = await gradnoise(`${settings} --eta 0.02 --json --resume`);
    expect(jsonLines(again.stdout).map(({ event }) => event)).toEqual(["start", "run", "run", "summary"]);
  });

  it("does not matter where stderr is closed too", async () => {
    const { code } = await shell(`($G ${settings} --json 2>&1; echo $? >code) | head -n 1; sleep 0; cat code`).then(
      async (outcome): Promise<Outcome> => ({ ...outcome, code: Number(outcome.stdout.trim().split("\n").at(-1)) }),
    );
    expect(code).toBe(141);
  });
});

describe("a stdout that cannot be written to", { timeout: 120_000 }, () => {
  onlyOnLinux.each(["--json", "", "--quiet"])(
    "is one sentence and exit code 1, and the runs are saved: %s",
    async (words) => {
      const out = join(scratch, `full${words}`);
      const { code, stderr } = await shell(`$G ${settings} ${words} --out ${out} >/dev/full`);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^Stdout cannot be written to \(ENOSPC: no space left on device, write\): stopped at a checkpoint in \S+\. To continue: .*\n$/,
      );
      await expectWhole(out);
    },
  );

  onlyOnLinux.each(["--help", "--version", "run digits-check --json"])("is one sentence for %s", async (words) => {
    const { code, stderr } = await shell(`$G ${words} >/dev/full`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*tdout cannot be written to \(ENOSPC[^\n]*\n$/);
  });
});

describe("a kill -9", { timeout: 240_000 }, () => {
  /** Until a text is seen on stdout, then `delay` more. */
  async function killed(out: string, seen: string, delay: number): Promise<void> {
    const resume = existsSync(out) ? "--resume" : "";
    let sent = false;
    const { code } = await gradnoise(`${settings} --json --out ${out} ${resume}`, (stdout, child) => {
      if (sent || !stdout.includes(seen)) return;
      sent = true;
      setTimeout(() => child.kill("SIGKILL"), delay);
    });
    expect(code === null || code === 0).toBe(true);
  }

  it("at many moments, again and again, leaves a folder that is resumed to the same bits", async () => {
    const out = join(scratch, "killed-often");
    await killed(out, "start", 0);
    await killed(out, "start", 30);
    await killed(out, "start", 700);
    expect(readdirSync(out).filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(0);
    await killed(out, "start", 1);
    await killed(out, '"run"', 0);
    await killed(out, '"summary"', 0);
    await expectWhole(out, "--workers 1");
  });

  it("in the middle of saving after a signal costs nothing that was there", async () => {
    const out = join(scratch, "killed-while-saving");
    let sent = false;
    await gradnoise(`${settings} --json --out ${out}`, (stdout, child) => {
      if (sent || !stdout.includes('"step":300')) return;
      sent = true;
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 5);
    });
    await expectWhole(out);
  });

  it("before the ledger reached the disk, or after it was lost: it is written anew from the checkpoints", async () => {
    const out = join(scratch, "ledger-lost");
    let sent = false;
    await gradnoise(`${settings} --json --out ${out}`, (stdout, child) => {
      if (sent || !stdout.includes('"step":300')) return;
      sent = true;
      child.kill("SIGINT");
    });
    const lines = linesOf(out);
    writeFileSync(
      join(out, "log.jsonl"),
      `${lines.slice(0, 3).join("\n")}\n\0\0\0\0${lines[4]}\n${lines[2]}\n{"event":"pro`,
    );
    await expectWhole(out);
  });
});

describe("signals", () => {
  it("that come twice at once, as npm and the terminal send them, are one", async () => {
    const out = join(scratch, "twice");
    let sent = false;
    const { code, stderr } = await gradnoise(`${settings} --json --out ${out}`, (stdout, child) => {
      if (sent || !stdout.includes('"step":300')) return;
      sent = true;
      child.kill("SIGHUP");
      setTimeout(() => child.kill("SIGHUP"), 2);
      setTimeout(() => child.kill("SIGTERM"), 4);
    });
    expect(code).toBe(129);
    expect(stderr).toMatch(/^Stopped at a checkpoint in /);
    await expectWhole(out);
  });
});
