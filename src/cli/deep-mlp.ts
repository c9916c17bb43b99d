// `gradnoise run deep-mlp`: spreads runs over worker threads, and sees to progress, log, checkpoints and the report.
import type { DeepMlpSettings } from "../paper/index.js";
import type { RunEvent, RunJob, RunResult } from "./messages.js";
import { type DeepMlpOptions, planOf, runsOf } from "./options.js";
import { INTERRUPTED, WorkerThreads } from "./pool.js";
import { liveProgress, type Progress, plainProgress, silent } from "./progress.js";
import { chart, type FinishedRun, sentence, table } from "./report.js";
import { CommandError, cacheFolder, RunFolder } from "./run-folder.js";
import { hasColors, painter, resumeCommand } from "./terminal.js";

const EXPERIMENT = "deep-mlp";
const SAVE_EVERY = 10_000; // ms; what a kill -9 may cost

const fileOf = (s: DeepMlpSettings): string => `${s.noise ? "noise" : "no-noise"}-seed-${s.seed}`;
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const tell = (text: string): void => void process.stderr.write(`${text}\n`);

function progressFor(o: DeepMlpOptions, runs: readonly DeepMlpSettings[]): Progress {
  if (o.quiet) return silent;
  // JSON lines and live lines may share a program, not a terminal
  if (process.stderr.isTTY && process.env.TERM !== "dumb" && !(o.json && process.stdout.isTTY))
    return liveProgress(runs, process.stderr);
  return o.json ? silent : plainProgress(runs, print);
}

/** Checkpoints to start from, by run. Says so where there is nothing to resume. */
async function findCheckpoints(
  o: DeepMlpOptions,
  folder: RunFolder,
  runs: readonly DeepMlpSettings[],
): Promise<(Uint8Array | undefined)[]> {
  const none = runs.map(() => undefined);
  if (!o.resume && !o.out) return none;
  const there = await folder.find();
  if (there && !o.resume)
    throw new CommandError(`${folder.path} holds a run already; add --resume to continue it, or name another folder`);
  const found = there ? await Promise.all(runs.map((run) => folder.checkpoint(fileOf(run)))) : none;
  if (o.resume && found.every((bytes) => bytes === undefined))
    tell(`Nothing to resume in ${folder.path}: starting from the beginning`);
  return found;
}

/** The exit code. Throws what went wrong; a run that diverges did not go wrong. */
export async function deepMlpCommand(o: DeepMlpOptions): Promise<number> {
  const runs = runsOf(o);
  const plan = planOf(o);
  const folder = new RunFolder(o.out ?? cacheFolder(EXPERIMENT, plan), EXPERIMENT, plan);
  const checkpoints = await findCheckpoints(o, folder, runs);
  let progress = silent;
  const threads = new WorkerThreads(o.workers, runs.length, () => progress.close());
  folder.onFailure = () => threads.end();
  const record = (event: object, always = false): void => {
    const line = JSON.stringify(event);
    if (o.json && (always || !o.quiet)) print(line);
    if (o.out) folder.append(line);
  };
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    begun = true;
    if (o.out) folder.prepare();
    progress = progressFor(o, runs);
    record({ event: "start", experiment: EXPERIMENT, settings: plan, workers: threads.count });
  };
  const train = async (settings: DeepMlpSettings, i: number): Promise<RunResult> => {
    const { noise, seed } = settings;
    const on = (event: RunEvent): void => {
      if (event.type === "ready") {
        begin();
        progress.ready(i, event.step, event.total);
      } else if (event.type === "tick") progress.tick(i, event.step, event.loss);
      else if (event.type === "checkpoint") folder.save(fileOf(settings), event.bytes);
      else {
        const { step, loss, accuracy } = event.evaluation;
        record({ event: "progress", noise, seed, step, loss, accuracy });
        progress.evaluation(i, event.evaluation);
      }
    };
    const saveEvery = o.out ? SAVE_EVERY : Number.POSITIVE_INFINITY;
    const job: RunJob = { data: o.data, settings, checkpoint: checkpoints[i], stop: threads.stop, saveEvery };
    const result = await threads.run<RunJob, RunEvent, RunResult>("deepMlp", job, on);
    if (result.checkpoint && o.out) folder.save(fileOf(settings), result.checkpoint);
    if (result.summary) {
      progress.done(i, result.summary);
      record({ event: "run", ...result.summary });
    } else if (begun) progress.stopped(i, result.step);
    return result;
  };
  let results: RunResult[];
  try {
    results = await Promise.all(runs.map(train));
    progress.close();
    if (o.out) await folder.settled();
  } catch (error) {
    threads.end();
    progress.close();
    await folder.settled().catch(() => undefined);
    throw error;
  } finally {
    await threads.close();
  }
  const finished = results.filter((result): result is RunResult & FinishedRun => result.summary !== undefined);
  if (finished.length < runs.length) {
    await interrupted(o, folder, runs, results, record);
    return INTERRUPTED;
  }
  record({ event: "summary", experiment: EXPERIMENT, runs: finished.map((run) => run.summary) }, true);
  if (o.out) await folder.settled();
  else await folder.remove();
  if (!o.json) report(o, finished);
  return 0;
}

async function interrupted(
  o: DeepMlpOptions,
  folder: RunFolder,
  runs: readonly DeepMlpSettings[],
  results: readonly RunResult[],
  record: (event: object, always: boolean) => void,
): Promise<void> {
  const command = resumeCommand(process.argv);
  if (!o.out && results.some((result) => result.checkpoint)) {
    folder.prepare();
    results.forEach(({ checkpoint }, i) => {
      if (checkpoint) folder.save(fileOf(runs[i]), checkpoint);
    });
  }
  record({ event: "interrupted", experiment: EXPERIMENT, resume: command }, true);
  await folder.settled();
  tell(`Stopped at a checkpoint in ${folder.path}. To continue: ${command}`);
}

function report(o: DeepMlpOptions, runs: readonly FinishedRun[]): void {
  const colors = hasColors(process.stdout);
  const paint = painter(colors);
  const results = table(o, runs, paint);
  if (o.quiet) {
    print(results);
    return;
  }
  const { columns = 80, isTTY } = process.stdout;
  const seen = sentence(o, runs, isTTY ? columns : Number.POSITIVE_INFINITY);
  print(`\n${chart(runs, columns, paint, colors)}\n\n${results}\n\n${seen}`);
}
