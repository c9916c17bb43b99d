// The package as a stranger gets it: packed, and installed from the tarball into an empty folder, without a network.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import type { TestProject } from "vitest/node";

const root = fileURLToPath(new URL("../..", import.meta.url));
const npm = (cwd: string, ...words: string[]): string => execFileSync("npm", words, { cwd, encoding: "utf8" });

declare module "vitest" {
  interface ProvidedContext {
    /** The folder that has gradnoise installed, app.ts, and app.js made of it. */
    app: string;
  }
}

/** The newest change below a folder of the project. */
function newest(folder: string): number {
  return Math.max(
    ...readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

export default function setup(project: TestProject): () => void {
  if (newest("src") > statSync(join(root, "dist/index.js")).mtimeMs)
    throw new Error("test:package: dist is older than src, so other code than src's would be tested. npm run build");
  const app = mkdtempSync(join(tmpdir(), "gradnoise-app-"));
  const [{ filename }] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", app));
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module" }));
  npm(app, "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", `./${filename}`);
  const source = fileURLToPath(new URL("app.ts", import.meta.url));
  cpSync(source, join(app, "app.ts"));
  writeFileSync(join(app, "app.js"), transformSync(readFileSync(source, "utf8"), { loader: "ts" }).code);
  project.provide("app", app);
  return () => rmSync(app, { recursive: true, force: true });
}
