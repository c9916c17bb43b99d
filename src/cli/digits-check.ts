// `gradnoise run digits-check`: how hard the drawn digits are, by a linear model and the paper's network side by side.
import Table from "cli-table3";
import { DIGITS_BOUNDS, DIGITS_MODELS, type DigitsCheck, type DigitsModel, holds } from "../paper/index.js";
import type { DigitsEvent, DigitsJob, DigitsResult } from "./messages.js";
import { INTERRUPTED, WorkerThreads } from "./pool.js";
import { percent } from "./terminal.js";

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

export async function digitsCheckCommand(o: DigitsCheckOptions): Promise<number> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const threads = new WorkerThreads(undefined, DIGITS_MODELS.length, () => undefined);
  const train = async (model: DigitsModel): Promise<DigitsResult> => {
    let said = 0;
    const result = await threads.run<DigitsJob, DigitsEvent, DigitsResult>(
      "digitsCheck",
      { model, seed: o.seed, stop: threads.stop },
      ({ step, steps, accuracy }) => {
        if (o.quiet) return;
        if (o.json) print(JSON.stringify({ event: "progress", model, step, accuracy }));
        else if (Math.floor((4 * step) / steps) > said) {
          said++;
          print(`${NAMES[model]}: step ${step} of ${steps}, accuracy ${percent(accuracy)}`);
        }
      },
    );
    return result;
  };
  let results: DigitsResult[];
  try {
    results = await Promise.all(DIGITS_MODELS.map(train));
  } catch (error) {
    threads.end();
    throw error;
  } finally {
    await threads.close();
  }
  const checks = results.filter((check): check is DigitsCheck => check !== undefined);
  if (checks.length < results.length) return INTERRUPTED;
  const good = checks.every(holds);
  if (o.json) {
    const summary = checks.map((check) => ({ ...check, holds: holds(check) }));
    print(JSON.stringify({ event: "summary", experiment: "digits-check", holds: good, runs: summary }));
  } else {
    const t = new Table({
      head: ["Test accuracy on the drawn digits", "end", "best", "expected", "holds"],
      colAligns: ["left", "right", "right", "left", "left"],
      style: { head: [], border: [] },
    });
    for (const check of checks) {
      const { model, accuracy, bestAccuracy } = check;
      t.push([NAMES[model], percent(accuracy), percent(bestAccuracy), wanted(model), holds(check) ? "yes" : "no"]);
    }
    print(t.toString());
  }
  return good ? 0 : 1;
}
