// Initial weights. Every initialiser is (key, shape) -> host tensor; weights are [nIn, nOut].
import { checkNumber, isPlain, show } from "../base/errors.js";
import { checkShape, type Shape } from "../base/shape.js";
import { checkKey, exp, foldIn, type Key, normal as normalDraw, uniform as uniformDraw } from "../core/random.js";
import { full, type Tensor, tensor, zeros as zeroTensor } from "../core/tensor.js";
import { checkNoMore } from "./checks.js";

/** Makes a parameter's first values from a key; weights are [nIn, nOut], kernels of images [kh, kw, nIn, nOut]. */
export type Initializer = (key: Key, shape: Shape) => Tensor;

/** The shape that an initialiser is asked for. Throws TypeError where it is called as if it made one. */
function asked(name: string, key: unknown, shape: unknown): Shape {
  if (shape === undefined)
    throw new TypeError(
      `${name}: it is an initialiser itself, (key, shape) => tensor, got ${show(key)}. Write { init: nn.init.${name} }, without calling it`,
    );
  return checkShape(name, shape);
}

/** As `asked`, for one that draws. */
function askedToDraw(name: string, key: unknown, shape: unknown): Shape {
  const checked = asked(name, key, shape);
  checkKey(name, key);
  return checked;
}

/** Checks the only argument of a function that makes an initialiser; `hint` says what the second would have been. */
function checkSetting(
  name: string,
  setting: string,
  given: readonly unknown[],
  rule: string,
  least: number,
  hint = "",
) {
  const [value, ...rest] = given;
  const sample = name === "orthogonal" ? "1" : "0.1";
  if (isPlain(value)) {
    const own = value[setting];
    const call = `nn.init.${name}(${typeof own === "number" ? own : sample})`;
    throw new TypeError(
      `${name}: "${setting}" expected a number ${rule}, got ${show(value)}. ${call} makes the initialiser: write ${own === undefined ? `{ init: ${call} }` : call}`,
    );
  }
  checkNumber(name, setting, value, rule, (v) => v >= least);
  checkNumber(name, setting, value, "in the range of float32", (v) => Number.isFinite(Math.fround(v)));
  checkNoMore(name, rest, `"${setting}" stands alone${hint && `: ${hint}`}`);
}

/**
 * All zero: the paper's bad start, from which only noise leads away.
 * Shapes: the shape asked for. Throws ShapeError for a shape that is none. Example: `nn.init.zeros(key, [784, 50])`
 */
export const zeros: Initializer = (key, shape) => zeroTensor(asked("zeros", key, shape));

/**
 * One value everywhere.
 * Shapes: the shape asked for. Throws RangeError or TypeError for a value that is no finite number.
 * Example: `nn.init.constant(0.1)(key, [50])`
 */
export function constant(value: number): Initializer;
export function constant(...given: unknown[]): Initializer {
  checkSetting("constant", "value", given, "that is finite", Number.NEGATIVE_INFINITY);
  return (_, shape) => full(shape, given[0] as number);
}

/**
 * N(0, std^2); the paper's Simple Init has std 0.1.
 * Shapes: the shape asked for. Throws RangeError for a negative std. Example: `nn.init.normal(0.1)(key, [784, 50])`
 */
export function normal(std?: number): Initializer;
export function normal(std = 0.1, ...rest: unknown[]): Initializer {
  checkSetting("normal", "std", [std, ...rest], ">= 0", 0, "the mean is 0");
  return (key, shape) => normalDraw(key, shape, { std });
}

/**
 * Uniform in [-limit, limit).
 * Shapes: the shape asked for. Throws RangeError for a negative limit. Example: `nn.init.uniform(0.05)(key, [784, 50])`
 */
export function uniform(limit: number): Initializer;
export function uniform(...given: unknown[]): Initializer {
  checkSetting("uniform", "limit", given, ">= 0", 0, "the interval is [-limit, limit)");
  const limit = given[0] as number;
  return (key, shape) => uniformDraw(key, shape, { low: -limit, high: limit });
}

/** Inputs and outputs of a unit: the last two axes, times the area of a kernel before them. */
function fans(shape: Shape): { nIn: number; nOut: number } {
  const [a, b] = shape.length < 2 ? [1, shape[0] ?? 1] : shape.slice(-2);
  const area = shape.slice(0, -2).reduce((n, size) => n * size, 1);
  return { nIn: area * a, nOut: area * b };
}

/**
 * N(0, 2 / nIn): keeps the scale of activations through ReLU layers.
 *
 * Shapes: the shape asked for; nIn is the product of all axes but the last. Throws TypeError for what is no key.
 * Example: `nn.init.he(key, [784, 50])`. Source: He et al. 2015, arXiv 1502.01852, equation 10.
 */
export const he: Initializer = (key, shape) =>
  normalDraw(key, shape, { std: Math.sqrt(2 / fans(askedToDraw("he", key, shape)).nIn) });

/**
 * Uniform with variance 2 / nIn.
 * Shapes: as he. Throws TypeError for what is no key.
 * Example: `nn.init.heUniform(key, [784, 50])`. Source: He et al. 2015, arXiv 1502.01852, equation 10.
 */
