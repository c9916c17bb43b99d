#!/usr/bin/env node
// The command `gradnoise`. Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n, 141 the reader of
// stdout went away: by a signal or a closed pipe it ends at a checkpoint.
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { deepMlpCommand } from "./deep-mlp.js";
import { type DigitsCheckOptions, digitsCheckCommand } from "./digits-check.js";
import { helpLayout, helpText } from "./help.js";
import { commandLine } from "./invocation.js";
import { addDeepMlpOptions, type DeepMlpOptions, integerParser, OTHER_OPTIONS } from "./options.js";
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
    ["run digits-check", "how hard the drawn digits are"],
  ],
  notes: [EXIT_CODES],
});

const run = program.command("run").description("run an experiment");

const deepMlp = run
  .command("deep-mlp")
  .summary("a very deep network on digits, with gradient noise and without")
  .description(`Train a very deep ReLU network on digits, with gradient noise and without.

Gradient noise is N(0, eta / (1 + t)^gamma), added to every gradient after clipping (Neelakantan et al. 2015, arXiv 1511.06807). By default: 20 hidden layers from all-zero weights, on digits that need no download, three seeds.`)
  .action(async (options: DeepMlpOptions) => {
    process.exitCode = await deepMlpCommand(options);
  });
addDeepMlpOptions(deepMlp);
helpText(deepMlp, {
  examples: [
    ["run deep-mlp", "the defaults: noise makes the all-zero start learn, without it nothing moves"],
    ["run deep-mlp --init he --seed 1 --steps 2000", "a good start needs no noise"],
    ["run deep-mlp --data mnist/ --steps 8000 --json", "on the four files of MNIST in mnist/, for another program"],
    [
      "run deep-mlp --data mnist/ --init simple --bias 0.1 --eta 0.01 --steps 20000 --out simple/",
      "experiment 3 of the paper's Table 1, with log and checkpoints in simple/",
    ],
  ],
  notes: [
    "Ctrl-C stops at a checkpoint; the same command with --resume continues to the very same bits. So does a SIGTERM, a hangup of the terminal, or a reader of stdout that goes away.",
    EXIT_CODES,
    "A run that diverges is a result, not a failure.",
  ],
});

const digitsCheck = run
  .command("digits-check")
  .summary("how hard the drawn digits are")
  .description("Train a linear model and the paper's network on the drawn digits: <= 90 % and >= 97 % are expected.")
  .option("--seed <integer>", "of both", integerParser(0, "1"), 1)
  .option("--json", "JSON lines on stdout, the last one a summary")
  .option("--quiet", "print the results only")
  .action(async (options: DigitsCheckOptions) => {
    process.exitCode = await digitsCheckCommand(options);
  });
helpText(digitsCheck, {
  notes: [`Exit codes: 0 both hold; 1 one does not, or it failed; ${STOPPED}`],
});

/** What was meant by a name that only other programs know. */
function otherName(text: string): string {
  const option = OTHER_OPTIONS[/unknown option '--([\w-]+)/.exec(text)?.[1] ?? ""];
  if (option && !text.includes("Did you mean")) return ` (Did you mean --${option}?)`;
  const command = /unknown command '([\w-]+)'/.exec(text)?.[1];
  return run.commands.some((known) => known.name() === command) && !text.includes("Did you mean")
    ? ` (Did you mean run ${command}?)`
    : "";
}

function helpOf(words: readonly string[]): string {
  const experiment = words[0] === "run" ? run.commands.find((command) => command.name() === words[1]) : undefined;
  return commandLine([...(experiment ? ["run", experiment.name()] : []), "--help"]);
}

try {
  await program.parseAsync();
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
