// The folder of a command's runs: what was asked for, a log of JSON lines, and one checkpoint a run.
// All writes go through one queue; checkpoints are whole or absent; the log is only appended to.
import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, writeFileAtomic } from "../node/index.js";
import type { Plan } from "./options.js";

/** A failure the user can mend: printed as one line, exit code 1. */
export class CommandError extends Error {}

/** Where an interrupted command without --out leaves its runs: a name that the same settings find again. */
export function cacheFolder(experiment: string, plan: Plan): string {
  const name = createHash("sha256").update(JSON.stringify({ experiment, plan })).digest("hex").slice(0, 16);
  return join(cacheDirectory(), "runs", name);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export class RunFolder {
  private queue: Promise<unknown> = Promise.resolve();
  private readonly logged = new Set<string>();
  private readonly log: string;
  private prepared = false;
  /** Called at the first write that fails, so that no one trains on for nothing. */
  onFailure = (): void => undefined;

  constructor(
    readonly path: string,
    private readonly experiment: string,
    private readonly plan: Plan,
  ) {
    this.log = join(path, "log.jsonl");
  }

  /** Whether a run is there. Throws CommandError where it is one with other settings. */
  async find(): Promise<boolean> {
    const file = join(this.path, "settings.json");
    let there: { experiment?: string; plan?: Plan };
    try {
      const text = await readIfThere(file);
      if (!text) return false;
      there = JSON.parse(text.toString("utf8"));
    } catch (error) {
      throw new CommandError(`${file}: ${oneLine(error)}; mend or remove it, or name another folder with --out`);
    }
    const was = { experiment: there.experiment ?? "unknown", ...there.plan };
    const is: Plan = { experiment: this.experiment, ...this.plan };
    for (const name of new Set([...Object.keys(is), ...Object.keys(was)])) {
      const [a, b] = [(was as Plan)[name], is[name]];
      if (a !== b)
        throw new CommandError(
          `${this.path} holds a run ${a === undefined ? `without --${name}` : `with --${name} ${a}`}, this command has ${b === undefined ? "none" : b}; give the same settings, or another folder with --out`,
        );
    }
    return true;
  }

  checkpoint(name: string): Promise<Buffer | undefined> {
    return readIfThere(join(this.path, `${name}.safetensors`));
  }

  /** Makes the folder, and readies the log: a torn last line of a killed command goes. */
  prepare(): void {
    if (this.prepared) return;
    this.prepared = true;
    this.enqueue(async () => {
      await mkdir(this.path, { recursive: true });
      const text = (await readIfThere(this.log))?.toString("utf8") ?? "";
      const whole = text.slice(0, text.lastIndexOf("\n") + 1);
      if (whole !== text) await truncate(this.log, Buffer.byteLength(whole));
      for (const line of whole.split("\n")) this.logged.add(line);
      const settings = { experiment: this.experiment, plan: this.plan };
      await writeFileAtomic(join(this.path, "settings.json"), `${JSON.stringify(settings, undefined, 2)}\n`);
    });
  }

  /** Adds a line to the log; a progress line that it has, made again after a resume, is left out. */
  append(line: string): void {
    this.enqueue(async () => {
      if (line.startsWith('{"event":"progress"') && this.logged.has(line)) return;
      await appendFile(this.log, `${line}\n`);
    });
  }

  save(name: string, bytes: Uint8Array): void {
    this.enqueue(() => writeFileAtomic(join(this.path, `${name}.safetensors`), bytes));
  }

  /** All is written. Throws CommandError naming the first write that failed. */
  async settled(): Promise<void> {
    try {
      await this.queue;
    } catch (error) {
      throw new CommandError(`${this.path}: cannot be written to (${oneLine(error)}); name another folder with --out`);
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  private enqueue(write: () => Promise<unknown>): void {
    this.queue = this.queue.then(write);
    this.queue.catch(() => this.onFailure()); // the error itself is heard in settled()
  }
}

/** An error's message on one line. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error || (error as Error)?.message ? (error as Error).message : String(error);
  return text.replace(/\s*\n\s*/g, " ").trim();
}
