// Scopes: the time in which tensors of the arena live, and the stack of open ones.
// A scope keeps its tape from run to run; what a user holds of it is stamped with the run. While a run asks for the same ops on the same inputs as the last one, each op
// reuses its record, tensor and address ("warm"): nothing is allocated. At the first difference the rest is dropped.
import { StaleTensorError } from "../base/errors.js";
import { sameShape, showShape } from "../base/shape.js";
import type { Runtime } from "../wasm/runtime.js";
import { type AnyOp, defineOp } from "./op.js";
import { type Attributes, makeRecord, sameAttributes, type TapeRecord } from "./record.js";
import { type BackwardPlan, planBackward, runBackward } from "./tape.js";
import { Handle, type Run, type Tensor } from "./tensor.js";
import { Value } from "./value.js";

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
  readonly records: TapeRecord[] = [];
  /** The run that is open: a handle with another stamp is stale. */
  run: Run | undefined;
  /** What the last opening is called in messages: "step 12". */
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
  /** Host tensors that this run has copied in. It ends with the run: what a user keeps holds no memory of ours. */
  private readonly uploads = new Map<Tensor, Value>();

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

  /** How many records this run has asked for so far. */
  get position(): number {
    return this.cursor;
  }

  describe(step = this.step): string {
    return `${this.kind} ${step}`;
  }

  /** Runs `f` in this scope. What throws leaves nothing behind: the next run begins with an empty tape. */
  within<T>(step: number, f: () => T): T {
    this.begin(step);
    let done = false;
    try {
      const result = f();
      done = true;
      return result;
    } finally {
      if (!done) this.drop();
      this.end();
    }
  }

  private begin(step: number): void {
    if (this.runtime.busy && !this.outer)
      throw new Error(
        `${this.kind}: this runtime is already inside a scope. A loss must not call its own trainer, and nested grad is not supported`,
      );
    const { memory } = this.runtime;
    const base = this.outer ? memory.top : memory.base;
    if (this.base !== base) {
      // what lies below has grown: every address is void
      this.base = base;
      this.drop();
    }
    this.runtime.busy = true;
    this.run = { scope: this, step };
    this.step = step;
    this.cursor = 0;
    this.warm = this.records.length > 0;
    memory.top = this.warm ? Math.max(this.forwardEnd, this.planEnd) : this.base;
    this.parent = current;
    current = this;
    if (this.draws.size > 0) this.draws.clear();
  }

  private end(): void {
    this.runtime.busy = this.outer !== undefined;
    this.run = undefined;
    current = this.parent;
    this.parent = undefined;
    if (this.uploads.size > 0) this.uploads.clear();
    if (this.cursor < this.records.length) this.cool();
    this.runtime.memory.top = this.base;
  }

  /** Drops the whole tape. */
  private drop(): void {
    this.cursor = 0;
    this.cool();
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

  /** A value as this run has computed it: what a user holds. */
  handle(value: Value): Tensor {
    return new Handle(value, this.run!);
  }

  /**
   * Runs an op and returns its result in this scope: on up to three operands, or on `many` (those a call leaves out are
   * undefined there). `given` is what its `read` makes attributes of.
   */
  execute(op: AnyOp, given: Attributes, a?: Tensor, b?: Tensor, c?: Tensor, many?: Given): Tensor {
    const x = a === undefined ? undefined : a.run === this.run ? a.value! : this.resolve(op, a);
    const y = b === undefined ? undefined : b.run === this.run ? b.value! : this.resolve(op, b);
    const z = c === undefined ? undefined : c.run === this.run ? c.value! : this.resolve(op, c);
    const more = many === undefined ? undefined : this.resolveAll(op, many);
    if (this.warm && this.cursor < this.records.length) {
      const r = this.records[this.cursor];
      if (
        r.op === op &&
        r.a === x &&
        r.b === y &&
        r.c === z &&
        sameValues(r.many, more) &&
        (op.dynamic || sameAttributes(r.given, given))
      ) {
        if (op.dynamic || op.closures) r.attributes = given;
        this.cursor++;
        op.forward(r, r.attributes);
        return this.handle(r.output);
      }
    }
    return this.handle(this.record(op, given, x, y, z, more).output);
  }

  private record(
    op: AnyOp,
    given: Attributes,
    a: Value | undefined,
    b: Value | undefined,
    c: Value | undefined,
    many: readonly (Value | undefined)[] | undefined,
  ): TapeRecord {
    if (this.warm) this.cool();
    const r = makeRecord(this, op, given, a, b, c, many);
    this.records.push(r);
    this.cursor++;
    this.plan = undefined;
    this.forwardEnd = r.end;
    op.forward(r, r.attributes);
    return r;
  }

  /** On its own, since its closure would cost every op. */
  private resolveAll(op: AnyOp, many: Given): (Value | undefined)[] {
    return many.map((t) => t && this.resolve(op, t));
  }

  /** A tensor as this scope knows it: its own, one of a scope around it, or a host tensor copied in once per run. */
  private resolve(op: { readonly name: string }, t: Tensor): Value {
    const { value } = t;
    if (value === undefined) return this.uploads.get(t) ?? this.upload(t, false);
    if (t.run === this.run) return value;
    let sealed: Scope | undefined = this.sealed ? this : undefined;
    for (let s = this.outer; s !== undefined; s = s.outer) {
      if (t.run === s.run) {
        if (sealed === undefined || !value.needsGradient) return value;
        throw new TypeError(
          `${sealed.kind}: the function uses ${value.origin} ${showShape(t.shape)} from outside, whose gradient would be lost. Pass it as an argument`,
        );
      }
      if (s.sealed) sealed ??= s;
    }
    t.checkAlive(op.name);
    throw new StaleTensorError(
      `${op.name}: ${t.describe()}, not to ${this.describe()}. Take its .data and make a host tensor of it with tensor(...)`,
    );
  }

  /** Copies a host tensor in. Its record is warm by shape, so that a new batch reuses the old one's address. */
  upload(t: Tensor, needsGradient: boolean): Value {
    let r = this.warm && this.cursor < this.records.length ? this.records[this.cursor] : undefined;
    const staging = t.source !== undefined;
    if (
      r === undefined ||
      r.op !== uploadOp ||
      r.output.dtype !== t.dtype ||
      r.output.needsGradient !== needsGradient ||
      r.given !== staging ||
      !sameShape(r.output.shape, t.shape)
    ) {
      if (this.warm) this.cool();
      r = makeUploadRecord(this, t, needsGradient, staging);
      this.records.push(r);
      this.plan = undefined;
      this.forwardEnd = r.end;
    }
    this.cursor++;
    const { output } = r;
    const { memory, kernels } = this.runtime;
    const { source } = t;
    if (source && !t.host) {
      memory.u8.set(source.bytes, r.workspace);
      kernels.fromBytes(output.size, r.workspace, source.divisor, output.pointer);
    } else (t.dtype === "float32" ? memory.f32 : memory.i32).set(t.data, output.pointer >>> 2);
    // a leaf is no copy: where the function also holds the host tensor itself, that one is a constant
    if (!needsGradient) this.uploads.set(t, output);
    return output;
  }

  /** A handle of this scope at another's address: how a sub-scope sees its arguments. */
  alias(of: Value, pointer: number, gradient = 0): Tensor {
    const value = new Value(of.shape, of.dtype);
    value.scope = this;
    value.origin = `an argument of ${this.kind}`;
    value.pointer = pointer;
    value.gradient = gradient;
    value.needsGradient = gradient !== 0;
    return this.handle(value);
  }

  /** The tensor as this scope has it: itself, or its copy. */
  own(t: Tensor, user = "argument"): Value {
    return this.resolve({ name: user }, t);
  }

  /** Walks the tape back from `loss` to the gradients of `leaves`; a result that is no scalar needs the address of its `seed`. */
  backward(loss: Tensor, leaves: readonly Value[], seed = 0): void {
    const end = this.own(loss, "loss");
    // a warm run that stopped early has a shorter tape than the plan
    if (this.cursor < this.records.length) this.cool();
    if (this.plan?.loss !== end) {
      this.runtime.memory.top = this.forwardEnd;
      this.plan = planBackward(this.runtime.memory, this.records, end, leaves, seed !== 0);
      this.planEnd = this.runtime.memory.top;
    }
    this.walk(this.plan, seed);
  }

  protected walk(plan: BackwardPlan, seed: number): void {
    runBackward(this.runtime, plan, seed);
  }
}

