// What is shipped, as it was built: the entry is neutral, and bundlers are told truly which files work by being imported.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vite";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const manifest = JSON.parse(read("package.json"));
const shipped = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".js"))
  .map((file) => `./dist/${file}`);

const parsed = new Map<string, string[]>();

/** What a built file imports, wherever and however: the names, as the language's own parser sees them. */
function imports(file: string): string[] {
  const found: string[] = parsed.get(file) ?? [];
  const visit = (node: any): void => {
    if (typeof node !== "object" || node === null) return;
    if (/^(Import(Declaration|Expression)|Export(Named|All)Declaration)$/.test(node.type) && node.source)
      found.push(node.source.value ?? "computed");
    if (node.type === "CallExpression" && /^(require|createRequire)$/.test(node.callee.name))
      found.push(`${node.callee.name}(${node.arguments[0]?.value ?? ""})`);
    for (const child of Object.values(node)) visit(child);
  };
  if (!parsed.has(file)) visit(parseAst(read(file)).body);
  parsed.set(file, found);
  return found;
}

/** The file and all that it reaches within dist. */
function reached(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const name of imports(entry)) if (name.startsWith(".")) reached(`./${join(entry, "..", name)}`, seen);
  return seen;
}

const entries = [
  "./dist/index.js",
  "./dist/onnx.js",
  "./dist/paper.js",
  "./dist/gradnoise.esm.min.js",
  "./dist/gradnoise.min.js",
];

describe("the built library", () => {
  it.each(entries)("reaches nothing outside itself from %s", (entry) => {
    const outside = [...reached(entry)].flatMap((file) => imports(file).filter((name) => !name.startsWith(".")));
    expect(outside).toEqual([]);
  });

  it("is told to bundlers as it is: what gives tensors their methods is not free of side effects", () => {
    const patterns: string[] = manifest.sideEffects;
    const matches = (pattern: string, file: string): boolean =>
      new RegExp(`^${pattern.replace(/[.]/g, "\\.").replace(/\*/g, "[^/]*")}$`).test(file);
    const holders = shipped.filter((file) => /Object\.defineProperty\(Tensor\.prototype/.test(read(file)));
    expect(holders.length).toBe(1);
    // every file on the way from an entry to it must count: a bundler drops the import of a file that does not
    const needed = ["./dist/index.js", "./dist/node.js", "./dist/onnx.js", "./dist/paper.js"].flatMap((entry) =>
      [...reached(entry)].filter((file) => holders.some((holder) => reached(file).has(holder))),
    );
    expect(needed.filter((file) => !patterns.some((pattern) => matches(pattern, file)))).toEqual([]);
    expect(patterns.filter((pattern) => !shipped.some((file) => matches(pattern, file)))).toEqual([]);
  });

  it("names shipped files only in package.json", () => {
    const named: string[] = [];
    const visit = (value: unknown): void => {
      if (typeof value === "string" && /^(\.\/)?dist\//.test(value)) named.push(value);
      else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
    };
    visit([manifest.exports, manifest.main, manifest.types, manifest.unpkg, manifest.jsdelivr, manifest.bin]);
    expect(named.length).toBeGreaterThan(8);
    for (const file of named) expect(() => read(file)).not.toThrow();
  });
});
