// `gradnoise run deep-mlp`: spreads runs over worker threads, and sees to progress, ledger, checkpoints and the report.
// A run that fails is no end of the others; whatever ends the command early, its runs are saved first.
import { type DeepMlpSettings, deepMlpBytes, imageDataDigest, readDeepMlpSettings } from "../paper/index.js";
import { resumeCommand } from "./invocation.js";
import { columnsOf } from "./layout.js";
import type { RunEvent, RunJob, RunResult } from "./messages.js";
import { type DeepMlpOptions, planOf, runsOf } from "./options.js";
import { jsonLine, oneLine, print, stdout, tell, whyStdout } from "./output.js";
import { threadCount, WorkerThreads } from "./pool.js";
import { liveProgress, type Progress, plainProgress, silent } from "./progress.js";
import { type FinishedRun, report } from "./report.js";
import { CommandError, cacheFolder, RunFolder, severalFiles } from "./run-folder.js";
import { imagesOf, loadShared } from "./shared-data.js";
import { CLOSED, Stop } from "./stop.js";

const EXPERIMENT = "deep-mlp";
const SAVE_EVERY = 10_000; // ms; what a kill -9 may cost
const FAILED = 1;

const fileOf = (s: DeepMlpSettings): string => `${s.noise ? "noise" : "no-noise"}-seed-${s.seed}`;

/** What became of a run; neither where it was never begun. */
type Outcome = { readonly result?: RunResult; readonly failure?: Failure };

interface Failure {
  readonly text: string;
  /** Whether it lies with the run's checkpoint, so that the file is to be named. */
  readonly ofFile: boolean;
}

function progressFor(o: DeepMlpOptions, runs: readonly DeepMlpSettings[]): Progress {
  if (o.quiet) return silent;
  // JSON lines and live lines may share a program, not a terminal
  if (process.stderr.isTTY && process.env.TERM !== "dumb" && !(o.json && process.stdout.isTTY))
    return liveProgress(runs, process.stderr);
  return o.json ? silent : plainProgress(runs, print);
}

class DeepMlpCommand {
  private readonly runs: readonly DeepMlpSettings[];
  private readonly plan: ReturnType<typeof planOf>;
  private readonly stop = new Stop(() => this.progress.close());
  private progress: Progress = silent;
  private folder!: RunFolder;
  private begun = false;
  /** Whether the folder holds a checkpoint of an earlier command. */
  private resumable = false;
  private readonly lost = new Map<number, Failure>();

  constructor(private readonly o: DeepMlpOptions) {
    this.runs = runsOf(o);
    this.plan = planOf(o);
    stdout.onFailure = () => this.stop.ask(stdout.closed ? CLOSED : FAILED);
  }

  /** The exit code. Throws what went wrong; a run that diverges did not go wrong. */
  async carryOut(): Promise<number> {
    const { o, runs } = this;
    try {
      const data = await loadShared(o.data);
      const images = imagesOf(data);
      for (const run of runs) readDeepMlpSettings(run, images);
      const path = o.out ?? cacheFolder(EXPERIMENT, this.plan);
      const wayOut = o.out ? "name another folder with --out" : "name a folder with --out";
      this.folder = new RunFolder(path, EXPERIMENT, this.plan, imageDataDigest(images), wayOut);
      this.folder.onFailure = () => this.stop.ask(FAILED);
      const there = await this.find();
      const threads = new WorkerThreads(threadCount(o.workers, runs.length, 2 * deepMlpBytes(runs[0], images)));
      const begin = (): void => this.begin(threads.count);
      try {
        return await this.end(
          await Promise.all(
            runs.map(async (settings, i): Promise<Outcome> => {
              try {
                const checkpoint = there ? await this.folder.checkpoint(fileOf(settings)) : undefined;
                const saveEvery = o.out ? SAVE_EVERY : undefined;
                const job: RunJob = { data, settings, checkpoint, stop: this.stop.flag, saveEvery };
                return { result: await this.train(threads, job, i, begin) };
              } catch (error) {
                return { failure: this.failed(i, error) };
              }
            }),
          ),
        );
      } finally {
        this.progress.close();
        await threads.close();
      }
    } finally {
      await this.folder?.settled().catch(() => undefined);
      this.folder?.unlock();
      this.stop.close();
      stdout.onFailure = () => undefined;
    }
  }

  /** Whether there is a run to go on with. Says so where --resume finds none; refuses to write over one without it. */
  private async find(): Promise<boolean> {
    const { o, folder } = this;
    if (o.out || (o.resume && (await folder.exists()))) await folder.lock();
    else if (!o.resume) return false;
    const there = await folder.find();
    if (there && !o.resume)
      throw new CommandError(`${folder.path} holds a run already; add --resume to continue it, or name another folder`);
    this.resumable = there && (await Promise.all(this.runs.map((run) => folder.has(fileOf(run))))).includes(true);
    if (o.resume && !this.resumable) tell(`Nothing to resume in ${folder.path}: starting from the beginning`);
    return there;
  }

  private begin(workers: number): void {
    if (this.begun) return;
    this.begun = true;
    if (this.o.out) this.folder.prepare();
    this.progress = progressFor(this.o, this.runs);
    this.record({ event: "start", experiment: EXPERIMENT, settings: this.plan, workers });
    for (const i of this.lost.keys()) this.showFailure(i);
  }

