// The worked examples run as a newcomer runs them, at small size, and print what their comments and the README say.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = "test/examples";
const programs = readdirSync(`${root}/${folder}`).filter((file) => file.endsWith(".mjs"));
const read = (file: string): string => readFileSync(`${root}/${file}`, "utf8");

async function run(name: string, words = ""): Promise<string> {
  const args = [`${folder}/${name}.mjs`, ...words.split(" ").filter(Boolean)];
  return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout;
}

/** The number that follows `before`, as the program printed it. */
const numberAfter = (text: string, before: string): number => Number(text.split(before)[1]?.match(/[\d.]+/)?.[0]);

describe("the example", () => {
  it("cnn learns something of the digits in 40 steps", async () => {
    const text = await run("cnn", "--steps 40 --train 1000 --test 200");
    expect(numberAfter(text, "accuracy ")).toBeGreaterThan(50);
    expect(text).toContain("on 200 new digits after 40 steps");
    expect(text).toMatch(/layers\[8\]\.weight +\[64, 10\]/);
  });

  it("custom agrees with central differences and tells the spirals apart", async () => {
    const text = await run("custom", "--steps 1000");
    expect(numberAfter(text, "differ by ")).toBeGreaterThan(0);
    expect(numberAfter(text, "after 1000 steps: ")).toBeGreaterThan(90);
    expect(text.split("\n").filter((line) => /^[ .ox]{64}$/.test(line))).toHaveLength(32);
  });

  it("adding solves short sequences", async () => {
    const text = await run("adding", "--length 10 --steps 300");
    expect(numberAfter(text, "mean squared error ")).toBeLessThan(0.02);
  });

  it("char-lstm writes letters of its text", async () => {
    const text = await run("char-lstm", "--steps 100 --letters 50");
    expect(numberAfter(text, "step 100  ")).toBeLessThan(2.5);
    expect(text.split("\n").at(-2)).toMatch(/^the walker [a-z :,.]{50}$/);
  });

  it("actor-critic keeps the pole up for longer", async () => {
    const text = await run("actor-critic", "--episodes 100");
    const [first, second] = [50, 100].map((n) => numberAfter(text, `episode ${n}  the pole stayed up for `));
    expect(second).toBeGreaterThan(1.5 * first);
  });
});

describe("every example", () => {
  it.each(programs)("%s is linked from the README with its command, and fits a page", (file) => {
    const command = `example:${file.replace(".mjs", "")}`;
    expect(JSON.parse(read("package.json")).scripts[command]).toBe(`node ${folder}/${file}`);
    expect(read("README.md")).toContain(`](${folder}/${file})`);
    expect(read("README.md")).toContain(`npm run ${command}`);
    expect(read(`${folder}/${file}`)).toContain(`npm run ${command} `);
    expect(read(`${folder}/${file}`).split("\n").length).toBeLessThanOrEqual(110);
  });

  it("gives the same bits again, and others for another seed", async () => {
    const [first, again, other] = await Promise.all(
      [1, 1, 2].map((seed) => run("actor-critic", `--episodes 20 --seed ${seed}`)),
    );
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});
