// The exponential moving average of the parameters: a slot that follows them, and the ways to read it.
import { checkNumber, DataError } from "../base/errors.js";
import { mapTree } from "../base/tree.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { pow } from "../core/random.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import type { OptimizerState } from "./loop.js";
import type { GradientTransform, TransformState } from "./transform.js";

const CHUNK = 4096; // elements at a time through scratch: it stays in the cache

/** What `ema` keeps. A class, so that `average` finds it inside whatever stands around it. */
class EmaState {
  [name: string]: unknown;
  updates = 0;
  readonly #block: ParameterBlock;
  readonly #weight: (updates: number) => number;

  constructor(
    readonly average: Slot,
    block: ParameterBlock,
    weight: (updates: number) => number,
  ) {
    this.#block = block;
    this.#weight = weight;
  }

  /** Writes the average over `out`, which holds the parameters, where the transform has followed them. */
  read(out: Float32Array): void {
    if (this.updates === 0) return;
    const { data } = this.average;
    const weight = this.#weight(this.updates);
    for (const { offset, length } of this.#block.ranges)
      for (let i = offset; i < offset + length; i++) out[i] = data[i] / weight;
  }
}

/**
 * Follows the parameters after every update: average = decay average + (1 - decay) parameters. The updates pass unchanged;
 * `trainer.average` and, in a loop of one's own, `average` read it. Put it last: it adds up what the finished updates make.
 *
 * With `debias` (the default) the average is over the updated parameters alone, their weights summing to 1, so that
 * neither zeros nor the initial parameters have a share. Without it the average starts at the parameters before the first
 * update.
 *
 * Throws RangeError for a decay outside 0 <= decay < 1. Example: `chain(sgd(0.1), ema(0.999))`
 * Source: Polyak & Juditsky 1992; the bias as in Kingma & Ba 2015, sections 3 and 7.2.
 */
export function ema(decay: number, { debias = true }: { readonly debias?: boolean } = {}): GradientTransform {
  checkNumber("ema", "decay", decay, "in 0 <= decay < 1", (v) => v >= 0 && v < 1);
  const keep = Math.fround(decay); // the decay that the kernel sees, so that the weights do sum to 1
  return {
    description: `ema(${decay}${debias ? "" : ", debias=false"})`,
    last: true,
    init: (block): TransformState =>
      new EmaState(block.allocateSlot(), block, (updates) => (debias ? 1 - pow(keep, updates) : 1)),
    update(block, state) {
      const { kernels, memory } = block.runtime;
      const { pointer } = state.average as Slot;
      const first = state.updates === 0 && !debias;
      const scratch = memory.temporary(CHUNK * 4);
      for (const { offset, length } of block.ranges) {
        for (let from = offset; from < offset + length; from += CHUNK) {
          const n = Math.min(CHUNK, offset + length - from);
          const at = from * 4;
          kernels.copy(n, block.valuesPointer + at, scratch);
          if (first) kernels.copy(n, scratch, pointer + at);
          kernels.accumulate(n, block.updatesPointer + at, scratch); // the new parameters, to the bit
          kernels.momentum(n, keep, 1 - keep, 0, pointer + at, scratch);
        }
      }
      state.updates = (state.updates as number) + 1;
    },
  };
}

/** The averaged parameters of a block, leaf by leaf, or undefined where no `ema` is among the transforms. @internal */
export function averageLeaves(block: ParameterBlock, state: TransformState): Tensor[] | undefined {
  const found: EmaState[] = [];
  const walk = (node: unknown): void => {
    if (node instanceof EmaState) found.push(node);
    else if (Array.isArray(node)) node.forEach(walk);
    else if (typeof node === "object" && node !== null && Object.getPrototypeOf(node) === Object.prototype)
      Object.values(node).forEach(walk);
  };
  walk(state);
  if (found.length === 0) return undefined;
  const out = block.values.slice();
  for (const state of found) state.read(out);
  return block.segments.map(({ offset, length, shape }) => hostTensor(out.slice(offset, offset + length), shape));
}

/**
 * The averaged parameters of a loop of one's own, as new host tensors: those that `ema` does not follow, or not yet, are
 * the parameters as they are. With a trainer: `trainer.average`.
 *
 * Shapes: a tree like params. Throws TypeError where the optimizer holds no `ema`, DataError for another tree.
 * Example: `average(params, optim.init(ema(0.99), params))`, with the state that `update` returned as the second
 */
export function average<P>(params: P, { block, state }: OptimizerState): P {
  const leaves = averageLeaves(block, state);
  if (!leaves) throw new TypeError(NO_EMA);
  const byPath = new Map(block.segments.map(({ path }, i) => [path, leaves[i]]));
  return mapTree(params, isTensor, (_, path) => {
    const leaf = byPath.get(path);
    if (!leaf) throw new DataError(`average: ${path || "the root"} is no parameter of the optimizer's state`);
    return leaf;
  }) as P;
}

/** What is thrown where there is no average. @internal */
export const NO_EMA = "average: the optimizer keeps none; put ema(0.999) last in its chain";
