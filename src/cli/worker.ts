// A worker thread: makes one run at a time. Training is synchronous, so the wish to stop comes through shared memory.
import workerpool from "workerpool";
import { checkDigits, DeepMlpRun } from "../paper/index.js";
import type { DigitsEvent, DigitsJob, DigitsResult, RunEvent, RunJob, RunResult } from "./messages.js";
import { imagesOf } from "./shared-data.js";

const TICK = 100; // ms between live figures
const SOON = 1000; // ms; a young run is saved more often: after half of this, and whenever half of its time would be lost

const wanted = (stop: Int32Array): boolean => Atomics.load(stop, 0) === 1;

function deepMlp(job: RunJob): RunResult {
  if (wanted(job.stop)) return { step: 0, history: [] };
  const emit = (event: RunEvent): void => workerpool.workerEmit(event);
  const run = new DeepMlpRun(imagesOf(job.data), job.settings, job.checkpoint);
  emit({ type: "ready", step: run.steps, total: run.total, history: run.history });
  const begun = performance.now();
  let ticked = begun;
  let saved = begun;
  while (!run.finished && !wanted(job.stop)) {
    const { step, loss, evaluation } = run.step();
    if (evaluation) emit({ type: "evaluation", evaluation });
    const now = performance.now();
    if (now - ticked >= TICK) {
      emit({ type: "tick", step, loss });
      ticked = now;
    }
    const due = job.saveEvery && Math.min(job.saveEvery, Math.max(SOON, now - begun) / 2);
    if (due && now - saved >= due && !run.finished) {
      emit({ type: "checkpoint", bytes: run.checkpoint() });
      saved = performance.now();
    }
  }
  const { steps: step, history, finished } = run;
  return { step, history, summary: finished ? run.summary() : undefined, checkpoint: run.checkpoint() };
}

function digitsCheck(job: DigitsJob): DigitsResult {
  if (wanted(job.stop)) return undefined;
  const training = checkDigits(imagesOf(job.data), job.model, job.seed);
  for (;;) {
    const { value, done } = training.next();
    if (done) return value;
    workerpool.workerEmit(value satisfies DigitsEvent);
    if (wanted(job.stop)) return undefined;
  }
}

workerpool.worker({ deepMlp, digitsCheck });
