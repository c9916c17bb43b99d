// The names of a model's values: one set that knows the user's before the first of our own is made.
import { printable, show } from "../base/errors.js";

// C strings end at 0, terminals obey control characters, and UTF-8 has no lone surrogates
const STRANGE = /[\p{Cc}\p{Cs}]/gu;

export class Names {
  private readonly taken = new Set<string>();
  private count = 0;

  has(name: string): boolean {
    return this.taken.has(name);
  }

  /** A name that nobody has: as it is wanted, or (always where it is `numbered`) with a number behind it. */
  fresh(wanted: string, numbered = false): string {
    const plain = wanted.replace(STRANGE, "_");
    let name = numbered ? `${plain}_${this.count++}` : plain;
    while (name === "" || this.taken.has(name)) name = `${plain}_${this.count++}`;
    this.taken.add(name);
    return name;
  }

  /** A name by which the user feeds or reads a value: as it is. Throws TypeError where ONNX has no such name, or two are equal. */
  own(what: "input" | "output", name: string): string {
    if (name === "" || name.search(STRANGE) >= 0)
      throw new TypeError(
        `toONNX: an ${what} is called ${show(name)}, which is no name in ONNX. Give its key in the tree visible characters`,
      );
    if (this.taken.has(name))
      throw new TypeError(
        `toONNX: two ${what}s are called ${printable(name)}, since "." joins the keys of a tree. Give one of the keys another name`,
      );
    this.taken.add(name);
    return name;
  }
}
