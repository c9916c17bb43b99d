// What the module exports, read from the assembly by the compiler's own parser: names, parameters, result and comment of each.
// The build makes the typed face of it, and the tests what they ask of every export.
import { existsSync, readFileSync } from "node:fs";
import { newOptions, newProgram, nextFile, parse } from "assemblyscript";

const at = (path) => new URL(`../../${path}`, import.meta.url);
const ENTRY = "assembly/index.ts";

/** The signatures of all exports, file by file and in each in its order. Throws where an export is no function. */
export function readSignatures() {
  const program = newProgram(newOptions());
  const read = (path) => (existsSync(at(path)) ? readFileSync(at(path), "utf8") : null);
  parse(program, read(ENTRY), ENTRY, true);
  for (let file = nextFile(program); file !== null; file = nextFile(program))
    parse(program, read(`${file}.ts`), `${file}.ts`, false);
  const sources = new Map(program.sources.map((source) => [source.internalPath, source]));

  const signatureOf = (source, name, declaration) => {
    if (declaration?.signature === undefined)
      throw new Error(`${ENTRY}: no signature is found for the export ${name} in ${source?.normalizedPath}`);
    const { parameters, returnType } = declaration.signature;
    const before = source.text.slice(0, declaration.range.start).trimEnd();
    return {
      name,
      position: declaration.range.start,
      file: source.normalizedPath.replace(/^assembly\//, ""),
      comment: before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : "",
      parameters: parameters.map((parameter) => ({ name: parameter.name.text, type: textOf(parameter.type) })),
      result: textOf(returnType),
    };
  };
  const textOf = ({ range }) => range.source.text.slice(range.start, range.end);
  const declared = (source, name) => source?.statements.find((statement) => statement.name?.text === name);

  const entry = sources.get("assembly/index");
  const found = entry.statements.flatMap((statement) => {
    if (statement.members) {
      const source = sources.get(statement.internalPath);
      return statement.members.map(({ localName, exportedName }) =>
        signatureOf(source, exportedName.text, declared(source, localName.text)),
      );
    }
    return statement.signature ? [signatureOf(entry, statement.name.text, statement)] : [];
  });
  return found.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.position - b.position));
}
