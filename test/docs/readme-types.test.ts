// The README's programs in strict TypeScript, against the declarations that are shipped, as a bundler and as Node find them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, "README.md"), "utf8");
const programs = [...text.matchAll(/```(?:js|ts)\n([\s\S]*?)```/g)].map((match) => match[1]);
const folder = mkdtempSync(join(tmpdir(), "gradnoise-strict-"));
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules", "gradnoise"), "dir");
writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler complains of, in all of `sources` together. */
function complaints(sources: readonly string[], resolution: ts.CompilerOptions): string {
  const files = sources.map((source, i) => {
    const file = join(folder, `program-${i}.ts`);
    writeFileSync(file, source);
    return file;
  });
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
    ...resolution,
  });
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), {
    getCanonicalFileName: (file) => file,
    getCurrentDirectory: () => folder,
    getNewLine: () => "\n",
  });
}

const bundler = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const node = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };

describe("the README's programs", () => {
  it("are three or more", () => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
  });

  it("compile as they stand under a bundler's resolution", () => {
    expect(complaints(programs, bundler)).toBe("");
  });

  it("compile as they stand under Node's resolution", () => {
    expect(complaints(programs, node)).toBe("");
  });

  it("are checked down to the batch: a misspelt method in the first one's loss is an error", () => {
    const first = programs[0].replace("model.apply(params, x), y),", "x.rehsape([1]), y),");
    expect(complaints([first], bundler)).toContain("Property 'rehsape' does not exist on type 'Tensor'");
  });
});
