// The declarations that are shipped: they hold what the public names lead to, and of the main classes what a user may use.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "dist/types/");
const manifest: { exports: { [name: string]: { types?: string } } } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const entries = Object.values(manifest.exports).flatMap(({ types }) => (types ? [join(root, types)] : []));
const program = ts.createProgram(entries, {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts"],
  types: [],
  module: ts.ModuleKind.NodeNext,
});
const checker = program.getTypeChecker();

const resolved = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Every public name with its symbol, those of namespaces as "optim.sgd". */
function publicSymbols(): Map<string, ts.Symbol> {
  const found = new Map<string, ts.Symbol>();
  const visit = (module: ts.Symbol, prefix: string): void => {
    for (const symbol of checker.getExportsOfModule(module)) {
      const own = resolved(symbol);
      if (own.flags & ts.SymbolFlags.ValueModule) visit(own, `${prefix}${symbol.name}.`);
      else found.set(prefix + symbol.name, own);
    }
  };
  for (const entry of entries) visit(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!, "");
  return found;
}

const symbols = publicSymbols();

/** What completion offers on a value of this type. */
function membersOf(name: string): string[] {
  const members = checker.getDeclaredTypeOfSymbol(symbols.get(name)!).getProperties();
  return members.map((member) => member.name).filter((member) => member !== "#private");
}

const words = (text: string): string[] => text.trim().split(/\s+/).sort();

describe("the shipped declarations", () => {
  it("type-check by themselves, without a page's and without Node's types", () => {
    const messages = ts.getPreEmitDiagnostics(program).map(({ messageText, file }) => [file?.fileName, messageText]);
    expect(messages).toEqual([]);
  });

  it("hold no file that the public names do not lead to", () => {
    const reached = new Set(program.getSourceFiles().map(({ fileName }) => fileName));
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
    expect(files.filter((file) => !reached.has(join(folder, file)))).toEqual([]);
    expect(files.filter((file) => /^(cli|core\/(scope|tape|value)|wasm\/(kernels|memory))/.test(file))).toEqual([]);
  });

  it.each([
    [
      "Tensor",
      "shape dtype rank size isHost data item toArray toJSON toString add sub mul div neg matmul sum mean max reshape transpose slice",
    ],
    ["Trainer", "steps step evaluate predict run params average setParams inspect memory checkpoint restore"],
    [
      "ParameterBlock",
      "segments length ranges values updates changed select allocateSlot each eachPiece segmentSquares norm",
    ],
    ["Segment", "path offset length shape"],
    ["Slot", "length data"],
    ["data.Dataset", "columns size batches take split rows"],
    ["optim.GradientTransform", "description last kind parts init prepare observe update"],
    ["optim.OptimizerState", "block state t pending"],
    ["LossContext", "step key training state"],
    ["nn.Layer", "init apply"],
    ["nn.StatefulLayer", "init start apply"],
    ["nn.Cell", "init start apply"],
    ["nn.RecurrentLayer", "init start apply run"],
    ["Key", "low high"],
  ])("show of %s what a user may use", (name, expected) => {
    expect(membersOf(name).sort()).toEqual(words(expected));
  });

  it("name no internal among the members of any public type", () => {
    const internal = /^(host|source|run|scope|gradient|checkAlive|describe|runtime|pointer|\w+Pointer|leaves)$/;
    const meant = new Set(
      "Trainer.run nn.RecurrentLayer.run LeafReport.gradient Definition.source Experiment.source Report.describe".split(
        " ",
      ),
    );
    const found = [...symbols.keys()].flatMap((name) => {
      if (!(symbols.get(name)!.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) return [];
      return membersOf(name).flatMap((member) => (internal.test(member) ? [`${name}.${member}`] : []));
    });
    expect(found.filter((name) => !meant.has(name))).toEqual([]);
  });

  it("let nobody make by hand what only the library can make", () => {
    for (const name of ["Slot", "data.Dataset"]) {
      const type = checker.getTypeOfSymbol(symbols.get(name)!);
      const [construct] = type.getConstructSignatures();
      const flags = construct?.declaration ? ts.getCombinedModifierFlags(construct.declaration) : 0;
      expect(flags & ts.ModifierFlags.Private).not.toBe(0);
    }
  });
});
