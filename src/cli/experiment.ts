// `gradnoise run NAME`: spreads runs over worker threads, and sees to progress, ledger, checkpoints and the report.
// A run that fails is no end of the others; whatever ends the command early, its runs are saved first.
import type { Evaluation } from "../experiments/index.js";
import { type Job, type JobEvent, type JobResult, packData } from "../jobs/index.js";
import { loadData } from "../node/index.js";
import { resumeCommand } from "./invocation.js";
import { columnsOf } from "./layout.js";
import type { Request, RunSettings } from "./options.js";
import { jsonLine, oneLine, print, stdout, tell, whyStdout } from "./output.js";
import { threadCount, WorkerThreads } from "./pool.js";
import { liveProgress, type Progress, plainProgress, silent } from "./progress.js";
import { type FinishedRun, holds, report } from "./report.js";
import { CommandError, cacheFolder, RunFolder, severalFiles } from "./run-folder.js";
import { CLOSED, Stop } from "./stop.js";

const SAVE_EVERY = 10_000; // ms; what a kill -9 may cost
const FAILED = 1;

/** What became of a run; neither where it was never begun. */
type Outcome = { readonly result?: JobResult; readonly failure?: Failure };

interface Failure {
  readonly text: string;
  /** Whether it lies with the run's checkpoint, so that the file is to be named. */
  readonly ofFile: boolean;
}

function progressFor({ experiment, options: o, runs }: Request): Progress {
  if (o.quiet) return silent;
  // JSON lines and live lines may share a program, not a terminal
  if (process.stderr.isTTY && process.env.TERM !== "dumb" && !(o.json && process.stdout.isTTY))
    return liveProgress(experiment, runs, process.stderr);
  return o.json ? silent : plainProgress(experiment, runs, print);
}

class ExperimentCommand {
  private readonly name: string;
  private readonly compared: string;
  private readonly stop = new Stop(() => this.progress.close());
  private progress: Progress = silent;
  private folder!: RunFolder;
  private begun = false;
  /** Whether the folder holds a checkpoint of an earlier command. */
  private resumable = false;
  private readonly lost = new Map<number, Failure>();

  constructor(private readonly request: Request) {
    this.name = request.experiment.name;
    this.compared = request.experiment.compare.setting;
    stdout.onFailure = () => this.stop.ask(stdout.closed ? CLOSED : FAILED);
  }

