// The loop that carries a job out, wherever that is: a worker thread, a web worker, a queue's worker, a test.
import { show } from "../base/errors.js";
import { type Experiment, experiments, type Run } from "../experiments/index.js";
import { unpackData } from "./data.js";
import type { Job, JobEvent, JobResult } from "./job.js";

/** Where events go, and where a wish to stop comes from. */
export interface JobPort {
  emit(event: JobEvent): void;
  /** Whether an end after the step at hand was asked for. */
  readonly stopped: () => boolean;
  /** Lets the event loop turn, which a wish that comes as a message needs; not where it comes through shared memory. */
  readonly turn?: () => Promise<void>;
}

const TICK = 100; // ms between live figures
const TURN = 12; // ms of training between turns of the event loop
const SOON = 1000; // ms; a young run is saved more often: after half of this, and whenever half of its time would be lost

/** Makes the run of a job, from its start or its checkpoint. Throws RangeError for an unknown name, and what `start` throws. */
export function openJob({ experiment: name, settings, data, checkpoint }: Job, known = experiments): Run {
  const experiment = known.find((e) => e.name === name);
  if (experiment === undefined)
    throw new RangeError(
      `job: there is no experiment ${show(name)}. There are: ${known.map((e) => e.name).join(", ")}`,
    );
  return experiment.start(dataOf(experiment, data), settings, checkpoint);
}

function dataOf({ name, data: { embedded } }: Experiment, given: Job["data"]): unknown {
  if (typeof given !== "string") return unpackData(given);
  if (!Object.hasOwn(embedded, given))
    throw new RangeError(
      `job: ${name} has no data ${show(given)} of its own. There are: ${Object.keys(embedded).join(", ")}`,
    );
  return embedded[given]();
}

/**
 * Runs a job to its end, or to a checkpoint where a stop is asked for. `known` are the experiments it may be of.
 *
 * Throws RangeError for an experiment or data of another name, and what its `start` throws; a run that diverges is a result.
 * Example:
 * ```ts
 * const small = packData(data.digits({ train: 40, test: 10 }));
 * const job = { experiment: "deep-mlp", settings: { layers: 1, width: 4, batch: 10, steps: 4 }, data: small };
 * const { summary } = await carryOut(job, { emit: () => undefined, stopped: () => false });
 * ```
 */
export async function carryOut(job: Job, port: JobPort, known?: readonly Experiment[]): Promise<JobResult> {
  const { tickEvery = TICK, saveEvery } = job;
  if (port.stopped()) return { step: 0, history: [] };
  const run = openJob(job, known);
  port.emit({ type: "ready", step: run.steps, total: run.total, history: [...run.history] });
  const begun = performance.now();
  let [ticked, saved, turned] = [begun, begun, begun];
  while (!run.finished && !port.stopped()) {
    const { step, loss, evaluation } = run.step();
    if (evaluation) port.emit({ type: "evaluation", evaluation });
    const now = performance.now();
    if (now - ticked >= tickEvery) {
      port.emit({ type: "tick", step, loss });
      ticked = now;
    }
    const due = saveEvery && Math.min(saveEvery, Math.max(SOON, now - begun) / 2);
    if (due && now - saved >= due && !run.finished) {
      port.emit({ type: "checkpoint", bytes: run.checkpoint() });
      saved = performance.now();
    }
    if (port.turn && now - turned >= TURN) {
      await port.turn();
      turned = performance.now();
    }
  }
  const { steps: step, history, finished } = run;
  return { step, history, summary: finished ? run.summary() : undefined, checkpoint: run.checkpoint() };
}
