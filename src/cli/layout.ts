// Tables and texts in the width there is.
import Table from "cli-table3";

/** Columns of a terminal; undefined where output goes elsewhere and may be as wide as it likes. */
export function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.columns || 80 : undefined;
}

export function wrap(text: string, columns: number, indent = ""): string {
  let line = "";
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const room = columns - (lines.length > 0 ? indent.length : 0);
    if (line && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line += (line && " ") + word;
  }
  return [...lines, line].join(`\n${indent}`);
}

/** A command on several lines that a shell takes as one, an option to its value. */
export function wrapCommand(command: string, columns: number): string {
  const glue = "\0";
  const parts = command.replace(/ (?!-)/g, glue);
  const lines = wrap(parts.length > columns ? parts : command, columns - 2, "    ").replaceAll(glue, " ");
  return /['"]/.test(command) ? command : lines.replaceAll("\n", " \\\n");
}

export interface Column {
  readonly head: string;
  readonly align: "left" | "right";
}

const NARROWEST = 20; // of a first column that is wrapped

/**
 * A table in `columns`: as it is where it fits, else with its first column wrapped, else row by row as a list.
 * `paint` is for the heads.
 */
export function fitTable(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
  paint: (text: string) => string = (text) => text,
): string {
  const widths = heads.map(({ head }, i) => Math.max(head.length, ...rows.map((row) => row[i].length)));
  const others = widths.slice(1).reduce((sum, width) => sum + width + 3, 0);
  const first = columns === undefined ? widths[0] : Math.min(widths[0], columns - others - 4);
  if (first < Math.min(NARROWEST, widths[0])) return list(heads, rows, columns!, paint);
  const table = new Table({
    head: heads.map(({ head }, i) => (i === 0 ? head : paint(head))),
    colAligns: heads.map(({ align }) => align),
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [first + 2, ...widths.slice(1).map((width) => width + 2)],
  });
  for (const row of rows) table.push([...row]);
  return table.toString();
}

function list(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  columns: number,
  paint: (text: string) => string,
): string {
  const width = Math.max(...heads.slice(1).map(({ head }) => head.length));
  return [
    wrap(heads[0].head, columns),
    ...rows.flatMap((row) => [
      wrap(row[0].trim(), columns, "  "),
      ...heads.slice(1).map(({ head }, i) => `  ${paint(head)}${" ".repeat(width - head.length)}  ${row[i + 1]}`),
    ]),
  ].join("\n");
}
