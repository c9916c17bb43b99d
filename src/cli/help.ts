// Help in the width of the terminal: prose is wrapped, and where room is short an option's text stands below it.
import type { Command, Help } from "commander";
import { commandLine } from "./invocation.js";
import { wrap, wrapCommand } from "./layout.js";

const NARROW = 66; // columns; below, two columns of text are too slim to read

interface HelpText {
  /** Words of a command, and what it does. */
  readonly examples?: readonly (readonly [words: string, text: string])[];
  readonly notes?: readonly string[];
}

export const helpLayout = {
  minWidthToWrap: 20,
  formatItem(term: string, termWidth: number, description: string, helper: Help): string {
    const columns = helper.helpWidth ?? 80;
    if (columns >= NARROW) {
      const text = helper
        .boxWrap(description, columns - termWidth - 4)
        .replaceAll("\n", `\n${" ".repeat(termWidth + 4)}`);
      return `  ${term.padEnd(termWidth)}  ${text}`.trimEnd();
    }
    return `  ${term}\n      ${wrap(description, columns - 6, "").replaceAll("\n", "\n      ")}`.trimEnd();
  },
};

/** Adds examples, as they can be typed here, and notes to the end of a command's help. */
export function helpText(command: Command, { examples = [], notes = [] }: HelpText): void {
  command.addHelpText("after", () => {
    const columns = (process.stdout.isTTY && process.stdout.columns) || 80;
    const below = (text: string, indent: string): string =>
      indent + wrap(text, columns - indent.length).replaceAll("\n", `\n${indent}`);
    const shown = examples.map(([words, text]) => {
      const command = wrapCommand(commandLine(words.split(" ")), columns - 2).replaceAll("\n", "\n  ");
      return `  ${command}\n${below(text, "      ")}`;
    });
    return `\n${[
      ...(shown.length > 0 ? [`Examples:\n${shown.join("\n")}`] : []),
      ...notes.map((note) => wrap(note, columns)),
    ].join("\n\n")}`;
  });
}
