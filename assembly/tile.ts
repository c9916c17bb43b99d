// One tile of a product, and a sweep of tiles over all of it.
// Edges: the last tile overlaps its neighbour and stores only its own lanes; no padding, no scalar tail from n = 4 on.
import {
  tile1x4columns,
  tile1x4rows,
  tile1x8columns,
  tile1x8rows,
  tile1x24columns,
  tile1x24rows,
  tile2x4columns,
  tile2x4rows,
  tile2x8columns,
  tile2x8rows,
  tile3x4columns,
  tile3x4rows,
  tile3x8columns,
  tile3x8rows,
  tile4x4columns,
  tile4x4rows,
  tile4x8columns,
  tile4x8rows,
} from "./matmul-tiles";

export class Tile {
  /** One tile of rows x columns (4 or 8; 24 for one row) at c. */
  @inline static run(
    rows: i32,
    columns: i32,
    byRows: bool,
    segments: i32,
    pitch: usize,
    k: i32,
    a: usize,
    aStep: usize,
    b: usize,
    bStep: usize,
    start: usize,
    startStep: usize,
    skip: i32,
    finish: i32,
    c: usize,
    cStep: usize,
  ): void {
    if (byRows) {
      if (columns == 8) {
        if (rows == 4) tile4x8rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 3)
          tile3x8rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 2)
          tile2x8rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else tile1x8rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
      } else {
        if (rows == 4) tile4x4rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 3)
          tile3x4rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 2)
          tile2x4rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else tile1x4rows(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
      }
    } else {
      if (columns == 8) {
        if (rows == 4) tile4x8columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 3)
          tile3x8columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 2)
          tile2x8columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else tile1x8columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
      } else {
        if (rows == 4) tile4x4columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 3)
          tile3x4columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else if (rows == 2)
          tile2x4columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
        else tile1x4columns(segments, pitch, k, a, aStep, b, bStep, start, startStep, skip, finish, c, cStep);
      }
    }
  }

  /** Sizes below 4 columns, and k = 0: the plain triple loop, in the same order. */
  static narrow(
    m: i32,
    n: i32,
    segments: i32,
    pitch: usize,
    k: i32,
    a: usize,
    aRow: usize,
    aK: usize,
    b: usize,
    bStep: usize,
    start: usize,
    startStep: usize,
    finish: i32,
    c: usize,
    cStep: usize,
  ): void {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let s: f32 = start ? load<f32>(start + i * startStep + (j << 2)) : 0;
        let q: usize = b + (j << 2);
        for (let segment = 0; segment < segments; segment++) {
          let p: usize = a + i * aRow + segment * pitch;
          for (let l = 0; l < k; l++) {
            s += load<f32>(p) * load<f32>(q);
            p += aK;
            q += bStep;
          }
        }
        if (finish == 1 && s < 0) s = 0;
        else if (finish == 2 && abs(s) < 7.888609052210118e-31) s = 0;
        store<f32>(c + i * cStep + (j << 2), s);
      }
    }
  }

  /**
   * C [m, n] over k, B read where it lies. A by rows: element (i, l) at a + i aStep + 4 l; by columns: a + l aStep + 4 i.
   * k runs through segments of A, pitch bytes apart, while B goes on row by row: the rows of an image under a kernel.
   */
  @inline static sweep(
    byRows: bool,
    m: i32,
    n: i32,
    segments: i32,
    pitch: usize,
    k: i32,
    a: usize,
    aStep: usize,
    b: usize,
    bStep: usize,
    start: usize,
    startStep: usize,
    finish: i32,
    c: usize,
    cStep: usize,
  ): void {
    if (n < 4) {
      Tile.narrow(
        m,
        n,
        segments,
        pitch,
        k,
        a,
        byRows ? aStep : 4,
        byRows ? 4 : aStep,
        b,
        bStep,
        start,
        startStep,
        finish,
        c,
        cStep,
      );
      return;
    }
    let i = 0;
    while (i < m) {
      const rows = min(4, m - i);
      let j = 0;
      if (rows == 1) {
        for (; j + 24 <= n; j += 24) {
          const from: usize = start ? start + (j << 2) : 0;
          if (byRows)
            tile1x24rows(
              segments,
              pitch,
              k,
              a,
              aStep,
              b + (j << 2),
              bStep,
              from,
              startStep,
              0,
              finish,
              c + (j << 2),
              cStep,
            );
          else
            tile1x24columns(
              segments,
              pitch,
              k,
              a,
              aStep,
              b + (j << 2),
              bStep,
              from,
              startStep,
              0,
              finish,
              c + (j << 2),
              cStep,
            );
        }
      }
      while (j < n) {
        let left = n - j;
        let columns = left > 4 && n >= 8 ? 8 : 4;
        const skip = max(0, columns - left);
        const at: usize = (j - skip) << 2;
        const from: usize = start ? start + at : 0;
        Tile.run(
          rows,
          columns,
          byRows,
          segments,
          pitch,
          k,
          a,
          aStep,
          b + at,
          bStep,
          from,
          startStep,
          skip,
          finish,
          c + at,
          cStep,
        );
        j += columns - skip;
      }
      a += byRows ? rows * aStep : rows << 2;
      c += rows * cStep;
      if (start) start += rows * startStep;
      i += rows;
    }
  }
}
