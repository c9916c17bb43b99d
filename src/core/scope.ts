// Scopes: the time in which tensors of the arena live, and the stack of open ones.
// A scope keeps its tape from run to run. While a run asks for the same ops on the same inputs as the last one, each op
// reuses its record, tensor and address ("warm"): nothing is allocated. At the first difference the rest is dropped.
import { StaleTensorError } from "../base/errors.js";
import { type Shape, showShape } from "../base/shape.js";
import type { Runtime } from "../wasm/runtime.js";
import {
  type AnyOp,
  type Attributes,
  type BackwardPlan,
  makeRecord,
  type OpRecord,
  planBackward,
  runBackward,
  sameAttributes,
} from "./tape.js";
import { Tensor } from "./tensor.js";

let current: Scope | undefined;

/** The innermost open scope. */
export function currentScope(): Scope | undefined {
  return current;
}

const drawsOutside = new WeakMap<object, number>();

/**
 * How many keys `context` has given out before this one, in the open run: two layers that are given one context draw apart.
 * What `recompute` runs again counts again from where it stood.
 */
export function countDraw(context: object): number {
  const counts = current ? current.root.draws : drawsOutside;
  const count = counts.get(context) ?? 0;
  counts.set(context, count + 1);
  return count;
}

export class Scope {
  readonly records: OpRecord[] = [];
  /** Counts openings; a tensor whose `run` is older is stale. */
  run = 0;
  open = false;
  /** What the opening is called in messages: "step 12". */
  step = 0;
  /** Nobody will ask for gradients: a sub-scope may end before this one does. */
  tapeless = false;
  /** Parameters are to learn from what is computed here: a trainer's step, a gradient. */
  training = false;
  protected cursor = 0;
  private parent: Scope | undefined;
  /** Address after the last allocation of the forward pass, and after that of the backward plan. */
  private forwardEnd = 0;
  private planEnd = 0;
  private plan: BackwardPlan | undefined;
  private warm = true;
  private base = 0;
  /** Keys that each context has given out in this run; only the outermost scope's counts. */
  draws = new Map<object, number>();

  /**
   * With `outer` it is a sub-scope: it lies in the arena above an open scope of the same runtime (mark, run, move the
   * results down, reset). `sealed` ones take nothing that needs a gradient from outside.
   */
  constructor(
    readonly runtime: Runtime,
    readonly kind: string,
    private readonly outer?: Scope,
    private readonly sealed = false,
  ) {}

  /** A sub-scope of this one. */
  inner(kind: string, sealed = false): Scope {
    return new Scope(this.runtime, kind, this, sealed);
  }

  /** The outermost scope around this one. */
  get root(): Scope {
    return this.outer?.root ?? this;
  }

  get isTraining(): boolean {
    return this.root.training;
  }

  /** First byte of its part of the arena. */
  get start(): number {
    return this.base;
  }

  describe(step = this.step): string {
    return `${this.kind} ${step}`;
  }

  begin(step: number): void {
    if (this.runtime.busy && !this.outer)
      throw new Error(
        `${this.kind}: this runtime is already inside a scope. A loss must not call its own trainer, and nested grad is not supported`,
      );
    const { memory } = this.runtime;
    const base = this.outer ? memory.top : memory.base;
    if (this.base !== base) {
      // what lies below has grown: every address is void
      this.records.length = 0;
      this.base = this.forwardEnd = this.planEnd = base;
      this.plan = undefined;
    }
    this.runtime.busy = true;
    this.run++;
    this.step = step;
    this.open = true;
    this.cursor = 0;
    this.warm = this.records.length > 0;
    memory.top = this.warm ? Math.max(this.forwardEnd, this.planEnd) : this.base;
    this.parent = current;
    current = this;
    if (this.draws.size > 0) this.draws.clear();
  }

  end(): void {
    this.runtime.busy = this.outer !== undefined;
    this.open = false;
    current = this.parent;
    this.parent = undefined;
    if (this.cursor < this.records.length) this.cool();
    this.runtime.memory.top = this.base;
  }

  /** Drops the tape from the cursor on; the arena goes back to where the last kept record ended. */
  private cool(): void {
    this.records.length = this.cursor;
    this.plan = undefined;
    this.planEnd = 0;
    this.warm = false;
    this.forwardEnd = this.cursor > 0 ? this.records[this.cursor - 1].end : this.base;
    this.runtime.memory.top = this.forwardEnd;
  }

  /** Runs an op on inputs of any kind and returns its result in this scope. */
  execute(op: AnyOp, attributes: Attributes, a: Tensor, b?: Tensor, c?: Tensor, rest?: readonly Tensor[]): Tensor {
    a = this.resolve(op, a);
    if (b) b = this.resolve(op, b);
    if (c) c = this.resolve(op, c);
    if (rest) rest = rest.map((t) => this.resolve(op, t));
    if (this.warm && this.cursor < this.records.length) {
      const r = this.records[this.cursor];
      if (
        r.op === op &&
        r.a === a &&
        r.b === b &&
        r.c === c &&
        sameRest(r.rest, rest) &&
        (op.dynamic || sameAttributes(r.attributes, attributes))
      ) {
        r.attributes = attributes;
        r.output.run = this.run;
        r.output.step = this.step;
        this.cursor++;
        op.forward(r);
        return r.output;
      }
    }
    return this.record(op, attributes, a, b, c, rest);
  }

