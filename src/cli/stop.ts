// Why a command ends before its runs do. The first reason counts: it is the exit code, and the shared flag that every run
// looks at after each step; a second signal quits at once.
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const AGAIN = 1000; // ms; npm passes on the Ctrl-C that the terminal has sent already, and a closing terminal hangs up twice

/** The exit code of a program that a signal ends, as shells count. */
export const codeOf = (signal: keyof typeof constants.signals): number => 128 + constants.signals[signal];

export const CLOSED = 141; // 128 + SIGPIPE, which Windows has not

export class Stop {
  /** Handed to every job: 1 at [0] asks for an end after the step at hand. */
  readonly flag = new Int32Array(new SharedArrayBuffer(4));
  /** Undefined while nothing asked for an end. */
  code: number | undefined;
  private at = 0;

  /** `onQuit` leaves the terminal in order before the process ends at once. */
  constructor(private readonly onQuit: () => void) {
    for (const signal of SIGNALS) process.on(signal, this.onSignal);
  }

  /** Asks every run to end after the step at hand. */
  ask(code: number): void {
    if (this.code === undefined) this.at = performance.now();
    this.code ??= code;
    Atomics.store(this.flag, 0, 1);
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.onSignal);
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (this.code === undefined) this.ask(codeOf(signal));
    else if (performance.now() - this.at > AGAIN) {
      this.onQuit();
      process.exit(codeOf(signal));
    }
  };
}
