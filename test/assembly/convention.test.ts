// The order of arguments that assembly/index.ts states: sizes, inputs with their steps, scalars, scratch and outputs.
// Which address is written the bounds test knows, and shows that no other is.
import { describe, expect, it } from "vitest";
import { entriesOf } from "./entries.js";
import { signatures } from "./regions.js";

/** Numbers of elements, rows or axes by these names; any other number is a scalar. */
const SIZES = new Set(
  "n m k rows columns count outer size inner classes rank batch hidden height width c ci co kh kw outH outW".split(" "),
);

const kernels = signatures.filter(({ parameters }) => parameters.some(({ type }) => type === "usize"));

/** Of each parameter: s size, i input, p step of the input before it, c scalar, o scratch or output. */
function kinds(name: string, parameters: (typeof kernels)[number]["parameters"]): string {
  const written = new Set<string>();
  for (const { places, args } of entriesOf(name))
    for (const [key, value] of Object.entries(args(places.at(-1))))
      if (typeof value === "object" && value.kind === "output") written.add(key);
  return parameters
    .map((parameter, i) => {
      if (parameter.type === "usize") return written.has(parameter.name) ? "o" : "i";
      if (SIZES.has(parameter.name)) return "s";
      return parameter.name.endsWith("Step") && parameters[i - 1].type === "usize" ? "p" : "c";
    })
    .join("");
}

describe("the arguments are sizes, inputs, scalars, outputs in", () => {
  it.each(kernels.map(({ name, parameters }) => [name, parameters] as const))("%s", (name, parameters) => {
    expect(kinds(name, parameters)).toMatch(/^s*(ip?)*c*o*$/);
  });
});

it("scratch stands before the outputs", () => {
  const wrong = kernels.filter(({ name, parameters }) => {
    const outputs = parameters.slice(kinds(name, parameters).indexOf("o"));
    return outputs.some((parameter, i) => parameter.name === "scratch" && i > 0);
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

it("every export says what it computes", () => {
  expect(signatures.filter(({ comment }) => comment === "").map(({ name }) => name)).toEqual([]);
});