  private record(
    op: AnyOp,
    attributes: Attributes,
    a: Tensor,
    b?: Tensor,
    c?: Tensor,
    rest?: readonly Tensor[],
  ): Tensor {
    if (this.warm) this.cool();
    const r = makeRecord(this, op, attributes, a, b, c, rest);
    this.records.push(r);
    this.cursor++;
    this.plan = undefined;
    this.forwardEnd = r.end;
    op.forward(r);
    return r.output;
  }

  /** A tensor as this scope knows it: its own, a parameter, or a host tensor copied in once per run. */
  private resolve(op: AnyOp, t: Tensor): Tensor {
    if (t.scope === this && t.run === this.run) return t;
    if (t.persistent && t.scope!.runtime === this.runtime && !this.sealed) return t;
    if (t.scope === undefined) {
      if (t.mirror !== undefined && t.mirror.scope === this && t.mirrorRun === this.run) return t.mirror;
      return this.upload(t, false);
    }
    t.checkAlive(op.name);
    if (this.outer && t.scope.runtime === this.runtime) {
      if (!this.sealed || !t.needsGradient) return t;
      throw new TypeError(
        `${this.kind}: the function uses ${t.origin} ${showShape(t.shape)} from outside, whose gradient would be lost. Pass it as an argument`,
      );
    }
    throw new StaleTensorError(
      `${op.name}: the result of ${t.origin} ${showShape(t.shape)} belongs to ${t.scope.describe(t.step)}, not to ${this.describe()}. Take its .data and make a host tensor of it with tensor(...)`,
    );
  }

  /** Copies a host tensor in. Its record is warm by shape, so that a new batch reuses the old one's address. */
  upload(t: Tensor, needsGradient: boolean): Tensor {
    let r = this.warm && this.cursor < this.records.length ? this.records[this.cursor] : undefined;
    if (
      r === undefined ||
      r.op !== uploadOp ||
      r.output.dtype !== t.dtype ||
      r.output.needsGradient !== needsGradient ||
      r.staging !== (t.source !== undefined) ||
      !sameSizes(r.output.shape, t.shape)
    ) {
      if (this.warm) this.cool();
      const output = new Tensor(t.shape, t.dtype);
      output.scope = this;
      output.origin = "the copy of a host tensor";
      output.needsGradient = needsGradient;
      r = makeUploadRecord(this, output, t.source !== undefined);
      this.records.push(r);
      this.plan = undefined;
      this.forwardEnd = r.end;
    }
    this.cursor++;
    const { output } = r;
    const { memory, kernels } = this.runtime;
    if (t.source && !t.host) {
      memory.u8.set(t.source.bytes, r.workspace);
      kernels.fromBytes(t.size, r.workspace, t.source.divisor, output.pointer);
    } else (t.dtype === "float32" ? memory.f32 : memory.i32).set(t.data, output.pointer >>> 2);
    output.run = this.run;
    output.step = this.step;
    // a leaf is no copy: where the function also holds the host tensor itself, that one is a constant
    if (!needsGradient) {
      t.mirror = output;
      t.mirrorRun = this.run;
    }
    return output;
  }

  /** A tensor of this scope at another's address: how a sub-scope sees its arguments. */
  alias(t: Tensor, pointer: number, gradient = 0): Tensor {
    const out = new Tensor(t.shape, t.dtype);
    out.scope = this;
    out.run = this.run;
    out.step = this.step;
    out.origin = `an argument of ${this.kind}`;
    out.pointer = pointer;
    out.gradient = gradient;
    out.needsGradient = gradient !== 0;
    return out;
  }

  /** The tensor as this scope has it: itself, or its copy. */
  own(t: Tensor): Tensor {
    return this.resolve(ownOp, t);
  }

  /** Walks the tape back from `loss` to the gradients of `leaves`; a result that is no scalar needs the address of its `seed`. */
  backward(loss: Tensor, leaves: readonly Tensor[], seed = 0): void {
    this.resolve(lossOp, loss);
    // a warm run that stopped early has a shorter tape than the plan
    if (this.cursor < this.records.length) this.cool();
    if (this.plan?.loss !== loss) {
      this.runtime.memory.top = this.forwardEnd;
      this.plan = planBackward(this.runtime.memory, this.records, loss, leaves, seed !== 0);
      this.planEnd = this.runtime.memory.top;
    }
    this.walk(this.plan, seed);
  }

  protected walk(plan: BackwardPlan, seed: number): void {
    runBackward(this.runtime, plan, seed);
  }
}

const ownOp: AnyOp = { name: "argument", shape: () => [], forward: () => {}, backward: null };
const lossOp: AnyOp = { name: "loss", shape: () => [], forward: () => {}, backward: null };
const uploadOp: AnyOp = { name: "upload", shape: () => [], forward: () => {}, backward: null };

function makeUploadRecord(scope: Scope, output: Tensor, staging: boolean): OpRecord {
  const { memory } = scope.runtime;
  output.pointer = memory.allocate(output.size * 4);
  if (output.needsGradient) output.gradient = memory.allocate(output.size * 4);
  const workspace = staging ? memory.allocate(output.size) : 0;
  return {
    op: uploadOp,
    runtime: scope.runtime,
    kernels: scope.runtime.kernels,
    attributes: undefined,
    a: output,
    b: undefined,
    c: undefined,
    rest: undefined,
    inputs: [],
    output,
    workspace,
    end: memory.top,
    staging,
    gradientOut: 0,
    gradientIn: [],
    addInto: [],
  };
}

function sameRest(a: readonly Tensor[] | undefined, b: readonly Tensor[] | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameSizes(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
