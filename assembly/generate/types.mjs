// The declarations that are published: what the public names reach, and nothing else. The compiler emits a file for every
// file of src, `@internal` members left out; of these, only statements stay that a public name leads to.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../", import.meta.url));
const out = join(root, "dist/types");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const entries = Object.values(manifest.exports).flatMap(({ types }) => (types ? [join(root, types)] : []));

/** What the compiler emits, by file. */
function emitted() {
  const files = new Map();
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(fileNames, { ...options, emitDeclarationOnly: true });
  const { diagnostics } = program.emit(undefined, (file, text) => files.set(file, text));
  const complaints = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (complaints.length === 0) return { files, options };
  console.error(ts.formatDiagnostics(complaints, ts.createCompilerHost(options)));
  process.exit(1);
}

const { files, options } = emitted();
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists, readFile } = host;
host.readFile = (file) => files.get(file) ?? readFile(file);
host.fileExists = (file) => files.has(file) || fileExists(file);
host.directoryExists = undefined; // a folder may be there only once this has run
host.getSourceFile = (file, ...rest) =>
  files.has(file) ? ts.createSourceFile(file, files.get(file), rest[0], true) : getSourceFile(file, ...rest);
const program = ts.createProgram(entries, { ...options, rootDir: undefined, noEmit: true }, host);
const checker = program.getTypeChecker();

/** Statements that stay, and the names that stay of imports and exports. */
const kept = new Set();
const isNamed = (node) => ts.isImportSpecifier(node) || ts.isExportSpecifier(node);
const isLinked = (node) => ts.isImportDeclaration(node) || ts.isExportDeclaration(node);

function statementOf(node) {
  let at = node;
  while (!ts.isSourceFile(at.parent)) at = at.parent;
  return at;
}

/** The file that an import or export names. */
function sourceOf({ moduleSpecifier }) {
  const symbol = moduleSpecifier && checker.getSymbolAtLocation(moduleSpecifier);
  return symbol?.declarations?.find(ts.isSourceFile);
}

/** Everything that a file says: all of an entry or a namespace, what one that is imported for its effect adds to others. */
const keepFile = (file, which = () => true) => file?.statements.filter(which).forEach(keep);
const adds = (statement) => ts.isModuleDeclaration(statement) && ts.isStringLiteral(statement.name);

const isStar = (statement) => ts.isExportDeclaration(statement) && !statement.exportClause;

/** Keeps a declaration, or a name of an import or export, and what it leads to. */
function keep(node) {
  if (kept.has(node)) return;
  if (isLinked(node)) {
    kept.add(node);
    const names = node.exportClause?.elements ?? node.importClause?.namedBindings?.elements;
    if (ts.isExportDeclaration(node)) {
      if (names) names.forEach(keep);
      else keepFile(sourceOf(node));
    } else if (!node.importClause) keepFile(sourceOf(node), adds);
    return;
  }
  kept.add(node);
  keepFile(node.getSourceFile(), isStar);
  if (isNamed(node)) {
    kept.add(statementOf(node));
    follow(node.propertyName ?? node.name);
    return;
  }
  const visit = (child) => {
    if (ts.isIdentifier(child)) follow(child);
    ts.forEachChild(child, visit);
  };
  visit(node);
}

/** Keeps what an identifier stands for, link by link: the imports and exports on the way stay too. */
function follow(identifier) {
  const named = ts.isExportSpecifier(identifier.parent) || ts.isImportSpecifier(identifier.parent);
  let symbol = checker.getSymbolAtLocation(identifier);
  if (named) symbol = checker.getSymbolAtLocation(identifier.parent.name);
  const seen = new Set();
  for (; symbol && !seen.has(symbol); ) {
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) {
      if (!files.has(declaration.getSourceFile().fileName)) continue;
      if (ts.isSourceFile(declaration)) keepFile(declaration);
      else keep(isNamed(declaration) ? declaration : statementOf(declaration));
    }
    symbol = symbol.flags & ts.SymbolFlags.Alias ? checker.getImmediateAliasedSymbol(symbol) : undefined;
  }
}

for (const entry of entries) keepFile(program.getSourceFile(entry));

/** A statement as it is, or with the names alone that stay. */
function print(statement) {
  const text = statement.getFullText();
  const names = statement.exportClause?.elements ?? statement.importClause?.namedBindings?.elements;
  if (!names) return text;
  const list = names.filter((name) => kept.has(name)).map((name) => name.getText());
  const from = names.pos - statement.pos;
  return `${text.slice(0, from)} ${list.join(", ")} ${text.slice(names.end - statement.pos).trimStart()}`;
}

rmSync(out, { recursive: true, force: true });
for (const [file] of files) {
  const statements = program.getSourceFile(file)?.statements.filter((statement) => kept.has(statement)) ?? [];
  if (statements.length === 0) continue;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${statements.map(print).join("").trimStart()}\n`);
}
