// The exponential moving average of the parameters: a slot that follows them, and the ways to read it.
import { DataError } from "../base/errors.js";
import { flag, readOptions } from "../base/options.js";
import { showShape } from "../base/shape.js";
import { mapTree } from "../base/tree.js";
import type { ParameterBlock, Slot } from "../core/parameter-block.js";
import { pow } from "../core/random.js";
import { type Strip, stripsOf } from "../core/strips.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { checkState, type OptimizerState } from "./loop.js";
import { checkFirst, share } from "./settings.js";
import { eachState } from "./state.js";
import type { GradientTransform, TransformState } from "./transform.js";

const CHUNK = 4096; // elements at a time through scratch: it stays in the cache

/** What `ema` keeps. A class, so that `average` finds it inside whatever stands around it. */
class EmaState {
  [name: string]: unknown;
  updates = 0;
  readonly #block: ParameterBlock;
  readonly #strips: readonly Strip[];
  readonly #weight: (updates: number) => number;

  constructor(
    readonly average: Slot,
    block: ParameterBlock,
    weight: (updates: number) => number,
  ) {
    this.#block = block;
    this.#strips = stripsOf(block.ranges);
    this.#weight = weight;
  }

  /** What it follows, and the gaps between short runs of it. */
  get strips(): readonly Strip[] {
    return this.#strips;
  }

  /** Throws where the memory has no room for the pass, before anything is rewritten. */
  reserve(): undefined {
    this.#block.runtime.memory.temporary(CHUNK * 4);
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
export function ema(decay: number, options: { readonly debias?: boolean } = {}): GradientTransform {
  checkFirst("ema", "decay", decay);
  share("ema", "decay", decay);
  const { debias = true } = readOptions("ema", options, { debias: flag });
  const keep = Math.fround(decay); // the decay that the kernel sees, so that the weights do sum to 1
  return {
    description: `ema(${decay}${debias ? "" : ", debias=false"})`,
    kind: "pass",
    last: true,
    init: (block): TransformState =>
      new EmaState(block.allocateSlot(), block, (updates) => (debias ? 1 - pow(keep, updates) : 1)),
    prepare: (state): undefined => (state as EmaState).reserve(),
    update(block, state) {
      const { kernels, memory } = block.runtime;
      const { pointer } = state.average as Slot;
      const first = state.updates === 0 && !debias;
      const scratch = memory.temporary(CHUNK * 4);
      for (const { offset, length } of (state as EmaState).strips) {
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
  eachState(state, (node) => {
    if (node instanceof EmaState) found.push(node);
  });
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
export function average<P>(params: P, state: OptimizerState): P {
  checkState("average", state, "average(params, state)");
  const { block } = state;
  const leaves = averageLeaves(block, state.state);
  if (!leaves) throw new TypeError(NO_EMA);
  const byPath = new Map(block.segments.map(({ path }, i) => [path, leaves[i]]));
  return mapTree(params, isTensor, ({ shape }, path) => {
    const leaf = byPath.get(path);
    if (!leaf) throw new DataError(`average: ${path || "the root"} is no parameter of the optimizer's state`);
    if (leaf.shape.join() !== shape.join())
      throw new DataError(
        `average: ${path || "the root"} has shape ${showShape(shape)}, expected ${showShape(leaf.shape)}`,
      );
    return leaf;
  }) as P;
}

/** What is thrown where there is no average. @internal */
export const NO_EMA = "average: the optimizer keeps none; put ema(0.999) last in its chain";