  /** An event for stdout (with --json) and, as a fact of the runs, for the ledger. */
  private record(event: object, always = false): void {
    const line = jsonLine(event);
    if (this.o.json && (always || !this.o.quiet)) print(line);
    if (this.o.out) this.folder.append(line);
  }

  private async train(threads: WorkerThreads, job: RunJob, i: number, begin: () => void): Promise<RunResult> {
    const { o, folder } = this;
    const { settings } = job;
    const { noise, seed } = settings;
    const of = ({ step, loss, accuracy }: RunResult["history"][number]): object => ({
      event: "progress",
      noise,
      seed,
      step,
      loss,
      accuracy,
    });
    const on = (event: RunEvent): void => {
      if (event.type === "ready") {
        begin();
        if (o.out) for (const evaluation of event.history) folder.append(jsonLine(of(evaluation)));
        this.progress.ready(i, event.step, event.total);
      } else if (event.type === "tick") this.progress.tick(i, event.step, event.loss);
      else if (event.type === "checkpoint") folder.save(fileOf(settings), event.bytes);
      else {
        this.record(of(event.evaluation));
        this.progress.evaluation(i, event.evaluation);
      }
    };
    const result = await threads.run<RunJob, RunEvent, RunResult>("deepMlp", job, on);
    if (result.checkpoint && o.out) folder.save(fileOf(settings), result.checkpoint);
    if (result.summary) {
      this.progress.done(i, result.summary);
      this.record({ event: "run", ...result.summary });
    } else if (this.begun) this.progress.stopped(i, result.step);
    return o.out ? { ...result, checkpoint: undefined } : result;
  }

  private failed(i: number, error: unknown): Failure {
    const { name, code } = error as NodeJS.ErrnoException;
    const failure = { text: oneLine(error), ofFile: name === "CheckpointError" || code !== undefined };
    this.lost.set(i, failure);
    if (this.begun) this.showFailure(i);
    return failure;
  }

  private showFailure(i: number): void {
    const { noise, seed } = this.runs[i];
    const error = this.lost.get(i)!.text;
    if (this.o.json && !this.o.quiet) print(jsonLine({ event: "failed", noise, seed, error }));
    this.progress.failed(i);
  }

  private async end(outcomes: readonly Outcome[]): Promise<number> {
    const { o, folder, runs, stop } = this;
    this.progress.close();
    this.tellFailures(outcomes);
    await folder.settled();
    const results = outcomes.map(({ result }) => result);
    const failed = outcomes.flatMap(({ failure }, i) =>
      failure === undefined ? [] : [{ noise: runs[i].noise, seed: runs[i].seed, error: failure.text }],
    );
    const finished = results.filter((r): r is RunResult & FinishedRun => r?.summary !== undefined);
    if (finished.length + failed.length === runs.length && !stdout.failure) {
      const summary = { event: "summary", experiment: EXPERIMENT, runs: finished.map((run) => run.summary) };
      const line = jsonLine(failed.length > 0 ? { ...summary, failed } : summary);
      if (o.json) print(line);
      else if (finished.length > 0) print(report(o, finished, columnsOf(process.stdout)));
      await stdout.flushed();
      if (!stdout.failure) {
        if (failed.length > 0) {
          if (finished.length > 0) await this.keep(results);
          return FAILED;
        }
        if (o.out) folder.append(line);
        else await folder.remove();
        await folder.settled();
        return 0;
      }
    }
    return await this.interrupted(results, stop.code ?? FAILED);
  }

  /** Failures that differ in the file alone are one sentence. */
  private tellFailures(outcomes: readonly Outcome[]): void {
    const bySentence = new Map<string, string[]>();
    outcomes.forEach(({ failure }, i) => {
      if (!failure) return;
      const text = failure.text.replace(/^checkpoint: /, "").replace(/\.$/, "");
      const wayOut = `${text.includes("; ") ? "," : "; put back a good copy,"} or remove it to make this run again from its start`;
      const sentence = failure.ofFile ? text + wayOut : failure.text;
      const files = failure.ofFile ? [this.folder.fileOf(fileOf(this.runs[i]))] : [];
      bySentence.set(sentence, [...(bySentence.get(sentence) ?? []), ...files]);
    });
    for (const [sentence, files] of bySentence)
      tell(`error: ${files.length > 0 ? `${severalFiles(files)}: ` : ""}${sentence}`);
  }

  /** Brings what the runs have to the disk: with --out it is there already. */
  private async keep(results: readonly (RunResult | undefined)[]): Promise<void> {
    const { o, folder } = this;
    results.forEach((result, i) => {
      if (o.out || !result?.checkpoint) return;
      folder.prepare();
      folder.save(fileOf(this.runs[i]), result.checkpoint);
    });
    await folder.settled();
  }

  private async interrupted(results: readonly (RunResult | undefined)[], code: number): Promise<number> {
    const { o, folder } = this;
    const command = resumeCommand();
    await this.keep(results);
    if (o.json && !stdout.failure) print(jsonLine({ event: "interrupted", experiment: EXPERIMENT, resume: command }));
    const why = stdout.failure ? `${whyStdout()[0].toUpperCase()}${whyStdout().slice(1)}: stopped` : "Stopped";
    tell(
      this.begun || this.resumable
        ? `${why} at a checkpoint in ${folder.path}. To continue: ${command}`
        : `${why} before the first step; there is nothing to resume`,
    );
    return code;
  }
}

/** The exit code. Throws what went wrong. */
export const deepMlpCommand = (o: DeepMlpOptions): Promise<number> => new DeepMlpCommand(o).carryOut();
