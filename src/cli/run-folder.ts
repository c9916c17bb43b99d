// The folder of a command's runs: what was asked for, a ledger of JSON lines, and one checkpoint a run.
// All writes go through one queue, under a lock; checkpoints are whole or absent; the ledger is only appended to, and has
// each line once, whatever was killed and resumed: the same settings and data make the same lines.
import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { printable } from "../base/errors.js";
import { NUMERICS } from "../files/checkpoint.js";
import { cacheDirectory, writeFileAtomic } from "../node/index.js";
import { FolderLock, LockedError } from "./lock.js";
import type { Plan } from "./options.js";
import { oneLine } from "./output.js";

/** A failure the user can mend: printed as one line, exit code 1. */
export class CommandError extends Error {}

/** Where an interrupted command without --out leaves its runs: a name that the same settings find again. */
export function cacheFolder(experiment: string, plan: Plan): string {
  const name = createHash("sha256").update(JSON.stringify({ experiment, plan })).digest("hex").slice(0, 16);
  return join(cacheDirectory(), "runs", name);
}

/** What a folder belongs to, as settings.json holds it. */
interface Settings {
  readonly experiment: string;
  /** Version of the package, and of the bits of its results. */
  readonly gradnoise: string;
  readonly numerics: string;
  /** Digest of the data. */
  readonly data: string;
  readonly plan: Plan;
}

const SETTINGS = "settings.json";
const LOG = "log.jsonl";
const CHECKPOINT = ".safetensors";
const START = '{"event":"start"';
const LEFT_OVER = /^\..+\.\d+-\d+$/; // of a write that was killed: see writeFileAtomic

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

const isRecordOfTexts = (value: unknown): value is Plan =>
  typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");

export class RunFolder {
  private queue: Promise<unknown> = Promise.resolve();
  private readonly logged = new Set<string>();
  private started = false;
  private readonly log: string;
  private readonly guard: FolderLock;
  private prepared = false;
  private readonly settings: Settings;
  /** Called at the first write that fails, so that no one trains on for nothing. */
  onFailure = (): void => undefined;

  /** `wayOut` tells how to go on without the folder: "name another folder with --out". */
  constructor(
    readonly path: string,
    experiment: string,
    plan: Plan,
    data: string,
    private readonly wayOut: string,
  ) {
    this.log = join(path, LOG);
    this.guard = new FolderLock(path);
    this.settings = { experiment, gradnoise: packageJson.version, numerics: NUMERICS, data, plan };
  }

  /** Keeps other processes out until `unlock`. Throws CommandError naming the one that is in. */
  async lock(): Promise<void> {
    try {
      const there = await stat(this.path).catch(() => undefined);
      if (there && !there.isDirectory()) throw new CommandError(`${this.path} is no folder; ${this.wayOut}`);
      await this.guard.take();
    } catch (error) {
      if (error instanceof LockedError)
        throw new CommandError(`${this.path} is in use: ${error.message}, or ${this.wayOut}`);
      throw error instanceof CommandError ? error : this.unwritable(error);
    }
  }

  unlock(): void {
    this.guard.release();
  }

  /** Whether the folder is there at all. */
  async exists(): Promise<boolean> {
    return (await stat(this.path).catch(() => undefined)) !== undefined;
  }

