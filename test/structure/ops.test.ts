// What a further op must have: a place in the list of all ops, an oracle, a form in ONNX or a reason for none.
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.js";
import { onnxEntries, refusals } from "../../src/onnx/ops.js";
import * as all from "../../src/ops/all.js";
import { everyOp, ops, opsOf } from "../ops/list.js";
import { oracles } from "../ops/oracles.js";

const folder = new URL("../../src/ops/", import.meta.url);

describe("the list of ops", () => {
  it("holds every op that a file of src/ops exports", async () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
    const modules = await Promise.all(files.map((file) => import(new URL(file, folder).pathname)));
    const exported = modules.flatMap((module) => [...opsOf(module).keys()]);
    const missing = [...new Set(exported)].filter((name) => !ops.has(name));
    expect(missing, "not in the list: add the file to src/ops/all.ts").toEqual([]);
    expect(ops.size).toBeGreaterThan(70);
  });

  it("is public: what is called as an op is exported, but for the half of a masked loss", () => {
    const functions = [...ops.values()].map(({ name }) => name).filter((name) => name in all);
    expect([...new Set(functions)].filter((name) => !(name in library))).toEqual(["keep"]);
    expect(functions.length).toBeGreaterThan(60);
  });

  it("has an oracle for every op of src/ops, and no other", () => {
    const missing = [...ops.keys()].filter((name) => !(name in oracles));
    expect(missing, "no oracle: add it to test/ops/<family>/*.oracles.ts").toEqual([]);
    expect(Object.keys(oracles).filter((name) => !ops.has(name))).toEqual([]);
  });

  it("has for every op a form in ONNX or a reason for none, and no other", () => {
    const names = new Set([...everyOp.values()].map(({ name }) => name)).add("constant");
    const known = [...Object.keys(onnxEntries), ...Object.keys(refusals)];
    const missing = [...names].filter((name) => !known.includes(name));
    expect(missing, "no form in ONNX: an entry of onnxEntries, or a reason in refusals, in src/onnx/ops.ts").toEqual(
      [],
    );
    expect(known.filter((name) => !names.has(name))).toEqual([]);
    expect(new Set(known).size).toBe(known.length);
  });
});
