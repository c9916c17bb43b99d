// The house rules a machine can see: floors, environments, module state, file sizes, the top level.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

function files(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.name === "node_modules"
      ? []
      : entry.isDirectory()
        ? files(join(folder, entry.name))
        : [join(folder, entry.name)],
  );
}

const generated = ["src/wasm/bytes.ts", "src/wasm/kernels.ts", "assembly/product/tiles.ts"];
const sources = files("src").filter((file) => file.endsWith(".ts") && !generated.includes(file));
const read = (file: string): string => readFileSync(join(root, file), "utf8");

const floors: Record<string, number> = {
  base: 1,
  wasm: 2,
  core: 3,
  ops: 4,
  inspect: 4,
  autodiff: 5,
  files: 5,
  optim: 6,
  nn: 6,
  data: 6,
  train: 7,
  onnx: 8,
  experiments: 8,
  jobs: 9,
  node: 10,
  cli: 11,
};
const floorOf = (file: string): string => relative("src", file).split("/")[0];

function imports(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export)\b(?:[^;"=(]*\bfrom)? "([^"]+)"/gm)].map((match) => match[1]);
}

const insideImports = (file: string): string[] =>
  imports(file)
    .filter((name) => name.startsWith(".") && !name.endsWith(".json"))
    .map((name) => join(dirname(file), name));

describe("floors", () => {
  it("every folder of src has a floor", () => {
    expect(readdirSync(join(root, "src")).filter((name) => !name.endsWith(".ts") && !(name in floors))).toEqual([]);
  });

  it("a file imports its own folder or lower floors only", () => {
    const wrong = sources.flatMap((file) =>
      insideImports(file)
        .filter((target) => {
          const from = floorOf(file);
          const to = floorOf(target);
          return from !== to && !(floors[to] < (floors[from] ?? 99));
        })
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("only the floor wasm touches WebAssembly", () => {
    expect(
      sources.filter(
        (file) =>
          floorOf(file) !== "wasm" &&
          /\bWebAssembly\.(?!Memory\b)/.test(read(file).replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "")),
      ),
    ).toEqual([]);
  });

  it("nothing below the floor node knows Node or a page", () => {
    const low = sources.filter((file) => (floors[floorOf(file)] ?? 8) < 10);
    expect(low.filter((file) => imports(file).some((name) => name.startsWith("node:")))).toEqual([]);
    const code = (file: string): string => read(file).replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "");
    expect(low.filter((file) => /\b(process|Buffer|window|document)\./.test(code(file)))).toEqual([]);
  });

  it("the published library takes from outside only what is bundled into it", () => {
    const low = sources.filter((file) => (floors[floorOf(file)] ?? 8) < 10);
    expect(low.flatMap((file) => imports(file).filter((name) => !name.startsWith(".")))).toEqual(["fflate"]);
    const manifest = JSON.parse(read("package.json"));
    expect(manifest.dependencies ?? {}).toEqual({});
  });

  it("module-level mutable state lives in core/scope and wasm/runtime alone", () => {
    const low = sources.filter((file) => (floors[floorOf(file)] ?? 8) < 10);
    expect(low.filter((file) => /^(export )?let /m.test(read(file)))).toEqual([
      "src/core/scope.ts",
      "src/wasm/runtime.ts",
    ]);
  });

  it("no JavaScript transcendental reaches a tensor", () => {
    const low = sources.filter((file) => (floors[floorOf(file)] ?? 8) < 10);
    const forbidden = /\bMath\.(exp|log\w*|pow|sin|cos|tan\w*|sinh|cosh|expm1|cbrt|hypot|random)\b|\*\* /;
    expect(
      low.filter((file) =>
        forbidden.test(
          read(file)
            .replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "")
            .replace(/\b2 \*\* -?\d+/g, ""),
        ),
      ),
      "Math.pow, ** and their like differ between engines: take pow, exp, sin of core/random, 1 << n for a count",
    ).toEqual([]);
  });
});

describe("the house", () => {
  it("no file is over 400 lines", () => {
    const all = ["src", "assembly", "test"]
      .flatMap(files)
      .filter((file) => /\.(ts|mjs|py)$/.test(file) && !generated.includes(file));
    expect(all.filter((file) => read(file).split("\n").length > 401)).toEqual([]);
  });

  it("every source file opens with what it is", () => {
    const all = [...sources, ...files("assembly").filter((file) => file.endsWith(".ts") && !generated.includes(file))];
    expect(all.filter((file) => !/^(#!.*\n)?\/\/ /.test(read(file)))).toEqual([]);
  });

  it("the top level holds the agreed names only", () => {
    const agreed =
      /^(package(-lock)?\.json|tsconfig\.json|asconfig\.json|biome\.json|vitest\.config\.ts|README\.md|ARCHITECTURE\.md|CHANGELOG\.md|LICENSE|assembly|src|test|dist|node_modules|\..*)$/;
    expect(readdirSync(root).filter((name) => !agreed.test(name) && !name.endsWith(".tgz"))).toEqual([]);
  });

  it("the lock file names no registry host", () => {
    expect(/"resolved": "https?:/.test(read("package-lock.json"))).toBe(false);
  });

  it("the kernels import nothing", () => {
    const module = new WebAssembly.Module(readFileSync(join(root, "dist/gradnoise.wasm")));
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });

  it("the module inlined in the library is the one in dist", () => {
    const packed = /"([A-Za-z0-9+/=]{100,})"/.exec(read("src/wasm/bytes.ts"))?.[1] ?? "";
    expect(inflateRawSync(Buffer.from(packed, "base64")).equals(readFileSync(join(root, "dist/gradnoise.wasm")))).toBe(
      true,
    );
  });
});
