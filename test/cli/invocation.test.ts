import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { commandLine, quote, resumeCommand } from "../../src/cli/invocation.js";
import { clean, jsonLine, oneLine } from "../../src/cli/output.js";
import { shell } from "./command.js";

const words = ["run", "deep-mlp", "--init", "he"];
const clone = `${process.cwd()}/dist/cli.js`;

describe("what people are told to type", () => {
  it("is npm start in a clone where npm start began, for that experiment", () => {
    expect(packageJson.scripts.start).toBe("node dist/cli.js run deep-mlp");
    const npm = { npm_lifecycle_event: "start", npm_command: "start", npm_package_name: "gradnoise" };
    expect(commandLine(words, clone, npm)).toBe("npm start -- --init he");
    expect(commandLine(["run", "deep-mlp"], clone, npm)).toBe("npm start");
    expect(commandLine(["run", "digits-check"], clone, npm)).toBe("node dist/cli.js run digits-check");
    const foreign = { ...npm, npm_package_name: "mine" };
    expect(commandLine(words, "/mine/node_modules/.bin/gradnoise", foreign)).toBe(
      "npx gradnoise run deep-mlp --init he",
    );
  });

  it("is the file that was run, from the folder it was run in", () => {
    expect(commandLine(words, clone, {})).toBe("node dist/cli.js run deep-mlp --init he");
    expect(commandLine(words, "/some where/cli.js", {})).toBe("node '/some where/cli.js' run deep-mlp --init he");
  });

  it("is npx where the package is installed, the name alone where it is on the path", () => {
    expect(commandLine(words, "/a/node_modules/.bin/gradnoise", {})).toMatch(/^npx gradnoise run/);
    expect(commandLine(words, "/a/node_modules/gradnoise/dist/cli.js", {})).toMatch(/^npx gradnoise run/);
    expect(commandLine(words, "/cache/x/gradnoise", { npm_command: "exec" })).toMatch(/^npx gradnoise run/);
    expect(commandLine(words, "/usr/local/bin/gradnoise", { PATH: "/bin:/usr/local/bin" })).toMatch(/^gradnoise run/);
  });

  it("has --resume once", () => {
    expect(resumeCommand(["run", "deep-mlp", "--resume"])).toMatch(/ run deep-mlp --resume$/);
    expect(resumeCommand(["run", "deep-mlp"])).toMatch(/ run deep-mlp --resume$/);
  });

  it.each(["a b", "it's", "$HOME", "a\\b", "tab\there", "\x1b[31m", "\u202eabc", "'\n'", "ü", ""])(
    "is for a shell the word it was: %j",
    async (word) => {
      const quoted = quote(word);
      expect(quoted).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect((await shell(`printf %s ${quoted}`)).stdout).toBe(word);
    },
  );

  it("works in a clone, word for word, after npm start", async () => {
    const root = process.cwd();
    const small = "--hidden 1x4 --steps 20 --seed 1 --noise off";
    const { code, stdout } = await shell(`cd '${root}' && npm start --silent -- ${small}`);
    expect(code).toBe(0);
    const next = /next, try .*: (npm start .*)$/m.exec(stdout)?.[1];
    expect(next).toBe("npm start -- --init he --seed 1 --steps 2000");
    const followed = await shell(`cd '${root}' && ${next} ${small.replace("--seed 1", "")} --quiet --json`);
    expect(followed.code).toBe(0);
    expect(readFileSync("package.json", "utf8")).toContain('"start"');
  }, 120_000);
});

describe("a foreign text", () => {
  it("is spelt out and cut before a terminal sees it", () => {
    expect(clean("a\x1b[31m\x9b\u202e\u2028\u{e0001}b\n")).toBe(
      "a\\u001b[31m\\u009b\\u202e\\u2028\\udb40\\udc01b\\u000a",
    );
    expect(oneLine(new Error("two\n  lines"))).toBe("two lines");
    expect(oneLine(`x ${"y".repeat(10_000)}`).length).toBeLessThan(400);
    expect(oneLine("z ".repeat(10_000)).length).toBeLessThan(2000);
  });

  it("in JSON is still the same text", () => {
    const value = { path: "a\x7f\x9b\u202e\u{e0001}" };
    expect(jsonLine(value)).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(jsonLine(value))).toEqual(value);
  });
});
