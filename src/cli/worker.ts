// A worker thread: makes one run at a time. Training is synchronous, so the wish to stop comes through shared memory.
import workerpool from "workerpool";
import { carryOut, type Job, type JobResult } from "../jobs/index.js";

workerpool.worker({
  carryOut: (job: Job, stop: Int32Array): Promise<JobResult> =>
    carryOut(job, { emit: (event) => workerpool.workerEmit(event), stopped: () => Atomics.load(stop, 0) === 1 }),
});
