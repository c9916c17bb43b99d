// What the command writes, and what becomes of it: stdout may close or fill up before the runs end, and foreign texts
// (paths, names in files) must not steer a terminal.

const LONGEST_WORD = 400; // characters: a path of several folders fits
const LONGEST_LINE = 2000;

/** Control characters, and those that turn the direction of writing or are not seen, spelt out as JSON spells them. */
export const clean = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) =>
    Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
  );

const shorten = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest / 2)}...${text.slice(-longest / 4)}` : text;

/** A text, or an error's message, on one line that a terminal may show. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error || (error as Error)?.message ? (error as Error).message : String(error);
  const words = clean(text.replace(/\s*\r?\n\s*/g, " ").trim()).split(" ");
  return shorten(words.map((word) => shorten(word, LONGEST_WORD)).join(" "), LONGEST_LINE);
}

/** JSON on one line that a terminal may show: JSON.stringify leaves some control characters as they are. */
export const jsonLine = (value: object): string => clean(JSON.stringify(value));

/** A stream whose failure is an event of the command's, not an exception out of nowhere. */
export class Output {
  failure: NodeJS.ErrnoException | undefined;
  /** Called once, at the first write that fails. */
  onFailure = (): void => undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(readonly stream: NodeJS.WriteStream) {
    stream.on("error", (error) => this.fail(error));
  }

  print(text: string): void {
    if (this.failure) return;
    this.last = new Promise((done) => {
      this.stream.write(`${text}\n`, (error) => {
        if (error) this.fail(error);
        done();
      });
    });
  }

  /** All that was printed has left, or `failure` is set. */
  flushed(): Promise<void> {
    return this.last;
  }

  /** Whether its reader went away, as `head` does. */
  get closed(): boolean {
    const code = this.failure?.code ?? "";
    return ["EPIPE", "EOF", "ERR_STREAM_DESTROYED"].includes(code) || (code === "EIO" && this.stream.isTTY);
  }

  private fail(error: NodeJS.ErrnoException): void {
    if (this.failure) return;
    this.failure = error;
    this.onFailure();
  }
}

export const stdout = new Output(process.stdout);
/** For sentences to people; where no one hears them there is nothing to be done. */
export const stderr = new Output(process.stderr);

export const print = (text: string): void => stdout.print(text);
/** One sentence to people. */
export const tell = (text: string): void => stderr.print(clean(text));

/** Why stdout failed, in a few words. */
export function whyStdout(): string {
  return stdout.closed ? "the reader of stdout is gone" : `stdout cannot be written to (${oneLine(stdout.failure)})`;
}
