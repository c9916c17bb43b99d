// The command over what is in the registry: what there is, presets, and experiments that expect something of their runs.
import { describe, expect, it } from "vitest";
import { experiments } from "../../src/experiments/index.js";
import { digitsFolder, gradnoise, jsonLines, summaryRuns } from "./command.js";

const data = digitsFolder(300, 100);

describe("what there is to run", () => {
  it.each(["list", "run"])("%s shows every experiment with its title", async (words) => {
    const { code, stdout, stderr } = await gradnoise(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const { name, title } of experiments) expect(stdout).toMatch(new RegExp(`^  ${name} +${title}$`, "m"));
  });

  it.each(experiments.map(({ name }) => name))("%s has help with examples and every setting", async (name) => {
    const { code, stdout } = await gradnoise(`run ${name} --help`);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
    const { settings, joined = {} } = experiments.find((e) => e.name === name)!;
    const inJoined = Object.values(joined as { [name: string]: { settings: readonly string[] } }).flatMap(
      (j) => j.settings,
    );
    for (const setting of Object.keys(settings).filter((s) => !inJoined.includes(s)))
      expect(stdout).toContain(`--${setting.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} `);
    for (const option of Object.keys(joined)) expect(stdout).toContain(`--${option} `);
  });
});

describe("a preset", () => {
  const small = "--hidden 1x4 --batch 20 --json";
  it("stands for its settings, and what is typed beside it counts more", async () => {
    const [preset, typed] = await Promise.all([
      gradnoise(`run deep-mlp --data ${data} --preset good-start --steps 40 ${small}`),
      gradnoise(`run deep-mlp --data ${data} --init he --seed 1 --steps 40 ${small}`),
    ]);
    expect(preset.code).toBe(0);
    expect(summaryRuns(preset.stdout)).toEqual(summaryRuns(typed.stdout));
    expect(jsonLines(preset.stdout)[0]).toEqual(jsonLines(typed.stdout)[0]);
  });

  it("that there is not is refused with those there are", async () => {
    const { code, stderr } = await gradnoise("run deep-mlp --preset bad-start");
    expect(code).toBe(2);
    expect(stderr).toContain("dead-start, good-start");
  });
});

describe("an experiment that expects something of its runs", () => {
  it("says what holds, run by run, and exits with 1 where one does not", async () => {
    // on so few digits the network cannot reach 97 %
    const { code, stdout } = await gradnoise(`run digits-check --data ${data} --json`);
    const { event, holds, runs } = jsonLines(stdout).at(-1);
    expect({ event, holds }).toEqual({ event: "summary", holds: runs.every((run: { holds: boolean }) => run.holds) });
    expect(code).toBe(holds ? 0 : 1);
    expect(runs.map(({ model, steps }: { model: string; steps: number }) => [model, steps])).toEqual([
      ["linear", 6400],
      ["he", 4800],
    ]);
  });

  it("stops at a checkpoint and goes on like any other", async () => {
    let sent = false;
    const first = await gradnoise(`run digits-check --data ${data} --model linear --json`, (text, child) => {
      if (!sent && text.includes("progress")) child.kill("SIGINT");
      sent ||= text.includes("progress");
    });
    expect(first.code).toBe(130);
    const second = await gradnoise(`run digits-check --data ${data} --model linear --json --resume`);
    const whole = await gradnoise(`run digits-check --data ${data} --model linear --json`);
    expect(summaryRuns(second.stdout)).toEqual(summaryRuns(whole.stdout));
  });
});
