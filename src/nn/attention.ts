// Attention: every query is answered by a weighted mean of values, weighed by how well its keys fit.
import { checkInteger, DataError, isPlain, ShapeError, show } from "../base/errors.js";
import { type Rules, readOptions } from "../base/options.js";
import { checkShape, showShape } from "../base/shape.js";
import { checkKey, foldIn, type Key } from "../core/random.js";
import { hostTensor, isTensor, type Tensor, tensor } from "../core/tensor.js";
import type { TensorLike } from "../ops/define.js";
import { add, mul, sub } from "../ops/elementwise/index.js";
import { reshape, transpose } from "../ops/layout/layout.js";
import { softmax } from "../ops/loss/softmax.js";
import { matmul } from "../ops/product/matmul.js";
import { initRule, misapplied } from "./checks.js";
import { glorot, type Initializer } from "./init.js";
import { type LayerContext, type LinearParams, linear } from "./layers.js";

/** What attention may look at. */
export interface AttentionOptions {
  /** 1 where a query may look at a key, 0 where not; broadcast to [.., queries, keys]. */
  readonly mask?: TensorLike;
}

/** Host masks whose values were looked at: a mask that is kept is checked once. */
const checked = new WeakSet<Tensor>();

/** A mask as a tensor. Throws DataError for a value of a host tensor that is neither 1 nor 0: it would hide, and scale. */
function readMask(owner: string, value: unknown): Tensor {
  if (!isTensor(value) && typeof value !== "number" && !Array.isArray(value))
    throw new TypeError(`${owner}: "mask" expected a tensor of 1 and 0, got ${show(value)}`);
  const mask = isTensor(value) ? value : tensor(value);
  if (!mask.isHost || checked.has(mask)) return mask;
  if (mask.dtype !== "float32") throw new TypeError(`${owner}: "mask" expected float32, got ${mask.dtype}`);
  const at = mask.data.findIndex((v: number) => v !== 0 && v !== 1);
  if (at >= 0)
    throw new DataError(
      `${owner}: the mask's value ${mask.data[at]} at position ${at} is neither 1, a key to look at, nor 0, one to hide. Of a mask that is added to scores make where(less(mask, 0), 0, 1)`,
    );
  checked.add(mask);
  return mask;
}

const rules: Rules<AttentionOptions> = { mask: (owner, _, value) => readMask(owner, value) };

/** The mask among the options. A plain object that holds a tensor and nothing else is read without the rules: no copy. */
function maskOf(owner: string, options: AttentionOptions | undefined): Tensor | undefined {
  if (options === undefined) return undefined;
  if (isTensor(options) || Array.isArray(options))
    throw new TypeError(`${owner}: a mask stands among the options, got ${show(options)}. Write { mask }`);
  if (Object.getPrototypeOf(Object(options)) === Object.prototype && isTensor(options.mask)) {
    let count = 0;
    for (const _ in options) count++;
    if (count === 1) return readMask(owner, options.mask);
  }
  return readOptions(owner, options, rules).mask as Tensor | undefined;
}

// far below any score, and far from the end of the range: a score added to it is lost
const HIDDEN = 1e30;

/**
 * softmax(q k' / sqrt(d)) v: scaled dot-product attention. Queries whose every key is masked get 0.
 *
 * Shapes: q [.., queries, d], k [.., keys, d], v [.., keys, e] -> [.., queries, e]; leading axes and the mask broadcast.
 * Throws ShapeError when they do not fit, TypeError for what is no tensor and for unknown options, DataError for a mask of
 * other values than 1 and 0.
 * Example: `nn.attention(x, x, x, { mask: nn.causalMask(2) })`. Source: Vaswani et al. 2017, arXiv 1706.03762, equation 1
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor {
  const mask = maskOf("attention", options);
  if (!isTensor(q) || !isTensor(k) || !isTensor(v)) {
    const [name, value] = [["q", q] as const, ["k", k] as const, ["v", v] as const].find(([, x]) => !isTensor(x))!;
    throw new TypeError(
      `attention: "${name}" expected a tensor, got ${show(value)}. Write nn.attention(q, k, v, { mask })`,
    );
  }
  const size = q.shape[q.rank - 1];
  const scores = matmul(mul(q, 1 / Math.sqrt(size)), k, { transposeB: true });
  if (mask === undefined) return matmul(softmax(scores), v);
  const weights = softmax(add(scores, mul(sub(mask, 1), HIDDEN)));
  return matmul(mul(weights, mask), v);
}

/**
 * The mask under which query i sees keys 0..i: 1 on and below the diagonal. With more keys than queries, the queries are the last.
 * Shapes: [queries, keys]. Throws RangeError for sizes that are no integers >= 0. Example: `nn.causalMask(4)`
 */
