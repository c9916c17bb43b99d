// The types of signatures.mjs, for the tests.
export interface Signature {
  readonly name: string;
  /** Below assembly/, and where in it the function begins. */
  readonly file: string;
  readonly position: number;
  /** The text of the comment above it, or "". */
  readonly comment: string;
  /** As the assembly writes them: "i32", "usize", "f32", ... */
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly result: string;
}
export function readSignatures(): Signature[];
