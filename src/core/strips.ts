// Runs of elements: what two lists of them share, and how passes take them. Long runs go one by one; short ones that lie
// close together (a mask of single elements or of rows) go as one strip, worked on in a copy and put back under its mask.

/** A run of elements. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** What a pass takes at a time: a run or, where `mixed`, runs and the gaps between them. */
export interface Strip extends Range {
  readonly mixed: boolean;
}

/** A call a run costs about as much as so many elements: a draw makes whole chunks of 1,024. */
const SHORT = 1024;
const GAP = 256;

/** What two lists of sorted, disjoint runs share. */
export function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  const out: Range[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [endA, endB] = [a[i].offset + a[i].length, b[j].offset + b[j].length];
    const offset = Math.max(a[i].offset, b[j].offset);
    const end = Math.min(endA, endB);
    if (end > offset) out.push({ offset, length: end - offset });
    if (endA <= endB) i++;
    else j++;
  }
  return out;
}

/** The strips of sorted, disjoint runs. */
export function stripsOf(ranges: readonly Range[]): Strip[] {
  const runs = merged(ranges);
  const strips: Strip[] = [];
  for (let from = 0; from < runs.length; ) {
    const { offset } = runs[from];
    let end = offset + runs[from].length;
    let to = from + 1;
    if (runs[from].length < SHORT)
      for (; to < runs.length && runs[to].length < SHORT && runs[to].offset - end < GAP; to++)
        end = runs[to].offset + runs[to].length;
    strips.push({ offset, length: end - offset, mixed: to - from > 1 });
    from = to;
  }
  return strips;
}

/** Runs that touch become one. */
function merged(ranges: readonly Range[]): Range[] {
  const out: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges) {
    const last = out[out.length - 1];
    if (last && last.offset + last.length === offset) last.length += length;
    else if (length > 0) out.push({ offset, length });
  }
  return out;
}

/** What sorted, disjoint runs share with each segment, in order; the rest of a run's fields go with its pieces. */
export function pieces<R extends Range>(segments: readonly Range[], ranges: readonly R[]): (R & { segment: number })[] {
  const out: (R & { segment: number })[] = [];
  let r = 0;
  for (let segment = 0; segment < segments.length; segment++) {
    const { offset, length } = segments[segment];
    const end = offset + length;
    while (r > 0 && ranges[r - 1].offset + ranges[r - 1].length > offset) r--;
    for (; r < ranges.length && ranges[r].offset < end; r++) {
      const from = Math.max(offset, ranges[r].offset);
      const to = Math.min(end, ranges[r].offset + ranges[r].length);
      if (to > from) out.push({ ...ranges[r], segment, offset: from, length: to - from });
    }
  }
  return out;
}
