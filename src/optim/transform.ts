// Gradient transforms: an optimizer is a chain of passes over one flat block, and order is what the user writes.
// A transform rewrites the updates in place; they start as the gradients and end as what is added to the parameters.
// An update has two phases: `prepare` asks all schedules and functions and may throw, then `update` rewrites.
import { show } from "../base/errors.js";
import type { ParameterBlock } from "../core/parameter-block.js";

/** What a transform keeps from step to step: slots, numbers, and states of transforms inside it. */
export type TransformState = { [name: string]: unknown };

/** What a transform is told at an update. */
export interface UpdateContext {
  /** Optimizer updates so far: 0 at the first. In front of `accumulate` it counts micro-batches, inside and behind it updates. */
  readonly t: number;
  /** The metrics that the loss returned at this step. */
  readonly metrics?: { readonly [name: string]: number };
  /** True for a micro-batch that makes no update yet: `prepare` and `observe` are called, and `update` is not. */
  readonly gathering?: boolean;
}

/**
 * What a transform makes of gradients. "pass": gradients stay gradients, updates updates (a clip, a momentum, an average).
 * "noise": the same, but it moves what is 0. "decay": adds the parameters to gradients. "update": makes a gradient the update,
 * rate and sign included; "movingUpdate": the same, and moves what has no gradient. "zero": no update.
 */
export type TransformKind = "pass" | "noise" | "decay" | "update" | "movingUpdate" | "zero";

/** A transform within another. */
export interface TransformPart {
  /** The one within. */
  readonly transform: GradientTransform;
  /** The part of the block that it is given; all of it where there is no such function. */
  within?(block: ParameterBlock): ParameterBlock;
  /** It is given the gradients of several steps at a time, as those of `accumulate`. */
  readonly gathers?: boolean;
}

/** A pass over the updates of a parameter block, in place: an optimizer, a clipping, a noise, or one of your own. */
export interface GradientTransform {
  /** What it is, with its settings; a checkpoint holds it and refuses another. */
  readonly description: string;
  /** It reads what will be added to the parameters, so `chain` lets nothing stand behind it. */
  readonly last?: boolean;
  /** What it makes of gradients, so that a chain that makes no update is refused. One of your own needs none: it is trusted. */
  readonly kind?: TransformKind;
  /** Or the transforms that it is made of, in order. */
  readonly parts?: readonly TransformPart[];
  /** What it keeps, before the first update. */
  init(block: ParameterBlock): TransformState;
  /**
   * Called before the first `update` of a step, for every transform of a chain: asks schedules and functions, which may
   * throw, and rewrites nothing. Returning false says that `update` will make no update.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: one that is written without a type returns void, not undefined
  prepare?(state: TransformState, context: UpdateContext): undefined | false | void;
  /** Called in place of `update` for a micro-batch that is only gathered. */
  observe?(state: TransformState, context: UpdateContext): void;
  /** Rewrites the updates within the block's ranges. Returning false says: no update this time. */
  // biome-ignore lint/suspicious/noConfusingVoidType: one that is written without a type returns void, not undefined
  update(block: ParameterBlock, state: TransformState, context: UpdateContext): undefined | false | void;
}

/** Whether it has what a gradient transform needs. */
export const isTransform = (value: unknown): value is GradientTransform =>
  typeof (value as GradientTransform)?.update === "function" && typeof (value as GradientTransform).init === "function";

/** A value as a message shows it, a transform by its description. */
export const showTransform = (value: unknown): string => (isTransform(value) ? value.description : show(value));

/** Throws TypeError for anything that is no gradient transform; `wayOut` is a sentence. */
export function checkTransform(owner: string, what: string, value: GradientTransform, wayOut?: string): void {
  if (isTransform(value)) return;
  const called =
    typeof value === "function" && /^[a-z]\w+$/.test((value as { name: string }).name)
      ? `Call it: ${(value as { name: string }).name}(0.1)`
      : undefined;
  const hint = called ?? wayOut;
  throw new TypeError(`${owner}: ${what} expected a gradient transform, got ${show(value)}${hint ? `. ${hint}` : ""}`);
}

/** What `prepare` found, in the transform's own state, where checkpoints do not see it. */
const ASKED = Symbol("what prepare found");
type Asked = { [ASKED]?: unknown };

