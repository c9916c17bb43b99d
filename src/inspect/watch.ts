// A scope that looks at everything its ops write, and names the op by which the first NaN or Infinity came in.
// A class of its own: the scopes that do not watch pay nothing for it.
import { broadcastStrides, type Shape, showShape, stridesOf } from "../base/shape.js";
import type { AnyOp } from "../core/op.js";
import type { Attributes, TapeRecord } from "../core/record.js";
import { type Given, Scope, uploadOp } from "../core/scope.js";
import { type BackwardPlan, runBackward } from "../core/tape.js";
import type { Tensor } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import type { Runtime } from "../wasm/runtime.js";

/** Told what came in, and how the op is kept from it, where one knows. */
export type WatchReport = (what: string, guard?: string) => never;

export class WatchedScope extends Scope {
  /** What host tensors are called in messages: "batch.x". */
  names: ReadonlyMap<Tensor, string> = new Map();

  constructor(
    runtime: Runtime,
    kind: string,
    private readonly report: WatchReport,
    outer?: Scope,
    sealed = false,
  ) {
    super(runtime, kind, outer, sealed);
  }

  override inner(kind: string, sealed = false): Scope {
    const scope = new WatchedScope(this.runtime, kind, this.report, this, sealed);
    scope.names = this.names;
    return scope;
  }

  override execute(op: AnyOp, given: Attributes, a?: Tensor, b?: Tensor, c?: Tensor, many?: Given): Tensor {
    const result = super.execute(op, given, a, b, c, many);
    if (result.dtype !== "float32" || op.moves || op.watched === false) return result;
    const record = this.records[this.cursor - 1];
    const { operands, output: out } = record;
    const at = this.arisen(out, operands);
    if (at < 0) return result;
    const value = this.f32(out.pointer, at);
    if (op.name === "constant") {
      if (Number.isNaN(value)) this.report("a number that an op was given is NaN");
      return result;
    }
    const of = operands.slice(0, 3).map(this.show).join(" and ") + (operands.length > 3 ? " and others" : "");
    this.report(
      `${op.name} of ${of} gave ${value} at position ${at} (${this.inputsAt(record, at, out.shape)})`,
      op.guard,
    );
  }

  override upload(t: Tensor, needsGradient: boolean): Value {
    const out = super.upload(t, needsGradient);
    out.origin = this.names.get(t) ?? "a host tensor";
    if (out.dtype === "float32") {
      const at = this.find(out.pointer, out.size, Number.isNaN);
      if (at >= 0) this.report(`${this.show(out)} holds NaN at position ${at}`, uploadOp.guard);
    }
    return out;
  }

  protected override walk(plan: BackwardPlan, seed: number): void {
    runBackward(this.runtime, plan, seed, this.checkGradients);
  }

  /** All gradients before this record's were finite: the first one that is not arose here. */
  private readonly checkGradients = (r: TapeRecord): void => {
    r.operands.forEach((input, j) => {
      if (r.gradientIn[j] === 0) return;
      const own = this.find(r.gradientIn[j], input.size, isBad);
      if (own >= 0)
        this.report(
          `the gradient of ${r.op.name} by ${this.show(input)} is ${this.f32(r.gradientIn[j], own)} at position ${own} (${this.inputsAt(r, own, input.shape)})`,
          r.op.guard,
        );
      const sum = r.addInto[j] === 0 ? -1 : this.find(r.addInto[j], input.size, isBad);
      if (sum >= 0)
        this.report(
          `the gradients of ${this.show(input)} add up to ${this.f32(r.addInto[j], sum)} at position ${sum}, with that of ${r.op.name}`,
          r.op.guard,
        );
    });
  };

  private f32(pointer: number, i: number): number {
    return this.runtime.memory.f32[(pointer >>> 2) + i];
  }

  private find(pointer: number, size: number, wanted: (v: number) => boolean): number {
    const { f32 } = this.runtime.memory;
    const from = pointer >>> 2;
    for (let i = 0; i < size; i++) if (wanted(f32[from + i])) return i;
    return -1;
  }

  /**
   * Position of a NaN where no input has one, or of an Infinity where every input is finite; -1 where there is none.
   * What was put in on purpose, as the -Infinity of a mask, may go on.
   */
  private arisen({ pointer, size }: Value, inputs: readonly Value[]): number {
    const at = this.find(pointer, size, isBad);
    if (at < 0) return -1;
    const holds = (wanted: (v: number) => boolean): boolean =>
      inputs.some((t) => t.dtype === "float32" && this.find(t.pointer, t.size, wanted) >= 0);
    if (!holds(isBad)) return at;
    return holds(Number.isNaN) ? -1 : this.find(pointer, size, Number.isNaN);
  }

  private readonly show = (t: Value): string => {
    if (t.origin === "constant") return String(this.f32(t.pointer, 0));
    const named = t.persistent || t.origin.includes(" ") || [...this.names.values()].includes(t.origin);
    return `${named ? t.origin : `the result of ${t.origin}`} ${showShape(t.shape)}`;
  };

  /** The inputs at a position of the output where the op goes position by position; their ranges otherwise. */
  private inputsAt(r: TapeRecord, position: number, shape: Shape): string {
    const places = r.op.mixes ? undefined : r.operands.map((t) => placeIn(t.shape, shape, position));
    return r.operands
      .slice(0, 3)
      .map((t, i) => {
        const place = places?.every((p) => p >= 0) ? places[i] : -1;
        if (place >= 0) return `input ${i} there: ${brief(t, place)}`;
        const [low, high] = extremes(t);
        return t.size === 0 ? `input ${i} is empty` : `input ${i} lies in ${brief(t, low)}..${brief(t, high)}`;
      })
      .join(", ");
  }
}

const isBad = (v: number): boolean => !Number.isFinite(v);

const brief = (t: Value, i: number): string => String(Number(t.at(i).toPrecision(6)));

/** Positions of the smallest and the largest value. */
function extremes(t: Value): [number, number] {
  const { f32, i32 } = t.scope.runtime.memory;
  const memory = t.dtype === "float32" ? f32 : i32;
  const from = t.pointer >>> 2;
  let [low, high] = [0, 0];
  for (let i = 1; i < t.size; i++) {
    if (memory[from + i] < memory[from + low]) low = i;
    if (memory[from + i] > memory[from + high]) high = i;
  }
  return [low, high];
}

/** Where an input that is stretched to `shape` has what stands at `position`; -1 where it does not stretch to it. */
function placeIn(own: Shape, shape: Shape, position: number): number {
  const lead = shape.length - own.length;
  if (lead < 0 || own.some((n, d) => n !== 1 && n !== shape[d + lead])) return -1;
  const strides = stridesOf(shape);
  return broadcastStrides(own, shape).reduce(
    (at, step, d) => at + step * (Math.floor(position / strides[d]) % shape[d]),
    0,
  );
}
