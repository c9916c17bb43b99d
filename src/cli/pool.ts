// Worker threads and the flag that stops them: the first signal asks every run to end at a checkpoint, the second quits.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import workerpool from "workerpool";

export const INTERRUPTED = 130;

export class WorkerThreads {
  /** Handed to every job. */
  readonly stop = new Int32Array(new SharedArrayBuffer(4));
  readonly count: number;
  private readonly pool: workerpool.Pool;
  private readonly onSignal = (): void => {
    if (this.stopping) {
      this.onQuit();
      process.exit(INTERRUPTED);
    }
    this.end();
  };

  /** `onQuit` leaves the terminal in order before the process ends at once. */
  constructor(
    wanted: number | undefined,
    jobs: number,
    private readonly onQuit: () => void,
  ) {
    this.count = Math.min(wanted ?? availableParallelism(), jobs);
    this.pool = workerpool.pool(fileURLToPath(new URL("./worker.js", import.meta.url)), {
      workerType: "thread",
      maxWorkers: this.count,
    });
    process.on("SIGINT", this.onSignal);
    process.on("SIGTERM", this.onSignal);
  }

  get stopping(): boolean {
    return Atomics.load(this.stop, 0) === 1;
  }

  /** Asks every run to end after the step at hand. */
  end(): void {
    Atomics.store(this.stop, 0, 1);
  }

  async run<Job, Event, Result>(method: string, job: Job, on: (event: Event) => void): Promise<Result> {
    return (await this.pool.exec(method, [job], { on })) as Result;
  }

  async close(): Promise<void> {
    process.off("SIGINT", this.onSignal);
    process.off("SIGTERM", this.onSignal);
    await this.pool.terminate(true);
  }
}
