// One run as messages: jobs, their events, and the loop that carries them out. Knows neither Node nor a page.
export { carryOut, type JobPort, openJob } from "./carry-out.js";
export { type PackedData, packData, unpackData } from "./data.js";
export type { Job, JobEvent, JobResult } from "./job.js";
export { type JobInlet, type JobTarget, type SentJob, sendJob, serveJobs } from "./port.js";
