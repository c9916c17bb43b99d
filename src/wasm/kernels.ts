// The typed face of the WASM module. Sizes first, then inputs, scalars and outputs; addresses are byte offsets.

type N = number;

/** What is used of a WebAssembly.Memory: programs are checked without a page's types, too. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface Kernels {
  readonly memory: LinearMemory;
  tableAddress(): N;
  heapBase(): N;
  // math: doubles
  exp(x: N): N;
  log(x: N): N;
  pow(x: N, y: N): N;
  sin(x: N): N;
  cos(x: N): N;
  // random
  fillNormal(count: N, key0: N, key1: N, step: N, stream: N, first: N, out: N): void;
  addNormal(count: N, key0: N, key1: N, step: N, stream: N, first: N, std: N, g: N): void;
  fillWords(count: N, key0: N, key1: N, step: N, stream: N, first: N, out: N): void;
  fillUniform(count: N, key0: N, key1: N, step: N, stream: N, first: N, out: N): void;
  philox(c0: N, c1: N, c2: N, c3: N, key0: N, key1: N, out: N): void;
  xoshiro(count: N, state: N, out: N): void;
  // unary
  expKernel(n: N, x: N, out: N): void;
  logKernel(n: N, x: N, out: N): void;
  negKernel(n: N, x: N, out: N): void;
  absKernel(n: N, x: N, out: N): void;
  absBackward(n: N, x: N, dy: N, dx: N): void;
  squareBackward(n: N, x: N, dy: N, dx: N): void;
  sqrtKernel(n: N, x: N, out: N): void;
  sqrtBackward(n: N, y: N, dy: N, dx: N): void;
  rsqrtKernel(n: N, x: N, out: N): void;
  rsqrtBackward(n: N, y: N, dy: N, dx: N): void;
  reciprocalKernel(n: N, x: N, out: N): void;
  reciprocalBackward(n: N, y: N, dy: N, dx: N): void;
  clipKernel(n: N, x: N, least: N, most: N, out: N): void;
  clipBackward(n: N, x: N, dy: N, least: N, most: N, dx: N): void;
  trigKernel(n: N, x: N, quarters: N, out: N): void;
  // activations
  tanhKernel(n: N, x: N, out: N): void;
  tanhBackward(n: N, y: N, dy: N, dx: N): void;
  sigmoidKernel(n: N, x: N, out: N): void;
  sigmoidBackward(n: N, y: N, dy: N, dx: N): void;
  reluKernel(n: N, x: N, out: N): void;
  reluBackward(n: N, y: N, dy: N, dx: N): void;
  softplusKernel(n: N, x: N, out: N): void;
  softplusBackward(n: N, x: N, dy: N, dx: N): void;
  siluKernel(n: N, x: N, out: N): void;
  siluBackward(n: N, x: N, dy: N, dx: N): void;
  geluKernel(n: N, x: N, out: N): void;
  geluBackward(n: N, x: N, dy: N, dx: N): void;
  eluKernel(n: N, x: N, alpha: N, out: N): void;
  eluBackward(n: N, x: N, dy: N, alpha: N, dx: N): void;
  leakyReluKernel(n: N, x: N, slope: N, out: N): void;
  leakyReluBackward(n: N, x: N, dy: N, slope: N, dx: N): void;
  saturatingSigmoidKernel(n: N, x: N, out: N): void;
  saturatingSigmoidBackward(n: N, y: N, dy: N, dx: N): void;
  saturatingTanhKernel(n: N, x: N, out: N): void;
  saturatingTanhBackward(n: N, y: N, dy: N, dx: N): void;
  // binary
  addKernel(n: N, a: N, aStep: N, b: N, bStep: N, out: N): void;
  subKernel(n: N, a: N, aStep: N, b: N, bStep: N, out: N): void;
  mulKernel(n: N, a: N, aStep: N, b: N, bStep: N, out: N): void;
  divKernel(n: N, a: N, aStep: N, b: N, bStep: N, out: N): void;
  binary(op: N, n: N, a: N, aStep: N, b: N, bStep: N, out: N): void;
  binaryStrided(op: N, rank: N, a: N, b: N, out: N): void;
  weigh(n: N, w: N, dy: N, out: N): void;
  select(n: N, shift: N, condition: N, cStep: N, a: N, aStep: N, b: N, bStep: N, out: N): void;
  // elementwise
  fill(n: N, value: N, out: N): void;
  fromBytes(n: N, bytes: N, divisor: N, out: N): void;
  dropout(n: N, threshold: N, scale: N, mask: N, x: N, out: N): void;
  // cast: returns -1, or the position of the first value that is no int32
  toFloats(n: N, x: N, out: N): void;
  toIntegers(n: N, x: N, out: N): N;
  // reduce
  sum(n: N, x: N): N;
  sumSquares(n: N, x: N): N;
  segmentSquares(count: N, pieces: N, x: N, out: N): void;
  sumSquaresWide(n: N, x: N): N;
  sumRows(outer: N, count: N, x: N, scale: N, out: N): void;
  sumColumns(outer: N, count: N, inner: N, x: N, scale: N, out: N): void;
  maxColumns(outer: N, count: N, inner: N, x: N, out: N): void;
  minColumns(outer: N, count: N, inner: N, x: N, out: N): void;
  normColumns(outer: N, count: N, inner: N, x: N, out: N): void;
  // scan
  cumsum(outer: N, count: N, inner: N, reverse: N, x: N, out: N): void;
  prodColumns(outer: N, count: N, inner: N, x: N, out: N): void;
  prodBackward(outer: N, count: N, inner: N, x: N, dy: N, dx: N): void;
  firstExtreme(outer: N, count: N, inner: N, least: N, x: N, out: N): void;
  // losses
  sigmoidCrossEntropy(n: N, x: N, t: N, out: N): void;
  keep(n: N, mask: N, x: N, out: N): void;
  // softmax
  softmax(rows: N, n: N, x: N, y: N): void;
  softmaxBackward(rows: N, n: N, y: N, dy: N, scratch: N, dx: N): void;
  crossEntropy(rows: N, n: N, x: N, labels: N, mask: N, y: N, losses: N): N;
  crossEntropyBackward(rows: N, n: N, y: N, labels: N, dLoss: N, dx: N): void;
  crossEntropyRowsBackward(rows: N, n: N, y: N, labels: N, mask: N, dLosses: N, dx: N): void;
  // these return -1, or a row whose label is outside; the second also the position of a target that is not >= 0
  correctRows(rows: N, n: N, x: N, labels: N, mask: N, out: N): N;
  softCrossEntropy(rows: N, n: N, x: N, labels: N, targets: N, weights: N, mask: N, on: N, off: N, y: N, losses: N): N;
  softCrossEntropyBackward(
    rows: N,
    n: N,
    y: N,
    labels: N,
    targets: N,
    weights: N,
    mask: N,
    on: N,
    off: N,
    dLosses: N,
    dx: N,
  ): void;
  // gather: these return -1, or the position of the first index outside
  gather(outer: N, size: N, inner: N, count: N, x: N, indices: N, out: N): N;
  scatterAdd(outer: N, size: N, inner: N, count: N, x: N, indices: N, out: N): N;
  takeAlong(outer: N, size: N, inner: N, count: N, x: N, indices: N, out: N): N;
  takeAlongBackward(outer: N, size: N, inner: N, count: N, dy: N, indices: N, dx: N): void;
  oneHot(count: N, classes: N, indices: N, out: N): N;
  // layout
  copyStrided(rank: N, source: N, target: N): void;
  transpose(rows: N, columns: N, x: N, out: N): void;
  copy(n: N, source: N, target: N): void;
  // pool: sizes in the table
  maxPool(x: N, y: N): void;
  maxPoolBackward(x: N, y: N, dy: N, dx: N): void;
  averagePool(x: N, y: N): void;
  averagePoolBackward(dy: N, dx: N): void;
  // normalise
  layerNorm(rows: N, n: N, x: N, scale: N, offset: N, epsilon: N, stats: N, out: N): void;
  layerNormBackward(rows: N, n: N, x: N, stats: N, scale: N, dy: N, scratch: N, dx: N, dScale: N, dOffset: N): void;
  batchStatistics(rows: N, n: N, x: N, out: N): void;
  batchNorm(rows: N, n: N, x: N, mean: N, variance: N, scale: N, offset: N, epsilon: N, scratch: N, out: N): void;
  batchNormBackward(
    rows: N,
    n: N,
    x: N,
    mean: N,
    variance: N,
    scale: N,
    epsilon: N,
    own: N,
    dy: N,
    scratch: N,
    dx: N,
    dScale: N,
    dOffset: N,
  ): void;
  // matmul
  matmul(form: N, m: N, n: N, k: N, a: N, b: N, start: N, startStep: N, finish: N, scratch: N, c: N): void;
  matmulScratch(form: N, m: N, n: N, k: N): N;
  packPanels(n: N, k: N, b: N, out: N): void;
  matmulPacked(m: N, n: N, k: N, a: N, packed: N, start: N, startStep: N, finish: N, c: N): void;
  // lerp
  lerp(n: N, a: N, b: N, t: N, out: N): void;
  lerpBackward(n: N, a: N, b: N, t: N, dy: N, da: N, db: N, dt: N): void;
  // conv
  convolve(
    batch: N,
    height: N,
    width: N,
    ci: N,
    kh: N,
    kw: N,
    strideY: N,
    strideX: N,
    outH: N,
    outW: N,
    co: N,
    x: N,
    weight: N,
    bias: N,
    finish: N,
    y: N,
  ): void;
  convolveWeights(
    batch: N,
    height: N,
    width: N,
    ci: N,
    kh: N,
    kw: N,
    strideY: N,
    strideX: N,
    outH: N,
    outW: N,
    co: N,
    x: N,
    dy: N,
    dw: N,
  ): void;
  placeImages(
    batch: N,
    height: N,
    width: N,
    c: N,
    top: N,
    left: N,
    stepY: N,
    stepX: N,
    outH: N,
    outW: N,
    x: N,
    out: N,
  ): void;
  turnKernel(kh: N, kw: N, ci: N, co: N, weight: N, out: N): void;
  // recurrent
  lstmForward(batch: N, hidden: N, cBefore: N, gates: N, c: N, tanhC: N, h: N): void;
  lstmBackward(batch: N, hidden: N, cBefore: N, tanhC: N, dh: N, dc: N, gates: N): void;
  gruForward(batch: N, hidden: N, hBefore: N, u: N, x: N, h: N): void;
  gruBackward(batch: N, hidden: N, hBefore: N, dh: N, dhBefore: N, u: N, x: N): void;
  // update
  scale(n: N, factor: N, g: N): N;
  allBelow(n: N, x: N, limit: N): N;
  sumsFinite(n: N, x: N, y: N): N;
  takeMasked(n: N, mask: N, x: N, out: N): void;
  putMasked(n: N, mask: N, x: N, out: N): void;
  accumulate(n: N, source: N, target: N): void;
  momentum(n: N, rate: N, keep: N, nesterov: N, slot: N, g: N): void;
  addScaled(n: N, factor: N, x: N, g: N): void;
  clampUpdates(n: N, limit: N, g: N): void;
  centeredRms(n: N, decay: N, keep: N, epsilon: N, m: N, v: N, g: N): void;
  adam(n: N, b1: N, keep1: N, b2: N, keep2: N, c1: N, c2: N, epsilon: N, m: N, v: N, g: N): void;
}
