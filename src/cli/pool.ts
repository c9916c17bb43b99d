// Worker threads, at most one a core and one a run.
import { availableParallelism, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import workerpool from "workerpool";
import type { Job, JobEvent, JobResult } from "../jobs/index.js";

/** How many threads: what was wished, but no more than cores, jobs, and jobs of `bytes` that the machine's memory holds. */
export function threadCount(wanted: number | undefined, jobs: number, bytes = 0): number {
  const cores = availableParallelism();
  const memory = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  return Math.max(1, Math.min(wanted ?? cores, cores, jobs, bytes ? Math.floor(memory / bytes) : jobs));
}

export class WorkerThreads {
  private readonly pool: workerpool.Pool;

  constructor(readonly count: number) {
    this.pool = workerpool.pool(fileURLToPath(new URL("./worker.js", import.meta.url)), {
      workerType: "thread",
      maxWorkers: count,
    });
  }

  async run(job: Job, stop: Int32Array, on: (event: JobEvent) => void): Promise<JobResult> {
    try {
      return (await this.pool.exec("carryOut", [job, stop], { on })) as JobResult;
    } catch (error) {
      const text = (error as Error).message ?? "";
      if (!/^Workerpool Worker (terminated|error)/i.test(text)) throw error;
      const memory = /memory|heap/i.test(text) ? " for want of memory" : "";
      throw new Error(`a worker thread ended${memory}; try fewer --workers`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.pool.terminate(true);
  }
}
