// The product that is being made, described once: C [m, n] = start + A B, over k (C, start and B by rows).
// What stays the same from tile to tile stands here; what moves (a, b, start, c) is passed, five words that fit in registers.
// The fields are globals of the instance, written at the head of an export and read below it, never kept from call to call: two
// threads have two sets. At a fixed address in linear memory they were no faster and 1 kB more code, and would be one set for all.
export class Product {
  /** Whether A lies by rows, element (i, l) at a + i aStep + 4 l, or by columns, at a + l aStep + 4 i. */
  static byRows: bool = true;
  static n: i32 = 0;
  static k: i32 = 0;
  /** k runs through so many segments of A, `pitch` bytes apart, while B goes on row by row: the rows of an image under a kernel. */
  static segments: i32 = 1;
  static pitch: usize = 0;
  /** Bytes to the next row of A (by columns: to the next k), of B, of the start (0: a bias, one row for all) and of C. */
  static aStep: usize = 0;
  static bStep: usize = 0;
  static startStep: usize = 0;
  static cStep: usize = 0;
  /** What is stored: 0 the sum, 1 max(0, sum), 2 zero where |sum| < 2^-100 (the law on denormals in ARCHITECTURE.md). */
  static finish: i32 = 0;

  /** A plain product of rows without gaps: B and C [.., n], one segment. */
  @inline static plain(byRows: bool, n: i32, k: i32, aStep: usize): void {
    Product.byRows = byRows;
    Product.n = n;
    Product.k = k;
    Product.segments = 1;
    Product.pitch = 0;
    Product.aStep = aStep;
    Product.bStep = n << 2;
    Product.cStep = n << 2;
  }

  /** A part of k: from the second on the sums start from C, and only the last has the whole's ending. */
  @inline static part(size: i32, first: bool, last: bool, startStep: usize, finish: i32): void {
    Product.k = size;
    Product.startStep = first ? startStep : Product.cStep;
    Product.finish = last ? finish : 0;
  }
}
