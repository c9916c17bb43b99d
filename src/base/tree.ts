// Trees: nested arrays and plain objects whose leaves are one class of thing (tensors, host arrays).
// Leaves are visited in the order they are written; a path reads like the code that reaches it: layers[3].weight.
import { isPlain, kindOf, printable, show } from "./errors.js";

/** Any nesting of arrays and plain objects over leaves of type L. Interfaces work as trees. */
export type Tree<L> = L | readonly Tree<L>[] | { readonly [key: string]: Tree<L> };

/** The same nesting with every leaf replaced. */
export type MapTree<T, L, M> = T extends L ? M : T extends object ? { [K in keyof T]: MapTree<T[K], L, M> } : T;

export type IsLeaf<L> = (value: unknown) => value is L;

/** A path below a root as code would write it: params.weight, params[0], or params itself. */
export function under(root: string, path: string): string {
  return path === "" || path.startsWith("[") ? root + path : `${root}.${path}`;
}

function strange(what: string, path: string, node: unknown): TypeError {
  return new TypeError(
    kindOf(node) === "tensor"
      ? `${under(what, printable(path))}: got a tensor of another copy of gradnoise. Load one copy, or pass tensor(t.data, t.shape)`
      : `${under(what, printable(path))}: expected a tensor, an array or a plain object, got ${show(node)}`,
  );
}

function visit<L>(
  tree: unknown,
  isLeaf: IsLeaf<L>,
  path: string,
  found: (leaf: L, path: string) => void,
  what: string,
): void {
  if (isLeaf(tree)) {
    found(tree, path);
    return;
  }
  if (Array.isArray(tree)) {
    tree.forEach((child, i) => {
      visit(child, isLeaf, `${path}[${i}]`, found, what);
    });
    return;
  }
  if (isPlain(tree)) {
    for (const key of Object.keys(tree)) visit(tree[key], isLeaf, path === "" ? key : `${path}.${key}`, found, what);
    return;
  }
  throw strange(what, path, tree);
}

/** Leaves with their paths. Throws TypeError naming the path of anything that is neither leaf, array nor plain object. */
export function flatten<L>(tree: unknown, isLeaf: IsLeaf<L>, what = "params"): { path: string; leaf: L }[] {
  const leaves: { path: string; leaf: L }[] = [];
  visit(tree, isLeaf, "", (leaf, path) => leaves.push({ path, leaf }), what);
  return leaves;
}

/** The tree with every leaf replaced by `f(leaf, path, index)`. */
export function mapTree<L, M>(
  tree: unknown,
  isLeaf: IsLeaf<L>,
  f: (leaf: L, path: string, index: number) => M,
  what = "params",
): any {
  let index = 0;
  const walk = (node: unknown, path: string): unknown => {
    if (isLeaf(node)) return f(node, path, index++);
    if (Array.isArray(node)) return node.map((child, i) => walk(child, `${path}[${i}]`));
    if (isPlain(node))
      return Object.fromEntries(
        Object.entries(node).map(([key, child]) => [key, walk(child, path === "" ? key : `${path}.${key}`)]),
      );
    throw strange(what, path, node);
  };
  return walk(tree, "");
}

/**
 * The form of a tree, apart from its leaves: `fill(leaf)` makes a new tree of it with `leaf(i)` in place of the i-th leaf.
 * Of closures, since it runs at every step: a walk over keys and prototypes costs five times as much.
 */
export function formOf<L>(
  tree: unknown,
  isLeaf: IsLeaf<L>,
  what = "params",
): (leaf: (i: number) => unknown) => unknown {
  type Fill = (leaf: (i: number) => unknown) => unknown;
  let index = 0;
  const build = (node: unknown, path: string): Fill => {
    if (isLeaf(node)) {
      const own = index++;
      return (leaf) => leaf(own);
    }
    if (Array.isArray(node)) {
      const parts = node.map((child, i) => build(child, `${path}[${i}]`));
      return (leaf) => {
        const out = new Array<unknown>(parts.length);
        for (let i = 0; i < parts.length; i++) out[i] = parts[i](leaf);
        return out;
      };
    }
    if (!isPlain(node)) throw strange(what, path, node);
    const keys = Object.keys(node);
    const parts = keys.map((key) => build(node[key], path === "" ? key : `${path}.${key}`));
    // assigning to __proto__ would not make an entry
    if (keys.includes("__proto__")) return (leaf) => Object.fromEntries(keys.map((key, i) => [key, parts[i](leaf)]));
    return (leaf) => {
      const out: Record<string, unknown> = {};
      for (let i = 0; i < keys.length; i++) out[keys[i]] = parts[i](leaf);
      return out;
    };
  };
  return build(tree, "");
}

/**
 * Whether `path` matches `pattern`: `*` stands for any run of characters within one step of the path,
 * `**` for any run at all. "layers[*].bias" and "**.bias" both match "layers[3].bias".
 */
export function matchPath(pattern: string, path: string): boolean {
  const source = pattern
    .split("**")
    .map((part) =>
      part
        .split("*")
        .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join("[^.[\\]]*"),
    )
    .join(".*");
  return new RegExp(`^${source}$`).test(path);
}
