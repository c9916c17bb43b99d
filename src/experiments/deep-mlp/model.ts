// The network: very many narrow ReLU layers, from one of the paper's initial weights.
import type { Layer, MlpParams } from "../../nn/index.js";
import * as nn from "../../nn/index.js";

/** Bad Init, Simple Init, and the two Good Inits. */
export const INITS = {
  zero: nn.init.zeros,
  simple: nn.init.normal(0.1),
  "sussillo-abbott": nn.init.sussilloAbbott,
  he: nn.init.he,
} as const;

const CLASSES = 10;

/** What the network is. */
export interface DeepMlp {
  readonly init: keyof typeof INITS;
  /** Value of every bias at the start. */
  readonly bias: number;
  /** Hidden layers, and units in each. */
  readonly layers: number;
  readonly width: number;
  /** Probability of dropping a hidden unit. */
  readonly dropout: number;
}

/**
 * The network as a layer.
 *
 * Shapes: [examples, pixels] -> logits [examples, 10]. Throws RangeError for sizes below 1.
 * Example: `deepMlpModel({ init: "zero", bias: 0, layers: 20, width: 50, dropout: 0 }, 784).init(random.key(1))`
 */
export function deepMlpModel(s: DeepMlp, pixels: number): Layer<MlpParams> {
  return nn.mlp([pixels, ...Array<number>(s.layers).fill(s.width), CLASSES], {
    init: INITS[s.init],
    bias: s.bias,
    dropout: s.dropout,
  });
}

/** How many parameters that are. */
export const parametersOf = (pixels: number, layers: number, width: number): number =>
  (pixels + 1) * width + (layers - 1) * (width + 1) * width + CLASSES * (width + 1);