/** Operands of a call, in the order in which its op declares them. */
export type Given = readonly (Tensor | undefined)[];

/** How a host tensor comes in. */
export const uploadOp = defineOp({
  name: "upload",
  inputs: {},
  guard: "Replace that value, or leave out its example",
  shape: () => [],
  forward: () => {},
  backward: null,
});

/** Its `given` tells whether there is room for bytes beside the floats. */
function makeUploadRecord(scope: Scope, t: Tensor, needsGradient: boolean, staging: boolean): TapeRecord {
  const { memory, kernels } = scope.runtime;
  const output = new Value(t.shape, t.dtype);
  output.scope = scope;
  output.origin = "the copy of a host tensor";
  output.needsGradient = needsGradient;
  output.pointer = memory.allocate(output.size * 4);
  if (needsGradient) output.gradient = memory.allocate(output.size * 4);
  const workspace = staging ? memory.allocate(output.size) : 0;
  return {
    op: uploadOp,
    runtime: scope.runtime,
    kernels,
    given: staging,
    attributes: undefined,
    a: undefined,
    b: undefined,
    c: undefined,
    many: undefined,
    inputs: {},
    operands: [],
    output,
    workspace,
    end: memory.top,
    gradientOut: 0,
    gradients: {},
    gradientIn: [],
    addInto: [],
  };
}

function sameValues(a: TapeRecord["many"], b: TapeRecord["many"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
