// Which elements a transform sees: masks by path or by 0/1 arrays, groups of parameters, frozen ones. A part of a block is
// a list of runs of it: nothing is compacted, so the index of a draw stays the element's offset in the block.
import { DataError, isPlain, show } from "../base/errors.js";
import { matchPath } from "../base/tree.js";
import type { ParameterBlock, Range } from "../core/parameter-block.js";
import { intersect } from "../core/strips.js";
import { checkPattern, type Mask, maskRanges, readMask } from "./mask.js";
import { checkNoMore } from "./settings.js";
import { checkTransform, type GradientTransform, inSequence, isTransform, showTransform } from "./transform.js";

export type { Mask } from "./mask.js";

const LIST = 'Several patterns are a list: ["a", "b"]';

/** `transform` masked where its options ask for it; its description tells so. */
export function withMask(owner: string, transform: GradientTransform, mask: Mask | undefined): GradientTransform {
  if (mask === undefined) return transform;
  const kept = readMask(owner, mask);
  const description = `${transform.description} masked to ${kept.description}`;
  return within(description, transform, (block) => maskRanges(owner, block, kept));
}

/**
 * Applies `transform` to the elements a mask names; the updates of the others pass unchanged, so that an optimizer under a
 * mask leaves the gradients of the rest to another.
 *
 * Throws TypeError for a transform or a mask that is none; DataError, when training starts, for a pattern that matches
 * nothing and for arrays that do not fit.
 * Example: `masked(addNoise({ eta: 1, seed: 1 }), "**.weight")`
 */
export function masked(transform: GradientTransform, mask: Mask, ...rest: readonly never[]): GradientTransform {
  checkTransform(
    "masked",
    "the first argument",
    transform,
    isTransform(mask) ? `The transform comes first: masked(${mask.description}, ${show(transform)})` : undefined,
  );
  checkNoMore("masked", rest, LIST);
  const kept = readMask("masked", mask);
  const description = `masked(${transform.description}, ${kept.description})`;
  return within(description, transform, (block) => maskRanges("masked", block, kept));
}

/**
 * The parameters that match stay as they are: their updates become zero. Put it behind all that makes updates.
 *
 * Throws TypeError for a mask that is none; DataError, when training starts, for a pattern that matches nothing and for arrays
 * that do not fit.
 * Example: `chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1), freeze("embedding"))`
 */
export function freeze(mask: Mask, ...rest: readonly never[]): GradientTransform {
  checkNoMore("freeze", rest, LIST);
  const kept = readMask("freeze", mask);
  const description = `freeze(${kept.description})`;
  const zero: GradientTransform = {
    description,
    kind: "zero",
    init: () => ({}),
    update: (block): undefined => setZero(block),
  };
  return within(description, zero, (block) => maskRanges("freeze", block, kept));
}

/**
 * A transform for every group of parameters, by path pattern; the first pattern that matches a path has it.
 *
 * Throws TypeError for a transform that is none; DataError, when training starts, naming a parameter that no pattern matches
 * or a pattern that is left without parameters.
 * Example: `partition({ "**.bias": sgd(0.01), "**": sgd(0.1) })`
 */
export function partition(groups: { readonly [pattern: string]: GradientTransform }): GradientTransform {
  if (!isPlain(groups) || isTransform(groups) || Object.keys(groups).length === 0)
    throw new TypeError(
      `partition: expected transforms by pattern, as { "**.bias": sgd(0.01), "**": sgd(0.1) }, got ${showTransform(groups)}`,
    );
  const patterns = Object.keys(groups);
  const transforms = patterns.map((pattern) => groups[pattern]);
  patterns.forEach((pattern, i) => {
    checkTransform("partition", show(pattern), transforms[i]);
  });
  const parts = patterns.map((pattern, i) =>
    within(transforms[i].description, transforms[i], (block) => {
      const own: Range[] = [];
      for (const { path, offset, length } of block.segments) {
        const first = patterns.findIndex((p) => matchPath(p, path));
        if (first < 0)
          throw new DataError(
            `partition: no pattern of ${patterns.map(show).join(", ")} matches the parameter ${path}. Add "**" as the last`,
          );
        if (first === i) own.push({ offset, length });
      }
      if (own.length === 0) {
        checkPattern("partition", block, pattern);
        const before = patterns.slice(0, i).filter((p) => block.segments.some(({ path }) => matchPath(p, path)));
        throw new DataError(
          `partition: all that ${show(pattern)} matches goes to ${before.map(show).join(", ")}: the first pattern that matches has a parameter. Put it first`,
        );
      }
      return intersect(own, block.ranges);
    }),
  );
  return inSequence(`partition(${patterns.map((p, i) => `${p}: ${transforms[i].description}`).join(", ")})`, parts);
}

/** The parts of blocks that `find` names, each found once, from the tree's paths. */
export function partOf(find: (block: ParameterBlock) => Range[]): (block: ParameterBlock) => ParameterBlock {
  const parts = new WeakMap<ParameterBlock, ParameterBlock>();
  return (block) => {
    let found = parts.get(block);
    if (!found) {
      found = block.select(find(block));
      parts.set(block, found);
    }
    return found;
  };
}

function setZero(block: ParameterBlock): undefined {
  const { kernels } = block.runtime;
  block.pass((_, length, updates) => kernels.fill(length, 0, updates));
}

/** Runs `transform` on part of the block. */
function within(
  description: string,
  transform: GradientTransform,
  find: (block: ParameterBlock) => Range[],
): GradientTransform {
  const part = partOf(find);
  return {
    description,
    last: transform.last,
    parts: [{ transform, within: part }],
    init: (block) => transform.init(part(block)),
    prepare(state, context): undefined {
      transform.prepare?.(state, context);
    },
    observe: (state, context) => transform.observe?.(state, context),
    update(block, state, context): undefined {
      const own = part(block);
      own.changed();
      if (transform.update(own, state, context) === false) setZero(own); // the other parts may well have their update
      block.changed();
    },
  };
}
