// A float64 oracle in plain TypeScript for every op, and the random cases that op is tried on: one file a family.
// The list of ops drives the tests: an op exported from src/ops without an entry here fails test/structure/ops.test.ts.

import type { Oracles } from "./case.js";
import { castOracles } from "./elementwise/cast.oracles.js";
import { dropoutOracles } from "./elementwise/dropout.oracles.js";
import { elementwiseOracles } from "./elementwise/elementwise.oracles.js";
import { lerpOracles } from "./elementwise/lerp.oracles.js";
import { convOracles } from "./image/conv.oracles.js";
import { poolOracles } from "./image/pool.oracles.js";
import { arrangeOracles } from "./layout/arrange.oracles.js";
import { gatherOracles } from "./layout/gather.oracles.js";
import { layoutOracles } from "./layout/layout.oracles.js";
import { lossesOracles } from "./loss/losses.oracles.js";
import { softmaxOracles } from "./loss/softmax.oracles.js";
import { matmulOracles } from "./product/matmul.oracles.js";
import { normaliseOracles } from "./reduce/normalise.oracles.js";
import { reduceOracles } from "./reduce/reduce.oracles.js";
import { scanOracles } from "./reduce/scan.oracles.js";
import { recurrentOracles } from "./sequence/recurrent.oracles.js";

export { type Case, inputsOf, type Oracle, type Values } from "./case.js";

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
