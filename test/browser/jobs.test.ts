// Jobs in a page's worker: the bits of the run here, live events, and a stop by message, without shared memory.
import { expect, it } from "vitest";
import { type JobEvent, sendJob, spirals } from "../../src/paper.js";

// Node has no such workers: test/jobs/threads.test.ts is the same there
const inPage = it.runIf(typeof Worker === "function");
const made = (): Worker => new Worker(new URL("./job-worker.ts", import.meta.url), { type: "module" });
const job = { experiment: "spirals", settings: { steps: 400, seed: 3 }, data: "spirals" };

inPage("a job in a worker has the bits of the run here", async () => {
  const events: JobEvent[] = [];
  const { summary } = await sendJob(made(), job, (event) => events.push(event)).result;
  const here = spirals.start(spirals.data.embedded.spirals(), job.settings);
  while (!here.finished) here.step();
  expect(summary).toEqual(here.summary());
  expect(events.filter(({ type }) => type === "evaluation")).toHaveLength(20);
});

inPage("stops when it is told to, at a checkpoint that goes on here", async () => {
  const settings = { steps: 1_000_000, seed: 3 };
  const sent = sendJob(made(), { ...job, settings }, ({ type }) => {
    if (type === "tick") sent.stop();
  });
  const { step, summary, checkpoint } = await sent.result;
  expect(summary).toBe(undefined);
  expect(step).toBeLessThan(1_000_000);
  expect(spirals.start(spirals.data.embedded.spirals(), settings, checkpoint).steps).toBe(step);
});
