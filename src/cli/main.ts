#!/usr/bin/env node
// The command `gradnoise`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted at a checkpoint.
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { deepMlpCommand } from "./deep-mlp.js";
import { type DigitsCheckOptions, digitsCheckCommand } from "./digits-check.js";
import { addDeepMlpOptions, type DeepMlpOptions, integerParser } from "./options.js";
import { oneLine } from "./run-folder.js";

const FAILED = 1;
const WRONG_USAGE = 2;

const program = new Command("gradnoise")
  .description("Train neural networks with annealed gradient noise.")
  .version(packageJson.version)
  .exitOverride()
  .showSuggestionAfterError(true)
  .configureOutput({
    outputError: (text, write) => {
      const line = oneLine(text);
      write(`${line}${/[.?)]$/.test(line) ? "" : "."} See: ${helpOf(process.argv.slice(2))}\n`);
    },
  })
  .addHelpText(
    "after",
    `
Examples:
  gradnoise run deep-mlp           20 layers learn from all-zero weights, by noise
  gradnoise run deep-mlp --help    every setting of it
  gradnoise run digits-check       how hard the drawn digits are`,
  );

const run = program.command("run").description("run an experiment");

addDeepMlpOptions(
  run
    .command("deep-mlp")
    .summary("a very deep network on digits, with gradient noise and without")
    .description(`Train a very deep ReLU network on digits, with gradient noise and without.

Gradient noise is N(0, eta / (1 + t)^gamma), added to every gradient after
clipping (Neelakantan et al. 2015, arXiv 1511.06807). By default: 20 hidden
layers from all-zero weights, on digits that need no download, three seeds.`),
)
  .addHelpText(
    "after",
    `
Examples:
  gradnoise run deep-mlp
      the defaults: noise makes the all-zero start learn, without it nothing moves
  gradnoise run deep-mlp --init he --seed 1 --steps 2000
      a good start needs no noise
  gradnoise run deep-mlp --data mnist/ --steps 8000 --json > runs.jsonl
      on the four files of MNIST in mnist/, for another program
  gradnoise run deep-mlp --data mnist/ --init simple --bias 0.1 --eta 0.01 \\
      --steps 20000 --out simple/
      experiment 3 of the paper's Table 1, with log and checkpoints in simple/

Ctrl-C stops at a checkpoint (exit code 130); the same command with
--resume continues to the very same bits.
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
A run that diverges is a result, not a failure.`,
  )
  .action(async (options: DeepMlpOptions) => {
    process.exitCode = await deepMlpCommand(options);
  });

run
  .command("digits-check")
  .summary("how hard the drawn digits are")
  .description("Train a linear model and the paper's network on the drawn digits: <= 90 % and >= 97 % are expected.")
  .option("--seed <integer>", "of both", integerParser(0, "1"), 1)
  .option("--json", "JSON lines on stdout, the last one a summary")
  .option("--quiet", "print the results only")
  .action(async (options: DigitsCheckOptions) => {
    process.exitCode = await digitsCheckCommand(options);
  });

function helpOf(words: readonly string[]): string {
  const experiment = words[0] === "run" ? run.commands.find((command) => command.name() === words[1]) : undefined;
  return ["gradnoise", ...(experiment ? ["run", experiment.name()] : []), "--help"].join(" ");
}

// a reader that has seen enough (| head) is no failure
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
  else {
    process.stderr.write(`error: ${oneLine(error)}\n`);
    process.exitCode = FAILED;
  }
}