/** Keeps what `prepare` found for the `update` that follows: a schedule is asked once. */
export function keep(state: TransformState, value: unknown): void {
  (state as Asked)[ASKED] = value;
}

/** What `prepare` found, or undefined where nobody prepared; given once. */
export function taken(state: TransformState): unknown {
  const value = (state as Asked)[ASKED];
  (state as Asked)[ASKED] = undefined;
  return value;
}

/** A transform that asks its schedules before it is applied. */
export interface Asking<V> {
  readonly description: string;
  readonly kind: TransformKind;
  init(block: ParameterBlock): TransformState;
  ask(context: UpdateContext, state: TransformState): V;
  apply(block: ParameterBlock, state: TransformState, value: V, context: UpdateContext): void;
}

/** The transform of it: `ask` is called once an update, by `prepare` or, where nobody prepares, by `update`. */
export function asking<V>({ description, kind, init, ask, apply }: Asking<V>): GradientTransform {
  return {
    description,
    kind,
    init,
    prepare(state, context): undefined {
      if (!context.gathering) keep(state, ask(context, state));
    },
    update(block, state, context): undefined {
      apply(block, state, (taken(state) as V | undefined) ?? ask(context, state), context);
    },
  };
}

/** Multiplies the updates. */
export function scaleUpdates(block: ParameterBlock, factor: number): void {
  const { kernels } = block.runtime;
  let harmless = 1;
  block.pass((_, length, updates) => {
    harmless &= kernels.scale(length, factor, updates);
  });
  block.found(harmless === 1);
}

/** Whether it is one of the library's parts, or of several: these tell the block what they write. */
export const isOurs = ({ kind, parts }: GradientTransform): boolean => kind !== undefined || parts !== undefined;

/** Whether it may say "no update this time" to a chain that it stands in: `accumulate`, and whatever is not ours. */
function maySkip({ kind, parts }: GradientTransform): boolean {
  if (parts) return parts.some(({ transform, within, gathers }) => gathers || (!within && maySkip(transform)));
  return kind === undefined;
}

/** The transforms one after another, whatever they are; the first that makes no update ends it. */
export function inSequence(
  description: string,
  transforms: readonly GradientTransform[],
  parts: readonly TransformPart[] = transforms.map((transform) => ({ transform })),
): GradientTransform {
  const skips = transforms.slice(0, -1).some(maySkip);
  const ours = transforms.map(isOurs);
  /** What part i is told: behind one that skipped, t counts what came through. */
  const told = (state: TransformState, i: number, context: UpdateContext): UpdateContext => {
    if (!skips) return context;
    let skipped = 0;
    for (let j = 0; j < i; j++) skipped += (state.skipped as number[])[j];
    return skipped === 0 ? context : { ...context, t: context.t - skipped };
  };
  const observe = (state: TransformState, context: UpdateContext, from: number): void => {
    const states = state.parts as TransformState[];
    for (let i = from; i < transforms.length; i++)
      transforms[i].observe?.(states[i], { ...told(state, i, context), gathering: true });
  };
  const prepare = (state: TransformState, context: UpdateContext): undefined | false => {
    const states = state.parts as TransformState[];
    let running = !context.gathering;
    for (let i = 0; i < transforms.length; i++) {
      const own = told(state, i, context);
      const answer = transforms[i].prepare?.(states[i], running ? own : { ...own, gathering: true });
      if (answer === false) running = false;
    }
    keep(state, true);
    return running ? undefined : false;
  };
  return {
    description,
    parts,
    last: transforms.some(({ last }) => last),
    init: (block) => ({
      parts: transforms.map((transform) => transform.init(block)),
      ...(skips ? { skipped: transforms.map(() => 0) } : {}),
    }),
    prepare,
    observe: (state, context) => observe(state, context, 0),
    update(block, state, context) {
      const states = state.parts as TransformState[];
      if (!taken(state)) {
        prepare(state, context); // nobody did: all parts are asked before the first rewrites anything
        taken(state);
      }
      for (let i = 0; i < transforms.length; i++) {
        if (i > 0) block.changed(); // the part before may have written through a view that it held
        if (transforms[i].update(block, states[i], told(state, i, context)) === false) {
          observe(state, context, i + 1);
          if (skips && i < transforms.length - 1) (state.skipped as number[])[i]++;
          return false;
        }
        if (!ours[i]) block.changed();
      }
    },
  };
}
