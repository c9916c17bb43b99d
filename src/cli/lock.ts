// One process at a time writes to a folder. Each leaves a file named after its host and pid and only then looks for
// others': of two that come at once, each sees the other, whatever the order, and no file is ever shared or handed over,
// so taking over from a process that was killed has no race. (proper-lockfile knows no pid, calls a lock stale by its age,
// so a killed run could not be resumed at once, and touches a file every few seconds.)
import { readFileSync, rmdirSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const PREFIX = ".lock-";
const TRIES = 5;

/** Another process holds the folder. */
export class LockedError extends Error {}

/** When a process began, in the kernel's clock, so that a pid given anew is told apart; "" where the system does not say. */
function beganAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "";
  }
}

function isAlive(pid: number, began: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = beganAt(pid);
  return began === "" || now === "" || began === now;
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
    if (this.held) return;
    for (let attempt = 1; ; attempt++) {
      this.made = (await mkdir(this.folder, { recursive: true })) ?? this.made;
      process.on("exit", this.release);
      await writeFile(this.file, beganAt(process.pid));
      this.placed = true;
      const other = await this.findOther();
      if (other === undefined) break;
      this.release();
      if (attempt === TRIES) throw new LockedError(other);
      await new Promise((resolve) => setTimeout(resolve, 20 + 80 * Math.random()));
    }
    this.held = true;
  }

  /** Gives the folder back, and removes it where it was made for nothing. */
  readonly release = (): void => {
    process.off("exit", this.release);
    if (!this.placed) return;
    this.held = this.placed = false;
    try {
      rmSync(this.file, { force: true });
      if (this.made !== undefined) rmdirSync(this.folder);
    } catch {
      // it is not empty, or was taken away: nothing is left to give back
    }
  };

  /** Who else is there; what dead processes left goes. */
  private async findOther(): Promise<string | undefined> {
    for (const name of await readdir(this.folder)) {
      const [, host, digits] = /^\.lock-([\w-]*)\.(\d+)$/.exec(name) ?? [];
      const path = join(this.folder, name);
      if (host === undefined || path === this.file) continue;
      const pid = Number(digits);
      if (host !== this.host)
        return `process ${pid} on ${host} works in it, or was ended before it could say so; if it is gone, remove ${path}`;
      const began = await readFile(path, "utf8").catch(() => "");
      if (isAlive(pid, began)) return `process ${pid} works in it; let it end or stop it`;
      await rm(path, { force: true });
    }
    return undefined;
  }
}
