// Jobs in another thread of Node, through the built entry as a user's worker imports it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { deepMlp } from "../../src/experiments/index.js";
import { type Job, sendJob } from "../../src/jobs/index.js";

const folder = mkdtempSync(join(tmpdir(), "gradnoise-jobs-"));
const file = join(folder, "worker.mjs");
const entry = new URL("../../dist/paper.js", import.meta.url);
writeFileSync(
  file,
  `import { parentPort } from "node:worker_threads"; import { serveJobs } from ${JSON.stringify(entry.href)}; serveJobs(parentPort);`,
);
const worker = new Worker(file);
afterAll(async () => {
  await worker.terminate();
  rmSync(folder, { recursive: true });
});

const settings = { layers: 2, width: 8, steps: 40, init: "he", seed: 5 } as const;
const job: Job = { experiment: "deep-mlp", settings, data: "digits" };

it("a job in a worker thread has the bits of the run here, and one that is stopped there goes on here", async () => {
  const { summary } = await sendJob(worker, job).result;
  const data = deepMlp.data.embedded.digits();
  const here = deepMlp.start(data, settings);
  while (!here.finished) here.step();
  expect(summary).toEqual(here.summary());

  const long = { ...settings, steps: 1_000_000 };
  const sent = sendJob(worker, { ...job, settings: long }, ({ type }) => {
    if (type === "tick") sent.stop();
  });
  const { step, checkpoint } = await sent.result;
  expect(deepMlp.start(data, long, checkpoint).steps).toBe(step);
});
