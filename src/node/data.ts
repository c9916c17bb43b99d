// The data of an experiment by what a user typed: a name of its own, or a folder.

import { DataError, show } from "../base/errors.js";
import type { Experiment } from "../experiments/index.js";
import { openFolder } from "./folder.js";

/**
 * The data of an experiment: its own by their name, or those in a folder.
 *
 * Throws DataError naming the path of what is missing or wrong, or a name that the experiment does not have.
 * Example: `const small = await loadData(deepMlp, "digits")`
 */
export async function loadData({ owner, data: { embedded, folder } }: Experiment, name: string): Promise<unknown> {
  if (Object.hasOwn(embedded, name)) return embedded[name]();
  if (typeof name !== "string" || !folder)
    throw new DataError(
      `${owner}: there are no data ${show(name)}. Give ${Object.keys(embedded).join(" or ")}${folder ? ", or the path of a folder" : ""}`,
    );
  return folder.read(await openFolder(name, folder.needs));
}