export const heUniform: Initializer = (key, shape) =>
  uniform(Math.sqrt(6 / fans(askedToDraw("heUniform", key, shape)).nIn))(key, shape);

/**
 * N(0, 1 / nIn): keeps the scale through layers that are linear around 0, such as tanh.
 * Shapes: as he. Throws TypeError for what is no key.
 * Example: `nn.init.lecun(key, [784, 50])`. Source: LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.6.
 */
export const lecun: Initializer = (key, shape) =>
  normalDraw(key, shape, { std: Math.sqrt(1 / fans(askedToDraw("lecun", key, shape)).nIn) });

/**
 * Uniform with variance 2 / (nIn + nOut).
 *
 * Shapes: the shape asked for; nIn and nOut are the last two axes times all before them. Throws TypeError for what is no key.
 * Example: `nn.init.glorot(key, [784, 50])`. Source: Glorot & Bengio 2010, equation 16.
 */
export const glorot: Initializer = (key, shape) => {
  const { nIn, nOut } = fans(askedToDraw("glorot", key, shape));
  return uniform(Math.sqrt(6 / (nIn + nOut)))(key, shape);
};

/**
 * N(0, 2 / (nIn + nOut)).
 * Shapes: as glorot. Throws TypeError for what is no key.
 * Example: `nn.init.glorotNormal(key, [784, 50])`. Source: Glorot & Bengio 2010, equation 12.
 */
export const glorotNormal: Initializer = (key, shape) => {
  const { nIn, nOut } = fans(askedToDraw("glorotNormal", key, shape));
  return normalDraw(key, shape, { std: Math.sqrt(2 / (nIn + nOut)) });
};

/**
 * N(0, std^2) with what lies beyond 2 std drawn again; its own standard deviation is 0.88 std.
 * Shapes: the shape asked for. Throws RangeError for a negative std.
 * Example: `nn.init.truncatedNormal(0.1)(key, [784, 50])`. Source: tf.random.truncated_normal.
 */
export function truncatedNormal(std?: number): Initializer;
export function truncatedNormal(std = 0.1, ...rest: unknown[]): Initializer {
  checkSetting("truncatedNormal", "std", [std, ...rest], ">= 0", 0, "the mean is 0, the limits are 2 std");
  return (key, shape) => {
    const out = normalDraw(key, shape, { std });
    const { data } = out;
    const limit = Math.fround(2 * std);
    for (let round = 1; data.some((v) => v < -limit || v > limit); round++) {
      const again = normalDraw(foldIn(key, round), shape, { std }).data;
      for (let i = 0; i < data.length; i++) if (data[i] < -limit || data[i] > limit) data[i] = again[i];
    }
    return out;
  };
}

/**
 * Orthonormal columns (rows where there are more columns), times `gain`: keeps the length of what passes through.
 *
 * Shapes: the shape asked for; the last axis is the columns. Throws RangeError or TypeError for a gain that is no finite number.
 * Example: `nn.init.orthogonal()(key, [50, 50])`
 * Source: Saxe, McClelland & Ganguli 2014, arXiv 1312.6120. Gram-Schmidt in double precision, twice.
 */
export function orthogonal(gain?: number): Initializer;
export function orthogonal(gain = 1, ...rest: unknown[]): Initializer {
  checkSetting("orthogonal", "gain", [gain, ...rest], "that is finite", Number.NEGATIVE_INFINITY);
  return (key, given) => {
    const shape = checkShape("orthogonal", given);
    const columns = shape[shape.length - 1] ?? 1;
    const rows = shape.slice(0, -1).reduce((n, size) => n * size, 1);
    const [long, short] = rows >= columns ? [rows, columns] : [columns, rows];
    const draws = normalDraw(key, [short, long]).data;
    const basis = Array.from({ length: short }, (_, i) => Float64Array.from(draws.subarray(i * long, (i + 1) * long)));
    basis.forEach((v, i) => {
      for (let pass = 0; pass < 2; pass++)
        for (let j = 0; j < i; j++) {
          const along = dot(v, basis[j]);
          for (let l = 0; l < long; l++) v[l] -= along * basis[j][l];
        }
      const norm = Math.sqrt(dot(v, v));
      for (let l = 0; l < long; l++) v[l] /= norm;
    });
    const out = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[r * columns + c] = gain * (rows >= columns ? basis[c][r] : basis[r][c]);
    return tensor(out, shape);
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * N(0, g^2 / nIn) with the gain g = sqrt(2) exp(1.2 / (max(nOut, 6) - 2.4)) of ReLU networks: random walk initialisation.
 *
 * Shapes: as glorot. Throws TypeError for what is no key. Example: `nn.init.sussilloAbbott(key, [50, 50])`
 * Source: Sussillo & Abbott 2014, arXiv 1412.6558, equation 17.
 */
export const sussilloAbbott: Initializer = (key, shape) => {
  const { nIn, nOut } = fans(askedToDraw("sussilloAbbott", key, shape));
  const gain = Math.sqrt(2) * exp(1.2 / (Math.max(nOut, 6) - 2.4));
  return normalDraw(key, shape, { std: gain / Math.sqrt(nIn) });
};
