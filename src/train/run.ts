// A step for every batch of any kind that can be iterated, letting the event loop turn now and then.
import { kindOf, show } from "../base/errors.js";
import { func, readOptions } from "../base/options.js";
import { pause } from "../base/pause.js";
import type { RunOptions, StepResult } from "./types.js";

/** The options of a run. Throws TypeError naming an unknown one or one of another kind. */
const readRunOptions = (options: RunOptions | undefined): RunOptions =>
  readOptions<RunOptions>("run", options, {
    signal: (owner, name, value) => {
      if (typeof value?.aborted !== "boolean")
        throw new TypeError(`${owner}: "${name}" expected an AbortSignal, got ${show(value)}`);
      return value;
    },
    onProgress: func("a function of a step's result"),
    yieldEveryMs: (owner, name, value) => {
      if (typeof value !== "number" || !(value >= 0))
        throw new TypeError(`${owner}: "${name}" expected milliseconds >= 0, got ${show(value)}`);
      return value;
    },
  });

/** The batches one after another. Throws TypeError for what cannot be iterated, or would be letter by letter. */
async function* asIterable<B>(batches: Iterable<B> | AsyncIterable<B>): AsyncIterable<B> {
  const given = batches as Partial<Iterable<B> & AsyncIterable<B>> | undefined;
  if (typeof given === "object" && given !== null && kindOf(given) !== "tensor") {
    if (typeof given[Symbol.asyncIterator] === "function") {
      yield* batches as AsyncIterable<B>;
      return;
    }
    if (typeof given[Symbol.iterator] === "function") {
      for (const batch of batches as Iterable<B>) yield batch;
      return;
    }
  }
  throw new TypeError(
    `run: "batches" expected an iterable of batches, got ${show(batches)}. Pass data.dataset({ x, y }).batches(size, { epochs }), or an array of batches`,
  );
}

export async function run<B>(
  step: (batch: B) => StepResult,
  batches: Iterable<B> | AsyncIterable<B>,
  options: RunOptions | undefined,
): Promise<StepResult | undefined> {
  const { signal, onProgress, yieldEveryMs = 12 } = readRunOptions(options);
  let last: StepResult | undefined;
  let since = performance.now();
  for await (const batch of asIterable(batches)) {
    if (signal?.aborted) break;
    last = step(batch);
    const told = onProgress?.(last) as PromiseLike<unknown> | undefined;
    if (typeof told?.then === "function") await told;
    if (performance.now() - since >= yieldEveryMs) {
      await pause();
      since = performance.now();
    }
  }
  return last;
}
