// Every schedule with an oracle: its definition in plain TypeScript doubles, t by t. A schedule of the library without an
// entry here fails test/optim/list.test.ts.
import * as optim from "../../../src/optim/index.js";

export interface ScheduleCase {
  readonly make: () => optim.ScheduleFunction;
  readonly oracle: (t: number) => number;
  /** Another value of one of its settings: its description differs. */
  readonly other: () => optim.ScheduleFunction;
  /** A call that it must refuse. */
  readonly refused: () => unknown;
}

export const schedules: { readonly [name: string]: readonly ScheduleCase[] } = {
  constant: [
    {
      make: () => optim.constant(0.25),
      oracle: () => 0.25,
      other: () => optim.constant(0.5),
      refused: () => optim.constant(-1),
    },
  ],
  stepDecay: [
    {
      make: () => optim.stepDecay(0.5, { every: 3, factor: 0.1 }),
      oracle: (t) => 0.5 * 0.1 ** Math.floor(t / 3),
      other: () => optim.stepDecay(0.5, { every: 4, factor: 0.1 }),
      refused: () => optim.stepDecay(0.5, { every: 0, factor: 0.1 }),
    },
    {
      make: () => optim.stepDecay(0.5, { at: [2, 7], factor: 0.1 }),
      oracle: (t) => 0.5 * 0.1 ** [2, 7].filter((at) => t >= at).length,
      other: () => optim.stepDecay(0.5, { at: [2, 8], factor: 0.1 }),
      refused: () => optim.stepDecay(0.5, { at: [7, 2], factor: 0.1 }),
    },
  ],
  exponentialDecay: [
    {
      make: () => optim.exponentialDecay(0.5, { every: 4, rate: 0.3 }),
      oracle: (t) => 0.5 * 0.3 ** (t / 4),
      other: () => optim.exponentialDecay(0.5, { every: 4, rate: 0.4 }),
      refused: () => optim.exponentialDecay(0.5, { every: 4, rate: 0 }),
    },
  ],
  powerDecay: [
    {
      make: () => optim.powerDecay(0.5, { offset: 3, power: 0.55 }),
      oracle: (t) => 0.5 / (1 + t / 3) ** 0.55,
      other: () => optim.powerDecay(0.5, { offset: 3, power: 0.6 }),
      refused: () => optim.powerDecay(0.5, { offset: 0, power: 0.55 }),
    },
  ],
  cosine: [
    {
      make: () => optim.cosine(0.5, { steps: 9, floor: 0.1 }),
      oracle: (t) => (t >= 9 ? 0.1 : 0.1 + 0.2 * (1 + Math.cos((Math.PI * t) / 9))),
      other: () => optim.cosine(0.5, { steps: 9, floor: 0.2 }),
      refused: () => optim.cosine(0.5, { steps: 9, floor: 0.6 }),
    },
  ],
  linearDecay: [
    {
      make: () => optim.linearDecay(0.5, { from: 2, steps: 9, floor: 0.1 }),
      oracle: (t) => (t <= 2 ? 0.5 : t >= 9 ? 0.1 : 0.5 - (0.4 * (t - 2)) / 7),
      other: () => optim.linearDecay(0.5, { from: 3, steps: 9, floor: 0.1 }),
      refused: () => optim.linearDecay(0.5, { from: 9, steps: 9 }),
    },
  ],
  warmUp: [
    {
      make: () => optim.warmUp(4, optim.cosine(0.5, { steps: 9 })),
      oracle: (t) => (t < 4 ? (0.5 * (t + 1)) / 4 : t >= 13 ? 0 : 0.25 * (1 + Math.cos((Math.PI * (t - 4)) / 9))),
      other: () => optim.warmUp(5, optim.cosine(0.5, { steps: 9 })),
      refused: () => optim.warmUp(0, 0.5),
    },
  ],
  join: [
    {
      make: () => optim.join([0.5, optim.powerDecay(0.5, { power: 1 })], [3]),
      oracle: (t) => (t < 3 ? 0.5 : 0.5 / (1 + t - 3)),
      other: () => optim.join([0.4, optim.powerDecay(0.5, { power: 1 })], [3]),
      refused: () => optim.join([0.5], [3]),
    },
  ],
};
