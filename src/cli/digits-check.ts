// `gradnoise run digits-check`: how hard the drawn digits are, by a linear model and the paper's network side by side.
import { DIGITS_BOUNDS, DIGITS_MODELS, type DigitsCheck, type DigitsModel, holds } from "../paper/index.js";
import { columnsOf, fitTable } from "./layout.js";
import type { DigitsEvent, DigitsJob, DigitsResult } from "./messages.js";
import { jsonLine, print, stdout, tell, whyStdout } from "./output.js";
import { threadCount, WorkerThreads } from "./pool.js";
import { loadShared } from "./shared-data.js";
import { CLOSED, Stop } from "./stop.js";
import { percent } from "./terminal.js";

const FAILED = 1;

const NAMES: Record<DigitsModel, string> = {
  linear: "linear model",
  he: "20 x 50 network, He init",
};

const wanted = (model: DigitsModel): string =>
  model === "linear" ? `best <= ${100 * DIGITS_BOUNDS.linear.atMost} %` : `end >= ${100 * DIGITS_BOUNDS.he.atLeast} %`;

export interface DigitsCheckOptions {
  seed: number;
  json?: boolean;
  quiet?: boolean;
}

function resultsTable(checks: readonly DigitsCheck[], columns: number | undefined): string {
  return fitTable(
    [
      { head: "Test accuracy on the drawn digits", align: "left" },
      { head: "end", align: "right" },
      { head: "best", align: "right" },
      { head: "expected", align: "left" },
      { head: "holds", align: "left" },
    ],
    checks.map((check) => [
      NAMES[check.model],
      percent(check.accuracy),
      percent(check.bestAccuracy),
      wanted(check.model),
      holds(check) ? "yes" : "no",
    ]),
    columns,
  );
}

export async function digitsCheckCommand(o: DigitsCheckOptions): Promise<number> {
  const stop = new Stop(() => undefined);
  stdout.onFailure = () => stop.ask(stdout.closed ? CLOSED : FAILED);
  const data = await loadShared("digits");
  const threads = new WorkerThreads(threadCount(undefined, DIGITS_MODELS.length));
  const train = async (model: DigitsModel): Promise<DigitsResult> => {
    let said = 0;
    const job: DigitsJob = { data, model, seed: o.seed, stop: stop.flag };
    return await threads.run<DigitsJob, DigitsEvent, DigitsResult>("digitsCheck", job, ({ step, steps, accuracy }) => {
      if (o.quiet) return;
      if (o.json) print(jsonLine({ event: "progress", model, step, accuracy }));
      else if (Math.floor((4 * step) / steps) > said) {
        said++;
        print(`${NAMES[model]}: step ${step} of ${steps}, accuracy ${percent(accuracy)}`);
      }
    });
  };
  try {
    const results = await Promise.all(DIGITS_MODELS.map(train));
    const checks = results.filter((check): check is DigitsCheck => check !== undefined);
    const good = checks.every(holds);
    if (checks.length === results.length) {
      const runs = checks.map((check) => ({ ...check, holds: holds(check) }));
      if (o.json) print(jsonLine({ event: "summary", experiment: "digits-check", holds: good, runs }));
      else print(resultsTable(checks, columnsOf(process.stdout)));
      await stdout.flushed();
    }
    if (stop.code === undefined || (checks.length === results.length && !stdout.failure)) return good ? 0 : 1;
    tell(`${stdout.failure ? `Stopped, since ${whyStdout()}` : "Stopped"}: this check keeps nothing to resume`);
    return stop.code;
  } finally {
    await threads.close();
    stop.close();
  }
}
