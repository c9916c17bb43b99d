// What `trainer.run` is given, checked: batches of any kind that can be iterated, and how the run is watched.
import { kindOf, show } from "../base/errors.js";
import { func, readOptions } from "../base/options.js";
import type { RunOptions } from "./types.js";

/** The options of a run. Throws TypeError naming an unknown one or one of another kind. */
export const readRunOptions = (options: RunOptions | undefined): RunOptions =>
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
export async function* asIterable<B>(batches: Iterable<B> | AsyncIterable<B>): AsyncIterable<B> {
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
