// One transform of several, in the order they are written; an order that would do harm is refused.
import { addsNoise, checkOrder, gathers } from "./check.js";
import { checkTransform, type GradientTransform, inSequence } from "./transform.js";

/**
 * Transforms one after another, in the order they are written, as arguments or as one list.
 *
 * Throws TypeError for anything that is no transform, where something stands behind an average of the parameters, for two
 * optimizers in a row, for weight decay behind an optimizer, and for noise in front of `accumulate`.
 * Example: `chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`
 */
export function chain(
  ...transforms: readonly GradientTransform[] | readonly [readonly GradientTransform[]]
): GradientTransform {
  const list = [...(transforms.length === 1 && Array.isArray(transforms[0]) ? transforms[0] : transforms)];
  list.forEach((transform: GradientTransform, i) => {
    checkTransform("chain", `argument ${i}`, transform);
    if (transform.last && i < list.length - 1)
      throw new TypeError(
        `chain: ${(list[i + 1] as GradientTransform).description} stands behind ${transform.description}, which averages the parameters that the finished updates make. Put that last`,
      );
  });
  const all = list as GradientTransform[];
  const gathering = all.map(gathers).lastIndexOf(true);
  const noise = all.slice(0, Math.max(0, gathering)).find(addsNoise);
  if (noise)
    throw new TypeError(
      `chain: ${noise.description} stands in front of ${all[gathering].description}: it would be added to every micro-batch, and not once an update. Put it inside: accumulate(count, chain(noise, optimizer))`,
    );
  const made = inSequence(`chain(${all.map(({ description }) => description).join(", ")})`, all);
  checkOrder("chain", made);
  return made;
}
