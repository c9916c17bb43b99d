// A worker thread: makes one run at a time. Training is synchronous, so the wish to stop comes through shared memory,
// and the data is loaded once, whatever the number of runs.
import workerpool from "workerpool";
import { digits as drawDigits, type ImageData } from "../data/index.js";
import { mnistFromFolder } from "../node/index.js";
import { checkDigits, DeepMlpRun } from "../paper/index.js";
import type { DigitsEvent, DigitsJob, DigitsResult, RunEvent, RunJob, RunResult } from "./messages.js";

const TICK = 100; // ms between live figures

let loaded: { name: string; data: Promise<ImageData> } | undefined;

function load(name: string): Promise<ImageData> {
  if (loaded?.name !== name)
    loaded = { name, data: name === "digits" ? Promise.resolve(drawDigits()) : mnistFromFolder(name) };
  return loaded.data;
}

const wanted = (stop: Int32Array): boolean => Atomics.load(stop, 0) === 1;

async function deepMlp(job: RunJob): Promise<RunResult> {
  if (wanted(job.stop)) return { step: 0, history: [] };
  const emit = (event: RunEvent): void => workerpool.workerEmit(event);
  const run = new DeepMlpRun(await load(job.data), job.settings, job.checkpoint);
  emit({ type: "ready", step: run.steps, total: run.total });
  let ticked = performance.now();
  let saved = ticked;
  while (!run.finished && !wanted(job.stop)) {
    const { step, loss, evaluation } = run.step();
    if (evaluation) emit({ type: "evaluation", evaluation });
    const now = performance.now();
    if (now - ticked >= TICK) {
      emit({ type: "tick", step, loss });
      ticked = now;
    }
    if (now - saved >= job.saveEvery && !run.finished) {
      emit({ type: "checkpoint", bytes: run.checkpoint() });
      saved = performance.now();
    }
  }
  const { steps: step, history, finished } = run;
  return { step, history, summary: finished ? run.summary() : undefined, checkpoint: run.checkpoint() };
}

async function digitsCheck(job: DigitsJob): Promise<DigitsResult> {
  if (wanted(job.stop)) return undefined;
  const training = checkDigits(await load("digits"), job.model, job.seed);
  for (;;) {
    const { value, done } = training.next();
    if (done) return value;
    workerpool.workerEmit(value satisfies DigitsEvent);
    if (wanted(job.stop)) return undefined;
  }
}

workerpool.worker({ deepMlp, digitsCheck });
