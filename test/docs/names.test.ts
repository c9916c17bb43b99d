// The README's table names everything a program can call: what is in a namespace, in the namespace's row.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { publicNames } from "./public-names.js";

const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const section = /## The API on one page\n([\s\S]*?)\n## /.exec(text)?.[1] ?? "";
const codesOf = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
const rows = [...section.matchAll(/^\| \*\*(.+?)\*\* \| (.+) \|$/gm)].map(([, name, cell]) => ({
  name,
  words: new Set(codesOf(cell).flatMap((code) => code.match(/\w+/g) ?? [])),
  /** Of code that is nothing but names in a row. */
  lists: codesOf(cell).flatMap((code) => (/^\w+( \w+)+$/.test(code) ? code.split(" ") : [])),
}));

const all = publicNames();
/** Types go with the functions that take them. */
const names = all.filter(({ kind }) => kind !== "type");

/** A namespace's own row, or any row for what is in none; a row's name counts. */
function isNamed(name: string): boolean {
  if (rows.some((row) => row.name === name)) return true;
  const dot = name.lastIndexOf(".");
  const space = name.slice(0, Math.max(0, dot));
  return rows.some((row) => (space === "" || row.name === space) && row.words.has(name.slice(dot + 1)));
}

describe("README.md", () => {
  it("names every function and value in its table", () => {
    const missing = names.filter(({ name }) => !isNamed(name)).map(({ name }) => name);
    expect(missing, 'not in the README\'s table "The API on one page": add it to the row of its family').toEqual([]);
  });

  it("lists nothing in its table that is not there", () => {
    const known = new Set(all.map(({ name }) => name));
    const missing = rows.flatMap((row) =>
      row.lists
        .filter((word) => !known.has(word) && !known.has(`${row.name}.${word}`))
        .map((word) => `${row.name}: ${word}`),
    );
    expect(missing).toEqual([]);
  });

  it("has a row for every namespace", () => {
    const spaces = new Set(names.map(({ name }) => name.slice(0, Math.max(0, name.lastIndexOf(".")))).filter(Boolean));
    expect([...spaces].filter((space) => !rows.some((row) => row.name === space))).toEqual([]);
  });

  it("has no row without code", () => {
    expect(rows.filter(({ words }) => words.size === 0)).toEqual([]);
    expect(rows.length).toBeGreaterThan(15);
  });
});
