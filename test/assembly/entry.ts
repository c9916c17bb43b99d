// What an entry of the bounds test is: how to call an export at every length 0..67, or at shapes that meet every edge.
import { type Call, input, output, signatures } from "./regions.js";

/** Calls of one kernel at several places; `table` is written to the table of sizes, `returns` is what it must return. */
export interface Entry {
  readonly label: string;
  readonly places: readonly any[];
  readonly args: (at: any) => Call;
  readonly table: (at: any) => readonly number[];
  readonly returns?: (at: any) => number;
}
export type Extras = Partial<Pick<Entry, "label" | "table" | "returns">>;

export const over = <T>(places: readonly T[], args: (at: T) => Call, extras: Extras = {}): Entry => ({
  label: "",
  table: () => [],
  ...extras,
  places,
  args,
});
export const LENGTHS = Array.from({ length: 68 }, (_, n) => n);
export const each = (args: (n: number) => Call, extras?: Extras): Entry => over(LENGTHS, args, extras);
/** From 1 on: a kernel that needs a class, or a first row. */
export const some = (args: (n: number) => Call, extras?: Extras): Entry => over(LENGTHS.slice(1), args, extras);

/** One size n, n elements at every address; by its signature, with values for the scalars. */
export function elementwise(name: string, scalars: Record<string, number> = {}, label = ""): Entry | undefined {
  const { parameters } = signatures.find((signature) => signature.name === name)!;
  const addresses = parameters.filter(({ type }) => type === "usize");
  if (parameters[0]?.name !== "n" || addresses.length === 0) return undefined;
  if (parameters.length !== 1 + addresses.length + Object.keys(scalars).length) return undefined;
  const written =
    signatures.find((signature) => signature.name === name)!.result === "void" ? addresses.at(-1) : undefined;
  return each(
    (n) => ({
      n,
      ...scalars,
      ...Object.fromEntries(addresses.map((p) => [p.name, p === written ? output(n) : input(n)])),
    }),
    { label },
  );
}
