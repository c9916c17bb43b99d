// A float64 oracle in plain TypeScript for every op, and the random cases that op is tried on: one file a family.
// The list of ops drives the tests: an op exported from src/ops without an entry here fails them.

import { arrangeOracles } from "./oracles/arrange.js";
import type { Oracles } from "./oracles/case.js";
import { castOracles } from "./oracles/cast.js";
import { convOracles } from "./oracles/conv.js";
import { dropoutOracles } from "./oracles/dropout.js";
import { elementwiseOracles } from "./oracles/elementwise.js";
import { gatherOracles } from "./oracles/gather.js";
import { layoutOracles } from "./oracles/layout.js";
import { lerpOracles } from "./oracles/lerp.js";
import { lossesOracles } from "./oracles/losses.js";
import { matmulOracles } from "./oracles/matmul.js";
import { normaliseOracles } from "./oracles/normalise.js";
import { poolOracles } from "./oracles/pool.js";
import { recurrentOracles } from "./oracles/recurrent.js";
import { reduceOracles } from "./oracles/reduce.js";
import { scanOracles } from "./oracles/scan.js";
import { softmaxOracles } from "./oracles/softmax.js";

export { type Case, inputsOf, type Oracle, type Values } from "./oracles/case.js";

export const oracles: Oracles = {
  ...arrangeOracles,
  ...castOracles,
  ...convOracles,
  ...dropoutOracles,
  ...elementwiseOracles,
  ...gatherOracles,
  ...layoutOracles,
  ...lerpOracles,
  ...lossesOracles,
  ...matmulOracles,
  ...normaliseOracles,
  ...poolOracles,
  ...recurrentOracles,
  ...reduceOracles,
  ...scanOracles,
  ...softmaxOracles,
};
