// One process at a time writes to a folder. Each leaves a file named after its host and pid and only then looks for
// others': of two that come at once, the later at least sees the other, and no file is ever shared or handed over, so
// taking over from a process that was killed has no race. (proper-lockfile knows no pid, calls a lock stale by its age,
// so a killed run could not be resumed at once, and touches a file every few seconds.)
import { readFileSync, rmdirSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const PREFIX = ".lock-";
const HOLDS = "holds";
const PATIENCE = 5000; // ms, for others that have come at the same time

interface Other {
  readonly pid: number;
  /** Whether it has the folder, and has not only just come. */
  readonly holds: boolean;
  readonly sentence: string;
}

/** Another process holds the folder. */
export class LockedError extends Error {}

/** State of a process, and when it began in the kernel's clock, by which a pid given anew is told apart; Linux only. */
function processStat(pid: number): { state: string; began: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0], began: fields[19] };
  } catch {
    return { state: "", began: "" };
  }
}

const ownStart = (): string => processStat(process.pid).began;

function isAlive(pid: number, began: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = processStat(pid);
  if (now.state === "Z") return false; // killed, and its parent has not looked yet
  return began === "" || now.began === "" || began === now.began;
}

export class FolderLock {
  private readonly host = hostname().replace(/[^\w-]/g, "_");
  private readonly file: string;
  private made: string | undefined;
  private held = false;
  private placed = false;

  constructor(private readonly folder: string) {
    this.file = join(folder, `${PREFIX}${this.host}.${process.pid}`);
  }

  /** Makes the folder where it is missing. Throws LockedError naming the process that holds it. */
  async take(): Promise<void> {
    for (let until = performance.now() + PATIENCE; !this.held; ) {
      if (!this.placed) await this.place();
      const others = await this.findOthers();
      const holder = others.find(({ holds }) => holds) ?? (performance.now() > until ? others[0] : undefined);
      if (holder) {
        this.release();
        throw new LockedError(holder.sentence);
      }
      // of several that have only just come, the one with the lowest pid stays until the others have seen it and left
      if (others.some(({ pid }) => pid < process.pid)) this.leave();
      this.held = others.length === 0;
      if (this.held) await writeFile(this.file, `${ownStart()} ${HOLDS}`);
      else await new Promise((resolve) => setTimeout(resolve, 20 + 30 * Math.random()));
    }
  }

  private async place(): Promise<void> {
    this.made = (await mkdir(this.folder, { recursive: true })) ?? this.made;
    process.off("exit", this.release).on("exit", this.release);
    this.placed = true;
    await writeFile(this.file, ownStart());
  }

  /** Gives the folder back, and removes it where it was made for nothing. */
  readonly release = (): void => {
    process.off("exit", this.release);
    if (!this.placed) return;
    this.leave();
    try {
      if (this.made !== undefined) rmdirSync(this.folder);
    } catch {
      // there is something in it, or it is gone
    }
  };

  private leave(): void {
    this.held = this.placed = false;
    try {
      rmSync(this.file, { force: true });
    } catch {
      // the folder was taken away: nothing is left to give back
    }
  }

  /** Who else is there; what dead processes left goes. */
  private async findOthers(): Promise<Other[]> {
    const others: Other[] = [];
    for (const name of await readdir(this.folder)) {
      const [, host, digits] = /^\.lock-([\w-]*)\.(\d+)$/.exec(name) ?? [];
      const path = join(this.folder, name);
      if (host === undefined || path === this.file) continue;
      const pid = Number(digits);
      const [began, state] = (await readFile(path, "utf8").catch(() => "")).split(" ");
      if (host !== this.host) {
        const sentence = `process ${pid} on ${host} works in it, or was ended before it could say so; if it is gone, remove ${path}`;
        others.push({ pid, holds: true, sentence });
      } else if (isAlive(pid, began)) {
        const sentence = `process ${pid} works in it; let it end or stop it`;
        others.push({ pid, holds: state === HOLDS, sentence });
      } else await rm(path, { force: true });
    }
    return others;
  }
}
