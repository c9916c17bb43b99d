// A stranger's folder that has gradnoise in node_modules, and what the compiler says of the strict programs in it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gradnoise-strict-"));
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules", "gradnoise"), "dir");
writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const bundler = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
export const node = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };

/** The complaints about each program, in order; all are checked in one go. */
export function complaints(sources: readonly string[], resolution: ts.CompilerOptions = bundler): string[][] {
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
  const out: string[][] = sources.map(() => []);
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const at = files.findIndex((name) => file && basename(name) === basename(file.fileName));
    out[Math.max(at, 0)].push(ts.flattenDiagnosticMessageText(messageText, "\n"));
  }
  return out;
}
