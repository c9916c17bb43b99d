#!/usr/bin/env node
// The command `gradnoise`. Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n, 141 the reader of
// stdout went away: by a signal or a closed pipe it ends at a checkpoint.
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { type Experiment, experiments } from "../experiments/index.js";
import { experimentCommand } from "./experiment.js";
import { helpLayout, helpText } from "./help.js";
import { commandLine } from "./invocation.js";
import { columnsOf, wrap } from "./layout.js";
import { addOptions, otherOption, requestOf, wordsOf } from "./options.js";
import { oneLine, stdout, tell, whyStdout } from "./output.js";
import { CLOSED } from "./stop.js";

const FAILED = 1;
const WRONG_USAGE = 2;
const STOPPED = "2 wrong usage; 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by a hangup, 141 by a closed pipe.";
const EXIT_CODES = `Exit codes: 0 done; 1 failed, be it one run; ${STOPPED}`;

const program = new Command("gradnoise")
  .description("Train neural networks with annealed gradient noise.")
  .version(packageJson.version)
  .exitOverride()
  .showSuggestionAfterError(true)
  .configureHelp(helpLayout)
  .configureOutput({
    writeOut: (text) => stdout.print(text.trimEnd()),
    outputError: (text, write) => {
      const line = oneLine(text) + otherName(text);
      write(`${line}${/[.?)]$/.test(line) ? "" : "."} See: ${helpOf(process.argv.slice(2))}\n`);
    },
  });
helpText(program, {
  examples: [
    ["run deep-mlp", "20 layers learn from all-zero weights, by noise"],
    ["run deep-mlp --help", "every setting of it"],
    ["list", "what else there is to run"],
  ],
  notes: [EXIT_CODES],
});

/** Every experiment with its title, and how to run it. */
function showList(): void {
  const columns = columnsOf(process.stdout) ?? 80;
  const width = Math.max(...experiments.map(({ name }) => name.length));
  const indent = " ".repeat(width + 4);
  const lines = experiments.map(
    ({ name, title }) => `  ${name.padEnd(width)}  ${wrap(title, columns - width - 4, indent)}`,
  );
  stdout.print(
    [
      "Experiments:",
      ...lines,
      "",
      `Run one: ${commandLine(["run", experiments[0].name])}`,
      `Its settings: ${commandLine(["run", experiments[0].name, "--help"])}`,
    ].join("\n"),
  );
}

program.command("list").description("show the experiments there are").action(showList);
const run = program.command("run").description("run an experiment; without a name, show those there are");

function addExperiment(experiment: Experiment): void {
  const { name, title, about, source, presets, expected } = experiment;
  const command = run
    .command(name)
    .summary(title)
    .description(`${about}${source ? `\n\nSource: ${source}.` : ""}`)
    .action(async () => {
      process.exitCode = await experimentCommand(requestOf(command, experiment));
    });
  addOptions(command, experiment);
  helpText(command, {
    examples: Object.entries(presets).map(([preset, { about: finding }]) => [wordsOf(experiment, preset), finding]),
    notes: [
      "Ctrl-C stops at a checkpoint; the same command with --resume continues to the very same bits. So does a SIGTERM, a hangup of the terminal, or a reader of stdout that goes away.",
      expected ? `Exit codes: 0 all hold; 1 one does not, or failed; ${STOPPED}` : EXIT_CODES,
      "A run that diverges is a result, not a failure.",
    ],
  });
}
experiments.forEach(addExperiment);

/** What was meant by a name that only other programs know. */
function otherName(text: string): string {
  if (text.includes("Did you mean")) return "";
  const [, name] = process.argv.slice(2);
  const experiment = experiments.find((known) => known.name === name);
  const typed = /unknown option '--([\w-]+)/.exec(text)?.[1];
  const command = run.commands.find((known) => known.name() === name);
  const option = typed && experiment && command ? otherOption(command, experiment, typed) : undefined;
  if (option) return ` (Did you mean --${option}?)`;
  const unknown = /unknown command '([\w-]+)'/.exec(text)?.[1];
  return experiments.some((known) => known.name === unknown) ? ` (Did you mean run ${unknown}?)` : "";
}

function helpOf(words: readonly string[]): string {
  const experiment = words[0] === "run" ? run.commands.find((command) => command.name() === words[1]) : undefined;
  return commandLine([...(experiment ? ["run", experiment.name()] : []), "--help"]);
}

try {
  if (process.argv.slice(2).join(" ") === "run") showList();
  else await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
  else {
    tell(`error: ${oneLine(error)}`);
    process.exitCode = FAILED;
  }
}
await stdout.flushed();
if (stdout.failure && !process.exitCode) {
  if (!stdout.closed) tell(`error: ${whyStdout()}`);
  process.exitCode = stdout.closed ? CLOSED : FAILED;
}