  /** The exit code. Throws what went wrong; a run that diverges did not go wrong. */
  async carryOut(): Promise<number> {
    const { experiment, options: o, plan, runs } = this.request;
    try {
      const data = await loadData(experiment, o.data);
      for (const run of runs) experiment.read(run, data);
      const path = o.out ?? cacheFolder(this.name, plan);
      const wayOut = o.out ? "name another folder with --out" : "name a folder with --out";
      this.folder = new RunFolder(path, this.name, plan, experiment.data.digest(data), wayOut);
      this.folder.onFailure = () => this.stop.ask(FAILED);
      const there = await this.find();
      const packed = packData(data);
      const bytes = 2 * (experiment.bytes?.(runs[0], data) ?? 0);
      const threads = new WorkerThreads(threadCount(o.workers, runs.length, bytes));
      const begin = (): void => this.begin(threads.count);
      try {
        return await this.end(
          await Promise.all(
            runs.map(async (settings, i): Promise<Outcome> => {
              try {
                const checkpoint = there ? await this.folder.checkpoint(this.fileOf(settings)) : undefined;
                const saveEvery = o.out ? SAVE_EVERY : undefined;
                const job: Job = { experiment: this.name, data: packed, settings, checkpoint, saveEvery };
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

  /** Name of a run's checkpoint: "no-noise-seed-1". */
  private fileOf(settings: RunSettings): string {
    const value = settings[this.compared];
    const kind = typeof value === "boolean" ? `${value ? "" : "no-"}${this.compared}` : value;
    return `${kind}-seed-${settings.seed}`;
  }

  /** What tells a run from the others, as events begin. */
  private idOf(settings: RunSettings): object {
    return { [this.compared]: settings[this.compared], seed: settings.seed };
  }

  /** Whether there is a run to go on with. Says so where --resume finds none; refuses to write over one without it. */
  private async find(): Promise<boolean> {
    const { folder } = this;
    const { options: o, runs } = this.request;
    if (o.out || (o.resume && (await folder.exists()))) await folder.lock();
    else if (!o.resume) return false;
    const there = await folder.find();
    if (there && !o.resume)
      throw new CommandError(`${folder.path} holds a run already; add --resume to continue it, or name another folder`);
    this.resumable = there && (await Promise.all(runs.map((run) => folder.has(this.fileOf(run))))).includes(true);
    if (o.resume && !this.resumable) tell(`Nothing to resume in ${folder.path}: starting from the beginning`);
    return there;
  }

  private begin(workers: number): void {
    if (this.begun) return;
    this.begun = true;
    if (this.request.options.out) this.folder.prepare();
    this.progress = progressFor(this.request);
    this.record({ event: "start", experiment: this.name, settings: this.request.plan, workers });
    for (const i of this.lost.keys()) this.showFailure(i);
  }

  /** An event for stdout (with --json) and, as a fact of the runs, for the ledger. */
  private record(event: object): void {
    const { json, quiet, out } = this.request.options;
    const line = jsonLine(event);
    if (json && !quiet) print(line);
    if (out) this.folder.append(line);
  }

  private async train(threads: WorkerThreads, job: Job, i: number, begin: () => void): Promise<JobResult> {
    const { folder } = this;
    const { options: o, runs } = this.request;
    const name = this.fileOf(runs[i]);
    const of = (evaluation: Evaluation): object => ({ event: "progress", ...this.idOf(runs[i]), ...evaluation });
    const on = (event: JobEvent): void => {
      if (event.type === "ready") {
        begin();
        if (o.out) for (const evaluation of event.history) folder.append(jsonLine(of(evaluation)));
        this.progress.ready(i, event.step, event.total);
      } else if (event.type === "tick") this.progress.tick(i, event.step, event.loss);
      else if (event.type === "checkpoint") folder.save(name, event.bytes);
      else {
        this.record(of(event.evaluation));
        this.progress.evaluation(i, event.evaluation);
      }
    };
    const result = await threads.run(job, this.stop.flag, on);
    if (result.checkpoint && o.out) folder.save(name, result.checkpoint);
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
    const { options, runs } = this.request;
    const error = this.lost.get(i)!.text;
    if (options.json && !options.quiet) print(jsonLine({ event: "failed", ...this.idOf(runs[i]), error }));
    this.progress.failed(i);
  }

  private async end(outcomes: readonly Outcome[]): Promise<number> {
    const { folder, stop } = this;
    const { experiment, options: o, runs } = this.request;
    this.progress.close();
    this.tellFailures(outcomes);
    await folder.settled();
    const results = outcomes.map(({ result }) => result);
    const failed = outcomes.flatMap(({ failure }, i) =>
      failure === undefined ? [] : [{ ...this.idOf(runs[i]), error: failure.text }],
    );
    const finished = results.filter((r): r is JobResult & FinishedRun => r?.summary !== undefined);
    if (finished.length + failed.length === runs.length && !stdout.failure) {
      const summaries = finished.map((run) => run.summary);
      const verdicts = summaries.map((summary) => holds(experiment, summary));
      const line = jsonLine({
        event: "summary",
        experiment: this.name,
        ...(experiment.expected && { holds: !verdicts.includes(false) }),
        runs: experiment.expected ? summaries.map((summary, i) => ({ ...summary, holds: verdicts[i] })) : summaries,
        ...(failed.length > 0 && { failed }),
      });
      if (o.json) print(line);
      else if (finished.length > 0) print(report(this.request, finished, columnsOf(process.stdout)));
      await stdout.flushed();
      if (!stdout.failure) {
        if (failed.length > 0) {
          if (finished.length > 0) await this.keep(results);
          return FAILED;
        }
        if (o.out) folder.append(line);
        else await folder.remove();
        await folder.settled();
        return verdicts.includes(false) ? FAILED : 0;
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
      const files = failure.ofFile ? [this.folder.fileOf(this.fileOf(this.request.runs[i]))] : [];
      bySentence.set(sentence, [...(bySentence.get(sentence) ?? []), ...files]);
    });
    for (const [sentence, files] of bySentence)
      tell(`error: ${files.length > 0 ? `${severalFiles(files)}: ` : ""}${sentence}`);
  }

  /** Brings what the runs have to the disk: with --out it is there already. */
  private async keep(results: readonly (JobResult | undefined)[]): Promise<void> {
    const { folder } = this;
    results.forEach((result, i) => {
      if (this.request.options.out || !result?.checkpoint) return;
      folder.prepare();
      folder.save(this.fileOf(this.request.runs[i]), result.checkpoint);
    });
    await folder.settled();
  }

  private async interrupted(results: readonly (JobResult | undefined)[], code: number): Promise<number> {
    const { folder } = this;
    const { options: o } = this.request;
    const command = resumeCommand();
    await this.keep(results);
    if (o.json && !stdout.failure) print(jsonLine({ event: "interrupted", experiment: this.name, resume: command }));
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
export const experimentCommand = (request: Request): Promise<number> => new ExperimentCommand(request).carryOut();
