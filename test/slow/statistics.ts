// Accumulators for the statistics of a stream of standard normals, in double precision, and what N(0, 1) expects of them.

/** Complementary error function to about 1e-16: a series below 2.5, Lentz's continued fraction above. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = 0;
  for (let k = 120; k >= 1; k--) f = k / 2 / (x + f);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + f);
}

/** P(Z <= x) of a standard normal. */
export const normalCdf = (x: number): number => erfc(-x / Math.SQRT2) / 2;

const REACH = 8;
const PER_UNIT = 8192;

/** Power sums, a histogram of bins 1/8192 wide, and counts beyond 3, 4 and 5. */
export class Distribution {
  n = 0;
  readonly bins = new Float64Array(2 * REACH * PER_UNIT);
  readonly tails = [0, 0, 0];
  largest = 0;
  private readonly powers = [0, 0, 0, 0];

  add(values: Float32Array): void {
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let s4 = 0;
    const { bins, tails } = this;
    for (let i = 0; i < values.length; i++) {
      const z = values[i];
      const z2 = z * z;
      s1 += z;
      s2 += z2;
      s3 += z2 * z;
      s4 += z2 * z2;
      bins[Math.floor((z + REACH) * PER_UNIT)]++;
      if (z2 > 9) {
        tails[0]++;
        if (z2 > 16) tails[1]++;
        if (z2 > 25) tails[2]++;
        if (z2 > this.largest) this.largest = z2;
      }
    }
    [s1, s2, s3, s4].forEach((s, i) => {
      this.powers[i] += s;
    });
    this.n += values.length;
  }

  /** Mean, variance, skewness and excess kurtosis, with their standard errors under N(0, 1). */
  moments(): { name: string; value: number; expected: number; error: number }[] {
    const { n } = this;
    const [m1, m2, m3, m4] = this.powers.map((s) => s / n);
    const variance = m2 - m1 * m1;
    const third = m3 - 3 * m1 * m2 + 2 * m1 ** 3;
    const fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 ** 4;
    return [
      { name: "mean", value: m1, expected: 0, error: Math.sqrt(1 / n) },
      { name: "variance", value: variance, expected: 1, error: Math.sqrt(2 / n) },
      { name: "skewness", value: third / variance ** 1.5, expected: 0, error: Math.sqrt(6 / n) },
      { name: "kurtosis", value: fourth / variance ** 2, expected: 3, error: Math.sqrt(24 / n) },
    ];
  }

  /** Values beyond 3, 4 and 5 standard deviations, either side. */
  tailCounts(): { name: string; value: number; expected: number; error: number }[] {
    return [3, 4, 5].map((limit, i) => {
      const p = erfc(limit / Math.SQRT2);
      return {
        name: `beyond ${limit} sigma`,
        value: this.tails[i],
        expected: this.n * p,
        error: Math.sqrt(this.n * p * (1 - p)),
      };
    });
  }

  /** sqrt(n) sup |F_n - F| over the borders of the bins. */
  kolmogorovSmirnov(): number {
    let below = 0;
    let worst = 0;
    for (let i = 0; i < this.bins.length; i++) {
      below += this.bins[i];
      worst = Math.max(worst, Math.abs(below / this.n - normalCdf((i + 1) / PER_UNIT - REACH)));
    }
    return worst * Math.sqrt(this.n);
  }
}

/** Sums of x y, and of (x^2 - 1)(y^2 - 1), over pairs: both are correlations of independent standard normals. */
export class Correlation {
  n = 0;
  private product = 0;
  private squares = 0;

  add(x: Float32Array, y: Float32Array, from = 0, to = x.length, step = 1, shift = 0): void {
    let product = 0;
    let squares = 0;
    let n = 0;
    for (let i = from; i < to; i += step) {
      const a = x[i];
      const b = y[i + shift];
      product += a * b;
      squares += (a * a - 1) * (b * b - 1);
      n++;
    }
    this.product += product;
    this.squares += squares;
    this.n += n;
  }

  /** In standard errors: r sqrt(n), and the same of the squares (variance of z^2 - 1 is 2). */
  get scores(): { plain: number; squared: number } {
    const root = Math.sqrt(this.n);
    return { plain: this.product / root, squared: this.squares / (2 * root) };
  }
}
