// gradnoise/paper: the paper's experiments as values, what a further one is made with, and one run as messages.
import "./ops/methods.js";

export * from "./experiments/index.js";
export {
  carryOut,
  type Job,
  type JobEvent,
  type JobInlet,
  type JobPort,
  type JobResult,
  type JobTarget,
  openJob,
  type PackedData,
  packData,
  type SentJob,
  sendJob,
  serveJobs,
  unpackData,
} from "./jobs/index.js";
