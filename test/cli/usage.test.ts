import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { gradnoise, scratch, self } from "./command.js";

const oneLine = /^[^\n]+\n$/;

describe("help", () => {
  it("names every option and ends with examples", async () => {
    const { code, stdout } = await gradnoise("run deep-mlp --help");
    expect(code).toBe(0);
    for (const name of ["data", "init", "bias", "noise", "eta", "gamma", "clip", "learning-rate", "batch", "hidden"])
      expect(stdout).toContain(`--${name} `);
    for (const name of ["steps", "epochs", "seeds", "seed", "optimizer", "dropout", "workers", "out", "resume", "json"])
      expect(stdout).toContain(`--${name} `);
    expect(stdout).toContain("--quiet ");
    expect(stdout).toContain("Examples:");
    for (const code of ["0 done", "1 failed", "2 wrong usage", "130", "143", "129", "141"])
      expect(stdout).toContain(code);
  });

  it("is there for the command, and --version is the package's", async () => {
    const [help, version] = await Promise.all([gradnoise("--help"), gradnoise("--version")]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain(`${self} run deep-mlp\n`);
    expect(version).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: "" });
  });
});

describe("wrong usage", () => {
  it.each([
    ["--eta -1", "'-1'", ">= 0"],
    ["--hidden abc", "'abc'", "20x50"],
    ["--hidden 0x50", "'0x50'", "20x50"],
    ["--steps 10 --epochs 2", "--steps", "--epochs"],
    ["--seeds 2 --seed 5", "--seeds", "--seed"],
    ["--seeds 0", "'0'", "from 1 to 1000"],
    ["--seed 1.5", "'1.5'", "integer"],
    ["--noise maybe", "'maybe'", "on, off, both"],
    ["--init magic", "'magic'", "sussillo-abbott"],
    ["--optimizer lion", "'lion'", "momentum"],
    ["--clip 0", "'0'", "none"],
    ["--dropout 1", "'1'", "< 1"],
    ["--learning-rate x", "'x'", "> 0"],
    ["--batch 0", "'0'", ">= 1"],
    ["--etta 1", "--etta", "--eta"],
    ["--eta", "--eta", "missing"],
    ["extra", "deep-mlp", "--help"],
    ["--hidden 9999x99999", "'9999x99999'", "WebAssembly has 4"],
    ["--hidden 10000x5", "'10000x5'", "at most 9999x99999"],
    ["--hidden 100x3500", "GiB", "20x50"],
    ["--seeds 100000000", "'100000000'", "1000"],
    ["--steps 3000000000", "'3000000000'", "2147483647"],
    ["--learning-rate 1e39", "'1e39'", "float32"],
    ["--learning-rate 1e-50", "'1e-50'", "float32"],
    ["--eta 1e300", "'1e300'", "float32"],
    ["--bias 1e39", "'1e39'", "float32"],
    ["--dropout 0.99999999999", "'0.99999999999'", "< 1"],
    ["--lr 0.1", "--lr", "Did you mean --learning-rate?"],
    ["--learning_rate 0.1", "--learning_rate", "Did you mean --learning-rate?"],
    ["--batch-size 50", "--batch-size", "Did you mean --batch?"],
    ["--seds 50", "--seds", "Did you mean"],
    ["--init zeros", "'zeros'", "zero, simple"],
  ])("%s exits with 2 and one line that names value and way out", async (words, value, wayOut) => {
    const { code, stdout, stderr } = await gradnoise(`run deep-mlp ${words}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain(value);
    expect(stderr).toContain(wayOut);
    expect(stderr).toContain(`See: ${self} run deep-mlp --help\n`);
  });

  it.each([
    ["run deep-mpl", "Did you mean deep-mlp?"],
    ["deep-mlp", "Did you mean run deep-mlp?"],
    ["run digits-chek", "Did you mean digits-check?"],
    ["rum deep-mlp", "Did you mean run?"],
    ["run digits-check --sed 1", "Did you mean --seed?"],
  ])("%s is told what was meant", async (words, hint) => {
    const { code, stdout, stderr } = await gradnoise(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain(hint);
  });

  it("an empty folder name is no folder", async () => {
    const { code, stderr } = await gradnoise(["run", "deep-mlp", "--out", ""]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: option '--out <folder>' argument '' is invalid\. Expected a folder/);
  });

  it("control characters and long words of arguments never reach the terminal raw", async () => {
    const long = `--${"x".repeat(5000)}`;
    for (const words of [
      ["run", "deep-mlp", "--init", "\x1b[31mred\x9b\u202e"],
      ["\x1b]0;title\x07"],
      ["run", "deep-mlp", long],
    ]) {
      const { code, stderr } = await gradnoise(words);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^[\x20-\x7e]+\n$/);
      expect(stderr.length).toBeLessThan(1000);
    }
  });

  it("an unknown command exits with 2", async () => {
    expect(await gradnoise("walk")).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: unknown command 'walk'. See: ${self} --help\n`,
    });
  });
});

