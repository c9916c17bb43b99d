// Two spirals, one a class: each winds around the origin, the other lies half a turn away, and every point is a little off.
// Source of the task: Lang & Witbrock 1988, Learning to tell two spirals apart.
import { cos, key, normal, sin, uniform } from "../../core/random.js";
import { tensor } from "../../core/tensor.js";
import { dataset } from "../../data/index.js";
import { checkLabelled, type DataSource, type LabelledData, labelledDigest } from "../data.js";

const TRAIN = 1000;
const TEST = 500;
const TURNS = 2;
const SPREAD = 0.02; // std of a point's distance from its line, of a radius of 1

/** Shapes: x [count, 2], y [count]; the classes take turns. */
function draw(count: number, seed: number): LabelledData["train"] {
  const along = uniform(key(seed), [count], { low: 0.1, high: 1 }).data;
  const off = normal(key(seed), [count, 2], { std: SPREAD }).data;
  const x = new Float32Array(2 * count);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    y[i] = i % 2;
    const angle = 2 * Math.PI * TURNS * along[i] + Math.PI * y[i];
    x[2 * i] = along[i] * cos(angle) + off[2 * i];
    x[2 * i + 1] = along[i] * sin(angle) + off[2 * i + 1];
  }
  return dataset({ x: tensor(x, [count, 2]), y }, { classes: 2 });
}

export const spirals: DataSource<LabelledData> = {
  embedded: { spirals: () => ({ train: draw(TRAIN, 1), test: draw(TEST, 2) }) },
  help: "spirals, drawn by the library",
  check: (owner, data) => checkLabelled(owner, data, "Leave it to the experiment's own data"),
  digest: (data) => labelledDigest(data),
};
