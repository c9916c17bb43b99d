// The public names, as the TypeScript compiler sees them: what the entries export, and what their namespaces hold.
import { fileURLToPath } from "node:url";
import ts from "typescript";

export interface PublicName {
  /** As a user writes it: "matmul", "nn.linear". */
  readonly name: string;
  /** Of the file it is declared in, below src/: "ops", "nn". */
  readonly folder: string;
  readonly kind: "function" | "type" | "value";
  readonly doc: string;
}

const root = fileURLToPath(new URL("../../src/", import.meta.url));

function docOf(declaration: ts.Declaration): string {
  // of a const, the comment stands before the statement
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const last = comments[comments.length - 1];
  return last ? last.getFullText().replace(/^\s*\/?\*+\/? ?|\s*\*+\/$/gm, "") : "";
}

export function publicNames(): PublicName[] {
  const entries = ["index.ts", "onnx/index.ts", "paper.ts", "node/index.ts"].map((file) => root + file);
  const program = ts.createProgram(entries, { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext });
  const checker = program.getTypeChecker();
  const out: PublicName[] = [];
  const resolve = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const visit = (symbol: ts.Symbol, prefix: string): void => {
    const own = resolve(symbol);
    const name = prefix + symbol.name;
    const declaration = own.declarations?.[0];
    if (!declaration) throw new Error(`${name}: no declaration`);
    if (own.flags & ts.SymbolFlags.ValueModule) {
      for (const inner of checker.getExportsOfModule(own)) visit(inner, `${name}.`);
      return;
    }
    const folder = declaration.getSourceFile().fileName.slice(root.length).split("/").slice(0, -1).join("/");
    const isValue = (own.flags & ts.SymbolFlags.Value) !== 0;
    const type = isValue ? checker.getTypeOfSymbolAtLocation(own, declaration) : undefined;
    const isFunction = (type?.getCallSignatures().length ?? 0) > 0;
    if (!isFunction && isValue && ts.isVariableDeclaration(declaration) && declaration.initializer) {
      // an object of functions, such as random: each is a name of its own
      const { initializer } = declaration;
      if (ts.isObjectLiteralExpression(initializer))
        for (const property of initializer.properties) {
          const target = ts.isShorthandPropertyAssignment(property)
            ? checker.getShorthandAssignmentValueSymbol(property)
            : ts.isPropertyAssignment(property)
              ? checker.getSymbolAtLocation(property.initializer)
              : undefined;
          const found = target && original(target);
          const at = found?.declarations?.[0];
          if (property.name && at)
            out.push({ name: `${name}.${property.name.getText()}`, folder: "core", kind: "function", doc: docOf(at) });
        }
    }
    const kind = isFunction ? "function" : isValue ? "value" : "type";
    out.push({ name, folder, kind, doc: docOf(declaration) });
  };
  /** Through `const { exp: scalarExp } = randomAll` to the function itself. */
  const original = (symbol: ts.Symbol): ts.Symbol | undefined => {
    const own = resolve(symbol);
    const declaration = own.declarations?.[0];
    if (declaration && ts.isBindingElement(declaration)) {
      const source = (declaration.propertyName ?? declaration.name) as ts.Identifier;
      const from = checker.getTypeAtLocation(declaration.parent);
      const property = from.getProperty(source.text);
      return property && resolve(property);
    }
    return own;
  };
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    for (const symbol of checker.getExportsOfModule(module)) visit(symbol, "");
  }
  return out;
}