const names = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];

/** Ten images of 2 x 2, in the form of MNIST; `change` spoils one of the four files. */
function mnistFolder(name: string, change: { [file: string]: (bytes: Buffer) => Buffer | undefined } = {}): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const images = Buffer.from([0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 2, ...Array<number>(40).fill(7)]);
  const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const file of names) {
    const bytes = file.includes("images") ? images : labels;
    const out = file in change ? change[file](Buffer.from(bytes)) : bytes;
    if (out) writeFileSync(join(folder, `${file}.gz`), gzipSync(out));
  }
  return folder;
}

describe("bad data", () => {
  const spoil = (bytes: Buffer, at: number, value: number): Buffer => {
    bytes[at] = value;
    return bytes;
  };
  it.each([
    ["a-missing-file", { [names[1]]: () => undefined }, [names[1], "no such file", ".gz"]],
    [
      "truncated",
      { [names[0]]: (b: Buffer) => b.subarray(0, 30) },
      [`${names[0]}.gz`, "expected 56", "got 30", "truncated"],
    ],
    ["mislabelled", { [names[2]]: (b: Buffer) => spoil(b, 3, 1) }, [`${names[2]}.gz`, "0x00000801", "images"]],
    [
      "label-out-of-range",
      { [names[3]]: (b: Buffer) => spoil(b, 13, 12) },
      [`${names[3]}.gz`, "label 12", "position 5", "0..9"],
    ],
  ])("%s exits with 1, one line, and nothing written", async (name, change, texts) => {
    const folder = mnistFolder(name, change as { [file: string]: (bytes: Buffer) => Buffer | undefined });
    const out = join(scratch, `out-${name}`);
    const { code, stdout, stderr } = await gradnoise(
      `run deep-mlp --data ${folder} --batch 5 --steps 4 --out ${out} --json`,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(oneLine);
    for (const text of texts) expect(stderr).toContain(text);
    expect(readdirSync(scratch)).not.toContain(`out-${name}`);
  });

  it("a missing folder exits with 1 and names it and what belongs there", async () => {
    const { code, stderr } = await gradnoise("run deep-mlp --data nowhere");
    expect(code).toBe(1);
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain(join(scratch, "nowhere"));
    expect(stderr).toContain(names[0]);
  });

  it("a batch larger than the data exits with 1 and names both", async () => {
    const folder = mnistFolder("small");
    const { code, stderr } = await gradnoise(`run deep-mlp --data ${folder} --batch 11`);
    expect(code).toBe(1);
    expect(stderr).toBe('error: deepMlp: "batch" expected at most the 10 training examples there are, got 11\n');
  });

  it("a whole folder is trained on", async () => {
    const folder = mnistFolder("whole");
    const { code, stdout } = await gradnoise(`run deep-mlp --data ${folder} --batch 5 --epochs 2 --seed 1 --json`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1)!).runs.map((run: { steps: number }) => run.steps)).toEqual([
      4, 4,
    ]);
  });
});
