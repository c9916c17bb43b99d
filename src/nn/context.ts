// What a layer is told besides parameters and input: whether it trains, and keys. A context counts the keys that it gives
// out in a step, so that two layers given one context draw apart; a container draws one key and derives its parts' from it.
import { isPlain, show } from "../base/errors.js";
import { checkKey, DOMAIN, derive, type Key } from "../core/random.js";
import { countDraw, currentScope } from "../core/scope.js";
import type { LayerContext } from "./layers.js";

/**
 * Whether a layer that trains otherwise than it predicts is to train. Throws TypeError for what is no context, and in a
 * trainer's step or a gradient for a context that does not say: `call` shows how it is passed on.
 */
export function isTraining(owner: string, context: LayerContext | undefined, call: string): boolean {
  const training: unknown = context?.training;
  if (typeof training === "boolean") return training;
  const known = isPlain(context) && Object.keys(context).every((name) => name === "key" || name === "training");
  if (training !== undefined || !(context === undefined || context === null || known))
    throw new TypeError(
      `${owner}: "context" expected { training, key }, got ${training === undefined ? show(context) : `{ training: ${show(training)} }`}. Pass the loss's context on: ${call}`,
    );
  if (currentScope()?.isTraining)
    throw new TypeError(
      `${owner}: in training it needs the loss's context, got ${show(context)}. Pass it on: ${call}; or, to evaluate, { training: false } in its place`,
    );
  return false;
}

/** A fresh key of the context: another one at every call of a step, the same ones in every run of that step. */
export function drawKey(owner: string, context: LayerContext): Key {
  const { key } = context;
  if (key === undefined)
    throw new TypeError(
      `${owner}: it needs a key in training; pass the loss's context on: layer.apply(params, x, context). A copy { ...context } has no key: write { ...context, key: random.foldIn(context.key, i) }`,
    );
  checkKey(`${owner}: context.key`, key);
  return derive(key, countDraw(context), DOMAIN.draw);
}

/** The key of layer i of a container that drew `own`. */
export const layerKey = (own: Key, i: number): Key => derive(own, i, DOMAIN.layer);

/** The contexts of a container's layers in one call. The container's key is drawn when the first of them asks for its own. */
class Parts {
  private own: Key | undefined;

  constructor(
    private readonly owner: string,
    private readonly context: LayerContext,
  ) {}

  keyOf(i: number): Key | undefined {
    if (this.own === undefined) {
      if (this.context.key === undefined) return undefined;
      this.own = drawKey(this.owner, this.context);
    }
    return layerKey(this.own, i);
  }
}

class PartContext implements LayerContext {
  readonly #parts: Parts;
  readonly #index: number;

  constructor(
    parts: Parts,
    index: number,
    readonly training: boolean,
  ) {
    this.#parts = parts;
    this.#index = index;
  }

  get key(): Key | undefined {
    return this.#parts.keyOf(this.#index);
  }
}

/** What gives layer i of a container its context; one that does not say whether to train is passed on as it is. */
export function partContexts(
  owner: string,
  context: LayerContext | undefined,
): (i: number) => LayerContext | undefined {
  const training = context?.training;
  if (context === undefined || typeof training !== "boolean") return () => context;
  const parts = new Parts(owner, context);
  return (i) => new PartContext(parts, i, training);
}