  /** Whether a run is there. Throws CommandError where it is one with other settings, data or numerics. */
  async find(): Promise<boolean> {
    const file = join(this.path, SETTINGS);
    let was: Partial<Settings>;
    try {
      const text = await readIfThere(file);
      if (!text) return await this.refuseStrays();
      was = JSON.parse(text.toString("utf8"));
      if (!isRecordOfTexts(was?.plan)) throw new Error("it is not as gradnoise writes it");
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`${file}: ${oneLine(error)}; mend it, or ${this.wayOut}`);
    }
    this.compare(was);
    return true;
  }

  private compare({ plan, experiment = "unknown", ...was }: Partial<Settings>): void {
    const is: Plan = { experiment: this.settings.experiment, ...this.settings.plan };
    const had: Plan = { experiment, ...plan };
    for (const name of new Set([...Object.keys(is), ...Object.keys(had)])) {
      const [a, b] = [had[name], is[name]];
      if (a === b) continue;
      const holds = a === undefined ? `without --${printable(name)}` : `with --${printable(name)} ${printable(a)}`;
      throw new CommandError(
        `${this.path} holds a run ${holds}, this command has ${b === undefined ? "none" : printable(b)}; give the same settings, or another folder with --out`,
      );
    }
    if (was.numerics !== undefined && was.numerics !== this.settings.numerics)
      throw new CommandError(
        `${this.path} holds a run of gradnoise ${printable(String(was.gradnoise))}, whose results differ from those of this version, ${this.settings.gradnoise} (numerics ${printable(String(was.numerics))} and ${this.settings.numerics}); finish it with that version, or ${this.wayOut}`,
      );
    if (was.data !== undefined && was.data !== this.settings.data)
      throw new CommandError(
        `${this.path} holds a run on other data (digest ${printable(String(was.data))}, now ${this.settings.data}): files have changed since; put the old ones back, or ${this.wayOut}`,
      );
  }

  /** A folder whose settings are lost is no new one: its ledger and checkpoints are of who knows what. */
  private async refuseStrays(): Promise<false> {
    const names = await readdir(this.path).catch(() => [] as string[]);
    const stray = names.find((name) => name === LOG || (name.endsWith(CHECKPOINT) && !name.startsWith(".")));
    if (stray === undefined) return false;
    throw new CommandError(
      `${this.path} holds ${printable(stray)}, but no ${SETTINGS} that tells what it belongs to; ${this.wayOut}`,
    );
  }

  fileOf(name: string): string {
    return join(this.path, name + CHECKPOINT);
  }

  async has(name: string): Promise<boolean> {
    return (await stat(this.fileOf(name)).catch(() => undefined)) !== undefined;
  }

  checkpoint(name: string): Promise<Buffer | undefined> {
    return readIfThere(this.fileOf(name));
  }

  /** Makes the folder, locked, and readies the ledger: what a killed command left torn or doubled goes. */
  prepare(): void {
    if (this.prepared) return;
    this.prepared = true;
    this.enqueue(async () => {
      await this.lock();
      await mkdir(this.path, { recursive: true });
      for (const name of await readdir(this.path))
        if (LEFT_OVER.test(name)) await rm(join(this.path, name), { force: true });
      await writeFileAtomic(join(this.path, SETTINGS), `${JSON.stringify(this.settings, undefined, 2)}\n`);
      const text = (await readIfThere(this.log))?.toString("utf8") ?? "";
      for (const line of text.split("\n").filter(isJson)) this.logged.add(line);
      this.started = [...this.logged].some((line) => line.startsWith(START));
      const whole = [...this.logged].map((line) => `${line}\n`).join("");
      if (whole !== text) await writeFileAtomic(this.log, whole);
    });
  }

  /** Adds a line to the ledger unless it has it; a start, which tells of threads too, is one however often it is resumed. */
  append(line: string): void {
    this.enqueue(async () => {
      const start = line.startsWith(START);
      if (this.logged.has(line) || (start && this.started)) return;
      await appendFile(this.log, `${line}\n`);
      this.logged.add(line);
      this.started ||= start;
    });
  }

  save(name: string, bytes: Uint8Array): void {
    this.enqueue(() => writeFileAtomic(this.fileOf(name), bytes));
  }

  /** All is written. Throws CommandError naming the first write that failed. */
  async settled(): Promise<void> {
    try {
      await this.queue;
    } catch (error) {
      throw error instanceof CommandError ? error : this.unwritable(error);
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  private unwritable(error: unknown): CommandError {
    return new CommandError(`${this.path}: cannot be written to (${oneLine(error)}); ${this.wayOut}`);
  }

  private enqueue(write: () => Promise<unknown>): void {
    this.queue = this.queue.then(write);
    this.queue.catch(() => this.onFailure()); // the error itself is heard in settled()
  }
}

/** Files by name, where many failed alike: "d/noise-seed-1.safetensors and 5 more". */
export function severalFiles(files: readonly string[]): string {
  const [first, ...more] = files;
  return more.length === 0 ? first : `${first} and ${more.length === 1 ? basename(more[0]) : `${more.length} more`}`;
}