export function causalMask(queries: number, keys = queries): Tensor {
  checkInteger("causalMask", "queries", queries);
  checkInteger("causalMask", "keys", keys);
  const data = new Float32Array(queries * keys);
  for (let i = 0; i < queries; i++)
    data.fill(1, i * keys, i * keys + Math.max(0, Math.min(keys, i + 1 + keys - queries)));
  return hostTensor(data, checkShape("causalMask", [queries, keys]));
}

/** The four projections, each [size, size] with a bias. */
export interface MultiHeadAttentionParams {
  query: LinearParams;
  key: LinearParams;
  value: LinearParams;
  output: LinearParams;
}

/** A layer that takes up to three inputs; with one it stands in `sequential` and `residual`. */
export interface MultiHeadAttention {
  init(key: Key): MultiHeadAttentionParams;
  apply(params: MultiHeadAttentionParams, x: Tensor, context?: LayerContext): Tensor;
  /** `key` is the query by default, `value` the key. */
  apply(
    params: MultiHeadAttentionParams,
    query: Tensor,
    key?: Tensor,
    value?: Tensor,
    options?: AttentionOptions,
  ): Tensor;
}

/**
 * Attention in `heads` parts of the features side by side, each with its own projections; then a linear layer over all.
 *
 * Shapes: query [.., queries, size], key and value [.., keys, size] -> [.., queries, size]. The mask is [queries, keys], or has
 * the leading axes of the query as well, or those and an axis of heads before the last two.
 * Throws RangeError unless heads divides size, ShapeError when inputs do not fit, TypeError for unknown options.
 * Example: `nn.multiHeadAttention(8, 2).init(random.key(1))`. Source: Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2
 */
export function multiHeadAttention(
  size: number,
  heads: number,
  options?: { /** Of the weights; Glorot by default. */ init?: Initializer },
): MultiHeadAttention {
  checkInteger("multiHeadAttention", "size", size, 1);
  checkInteger("multiHeadAttention", "heads", heads, 1);
  if (size % heads !== 0)
    throw new RangeError(
      `multiHeadAttention: ${heads} heads do not share a size of ${size} evenly. Choose a divisor of the size`,
    );
  const { init = glorot } = readOptions("multiHeadAttention", options, { init: initRule });
  const layer = linear(size, size, { init });

  /** [.., n, size] -> [.., heads, n, size / heads]. */
  const split = (x: Tensor): Tensor => {
    const { shape, rank } = x;
    const parts = reshape(x, [...shape.slice(0, -1), heads, size / heads]);
    return transpose(parts, swapBefore(rank + 1));
  };

  /** A mask with the leading axes of the query needs one for the heads. */
  const perHead = (mask: Tensor, rank: number): Tensor =>
    rank > 2 && mask.rank === rank ? reshape(mask, [...mask.shape.slice(0, -2), 1, ...mask.shape.slice(-2)]) : mask;

  return {
    init(key) {
      checkKey("multiHeadAttention.init", key);
      return {
        query: layer.init(foldIn(key, 0)),
        key: layer.init(foldIn(key, 1)),
        value: layer.init(foldIn(key, 2)),
        output: layer.init(foldIn(key, 3)),
      };
    },
    apply(params, query, third?: Tensor | LayerContext, fourth?: Tensor, options?: AttentionOptions) {
      if (params?.query === undefined || params.output === undefined || query === undefined)
        misapplied("multiHeadAttention", params, query, ["query", "key", "value", "output"]);
      const mask = maskOf("multiHeadAttention", options);
      // a container's third argument is a context
      const key = third === undefined || isContext(third) ? query : third;
      const value = fourth ?? key;
      check("query", query);
      check("key", key);
      check("value", value);
      const answers = attention(
        split(layer.apply(params.query, query)),
        split(layer.apply(params.key, key)),
        split(layer.apply(params.value, value)),
        mask === undefined ? undefined : { mask: perHead(mask, query.rank) },
      );
      const joined = transpose(answers, swapBefore(answers.rank));
      return layer.apply(params.output, reshape(joined, [...joined.shape.slice(0, -2), size]));
    },
  };

  /** Throws unless x is a tensor [.., n, size]. */
  function check(name: string, x: unknown): void {
    if (!isTensor(x))
      throw new TypeError(
        `multiHeadAttention: the ${name} expected a tensor, got ${show(x)}. Write layer.apply(params, query, key, value, { mask })`,
      );
    if (x.rank < 2 || x.shape[x.rank - 1] !== size)
      throw new ShapeError(
        `multiHeadAttention: the ${name} ${showShape(x.shape)} must be [.., ${name === "query" ? "queries" : "keys"}, ${size}]`,
      );
  }
}

/** A context, also one that says nothing. */
const isContext = (value: unknown): value is LayerContext =>
  typeof value === "object" &&
  value !== null &&
  !isTensor(value) &&
  ("training" in value || (isPlain(value) && Object.keys(value).every((name) => name === "key")));

/** Axes that swap the third and the second from the end. */
const swapBefore = (rank: number): number[] =>
  Array.from({ length: rank }, (_, d) => (d === rank - 3 ? rank - 2 : d === rank - 2 ? rank - 3 : d));
