// The data of an experiment by what a user typed: a name of its own, or a folder.
import type { Experiment } from "../experiments/index.js";
import { openFolder } from "./folder.js";

/**
 * The data of an experiment: its own by their name, or those in a folder.
 *
 * Throws DataError naming the path of what is missing or wrong.
 * Example: `const small = await loadData(deepMlp, "digits")`
 */
export async function loadData({ data: { embedded, folder } }: Experiment, name: string): Promise<unknown> {
  if (Object.hasOwn(embedded, name)) return embedded[name]();
  return folder!.read(await openFolder(name, folder!.needs));
}
