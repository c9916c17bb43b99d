// The README's programs run as a stranger would run them: as .mjs files beside an installed gradnoise.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, "README.md"), "utf8");
const programs = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);
const folder = mkdtempSync(join(tmpdir(), "gradnoise-readme-"));
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules", "gradnoise"), "dir");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, name: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, program);
  return execFileSync(process.execPath, [file], { encoding: "utf8", cwd: folder });
}

/** What the program prints in which a text stands. */
const programOf = (text: string): string =>
  run(programs.find((program) => program.includes(text)) ?? "", text.replace(/\W/g, "-"));

describe("README.md", () => {
  it("opens with a program of at most 15 lines", () => {
    expect(programs[0].trimEnd().split("\n").length).toBeLessThanOrEqual(15);
  });

  it("the first program runs (here with 60 steps of its 6000)", () => {
    expect(programs[0]).toContain("steps: 6000");
    const accuracy = Number(run(programs[0].replace("steps: 6000", "steps: 60"), "first"));
    expect(accuracy).toBeGreaterThan(0.05);
    expect(accuracy).toBeLessThan(0.2);
  });

  it("the other programs run and print what their comments say", () => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
    expect(programOf("gradnoise/paper")).toMatch(/^3000 1$[\s\S]*bestAccuracy: 1,/m);
    expect(programOf("valueAndGrad").trim()).toBe("14 [ 2, -4, 6 ]");
    expect(programOf("trainer.inspect()")).toContain("layers[1].weight");
  });

  it("every script it names exists", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const named = [...text.matchAll(/npm (?:run )?(start|test(?::\w+)?|example:[\w-]+|bench)\b/g)].map(
      (match) => match[1],
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
