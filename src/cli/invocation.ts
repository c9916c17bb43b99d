// The command as people can type it where they are: in a clone nothing is called gradnoise.
import { delimiter, dirname, relative, sep } from "node:path";
import { clean } from "./output.js";

type Environment = { readonly [name: string]: string | undefined };

const plain = /^[\w./:=,@%+-]+$/;

/** A word for a shell; what a terminal must not see is spelt out, as $'...' has it. */
export function quote(word: string): string {
  if (plain.test(word)) return word;
  if (clean(word) === word) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${clean(word.replace(/[\\']/g, "\\$&"))}'`;
}

/** The program alone: "gradnoise", "npx gradnoise", or "node dist/cli.js". */
function program(script: string, environment: Environment): string {
  if (environment.npm_command === "exec") return "npx gradnoise";
  if (/[\\/]node_modules[\\/](\.bin|gradnoise[\\/]dist)[\\/][^\\/]+$/.test(script)) return "npx gradnoise";
  if (/(^|[\\/])gradnoise$/.test(script) && (environment.PATH ?? "").split(delimiter).includes(dirname(script)))
    return "gradnoise";
  const near = relative(process.cwd(), script);
  return `node ${quote(near.startsWith("..") ? script : near.split(sep).join("/"))}`;
}

/** A command line that runs these words, in the way in which this process was started. */
export function commandLine(
  words: readonly string[],
  script = process.argv[1],
  environment: Environment = process.env,
): string {
  const { npm_lifecycle_event: task, npm_package_name: from } = environment;
  const quoted = words.map(quote);
  if (task === "start" && from === "gradnoise" && words[0] === "run" && words[1] === "deep-mlp")
    return ["npm start", ...(words.length > 2 ? ["--"] : []), ...quoted.slice(2)].join(" ");
  return [program(script, environment), ...quoted].join(" ");
}

/** The command that was typed, with --resume. */
export function resumeCommand(words = process.argv.slice(2)): string {
  return commandLine(words.includes("--resume") ? words : [...words, "--resume"]);
}
