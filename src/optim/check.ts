// What a chain of the library's own parts makes of gradients, followed element by element: one that ends in gradients would
// climb, one with two optimizers too, and what stands behind the wrong part does harm. Transforms of the user's own are trusted.
import { under } from "../base/tree.js";
import type { ParameterBlock } from "../core/parameter-block.js";
import { checkTransform, type GradientTransform } from "./transform.js";

/** What each element is: still a gradient (0), or what the transform of this number made of it. */
interface Walk {
  readonly owner: string;
  readonly elements: Uint16Array;
  readonly makers: (GradientTransform | undefined)[];
}

const harms = {
  update: (a: string, b: string) =>
    `${b} stands behind ${a}: it takes an update for a gradient, and the sign turns around. Take one of them`,
  decay: (a: string, b: string) =>
    `${b} stands behind ${a}: there the parameters are added to what is added to them, and grow. Put it before, or take adamw`,
  frozen: (a: string, b: string) => `${b} stands behind ${a} and moves what is frozen. Put the freezing last`,
};

/** What `after` does wrong behind `before`. */
function harmOf(before: GradientTransform | undefined, after: GradientTransform): keyof typeof harms | undefined {
  const { kind } = after;
  if (before?.kind === "zero") return kind === "pass" || kind === "update" || kind === "zero" ? undefined : "frozen";
  if (before?.kind !== "update" && before?.kind !== "movingUpdate") return undefined;
  return kind === "update" || kind === "movingUpdate" ? "update" : kind === "decay" ? "decay" : undefined;
}

/** Passes `transform` over the elements of the block, or over the one that stands for all where there is none yet. */
function follow(walk: Walk, transform: GradientTransform, block: ParameterBlock | undefined): void {
  const { owner, elements, makers } = walk;
  if (transform.parts) {
    for (const part of transform.parts) {
      const before = elements[0];
      follow(walk, part.transform, block && part.within ? part.within(block) : block);
      // without a block nobody knows which elements a mask names
      if (!block && part.within && elements[0] !== before) elements[0] = makers.push(undefined) - 1;
    }
    return;
  }
  const own = makers.push(transform) - 1;
  const { kind } = transform;
  if (kind === "pass") return;
  for (const { offset, length } of block?.ranges ?? [{ offset: 0, length: 1 }])
    for (let i = offset; i < offset + length; i++) {
      const before = makers[elements[i]];
      const harm = kind && harmOf(before, transform);
      if (harm && before) {
        const at = block && harm === "frozen" ? ` (${pathOf(block, i)})` : "";
        throw new TypeError(`${owner}: ${harms[harm](before.description, transform.description + at)}`);
      }
      if (kind !== "noise" && kind !== "decay" && before?.kind !== "zero") elements[i] = own;
    }
}

const pathOf = (block: ParameterBlock, i: number): string =>
  under("params", block.segments.find(({ offset, length }) => i < offset + length)?.path ?? "");

function walkOver(owner: string, transform: GradientTransform, block: ParameterBlock | undefined): Uint16Array {
  const elements = new Uint16Array(block?.length ?? 1);
  follow({ owner, elements, makers: [undefined] }, transform, block);
  return elements;
}

/** Throws TypeError where transforms harm each other in this order, masks left aside: what `chain` can see. */
export function checkOrder(owner: string, transform: GradientTransform): void {
  walkOver(owner, transform, undefined);
}

/** For every parameter, whether some of it is still a gradient behind `transform`. Throws as `checkOptimizer` for harms. */
export function unfinished(owner: string, transform: GradientTransform, block: ParameterBlock): boolean[] {
  const elements = walkOver(owner, transform, block);
  return block.segments.map(({ offset, length }) => elements.subarray(offset, offset + length).includes(0));
}

/**
 * Throws TypeError for what is no transform, and for one of the library's own parts that leaves gradients as they are, which
 * would be added and raise the loss, or in which two optimizers meet. Give it the block that the transform will be
 * initialised with: without it masks cannot be looked through, and what stands under them is let pass. @internal
 */
export function checkOptimizer(owner: string, transform: GradientTransform, block?: ParameterBlock): void {
  checkTransform(owner, '"optimizer"', transform);
  const elements = walkOver(owner, transform, block);
  const first = elements.indexOf(0);
  if (first < 0) return;
  const { description } = transform;
  if (!block || elements.every((maker) => maker === 0))
    throw new TypeError(
      `${owner}: "optimizer" makes no update: ${description} leaves gradients, and to add these raises the loss. Append an optimizer: ${appended(transform)}`,
    );
  throw new TypeError(
    `${owner}: "optimizer" makes no update of ${pathOf(block, first)}: ${description} leaves its gradient, and to add that raises the loss. Give it an optimizer as well, as partition({ ..., "**": sgd(0.1) }) does, or freeze it`,
  );
}

function appended({ description, parts }: GradientTransform): string {
  const inner = description.startsWith("chain(") ? parts?.map(({ transform }) => transform.description) : [description];
  return `chain(${[...(inner ?? []), "sgd(0.1)"].join(", ")})`;
}

const anyPart = (transform: GradientTransform, holds: (t: GradientTransform) => boolean): boolean =>
  holds(transform) || (transform.parts?.some((part) => anyPart(part.transform, holds)) ?? false);

/** Whether `accumulate` is somewhere in it. */
export const gathers = (transform: GradientTransform): boolean =>
  anyPart(transform, ({ parts }) => parts?.some((part) => part.gathers) ?? false);

/** Whether it adds noise at every step that it is given. */
export const addsNoise = ({ kind, parts }: GradientTransform): boolean =>
  kind === "noise" || (parts?.some((part) => !part.gathers && addsNoise(part.transform)) ?? false);
