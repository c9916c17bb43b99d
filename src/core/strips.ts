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
  const strips: Strip[] = [];
  let [start, end, mixed, open] = [0, 0, false, false]; // the strip so far; open: of short runs alone
  for (let i = 0; i < ranges.length; ) {
    const { offset, length } = ranges[i++];
    let until = offset + length;
    for (; i < ranges.length && ranges[i].offset === until; i++) until += ranges[i].length; // runs that touch are one
    const short = until - offset < SHORT;
    if (open && short && offset - end < GAP) mixed = true;
    else {
      if (end > start) strips.push({ offset: start, length: end - start, mixed });
      [start, mixed, open] = [offset, false, short];
    }
    end = until;
  }
  if (end > start) strips.push({ offset: start, length: end - start, mixed });
  return strips;
}

/** How many runs, or parts of runs, lie in each segment. */
export function countPieces(segments: readonly Range[], ranges: readonly Range[]): Int32Array {
  const count = new Int32Array(segments.length);
  eachPiece(segments, ranges, (segment) => count[segment]++);
  return count;
}

/** What sorted, disjoint runs share with each segment that is `wanted`, in order. */
export function pieces(
  segments: readonly Range[],
  ranges: readonly (Range & { readonly mixed?: boolean })[],
  wanted: (segment: number) => boolean = () => true,
): (Strip & { readonly segment: number })[] {
  const out: (Strip & { readonly segment: number })[] = [];
  eachPiece(segments, ranges, (segment, offset, length, range) => {
    if (wanted(segment)) out.push({ offset, length, mixed: ranges[range].mixed ?? false, segment });
  });
  return out;
}

function eachPiece(
  segments: readonly Range[],
  ranges: readonly Range[],
  found: (segment: number, offset: number, length: number, range: number) => void,
): void {
  let r = 0;
  for (let segment = 0; segment < segments.length; segment++) {
    const { offset, length } = segments[segment];
    const end = offset + length;
    while (r > 0 && ranges[r - 1].offset + ranges[r - 1].length > offset) r--;
    for (; r < ranges.length && ranges[r].offset < end; r++) {
      const from = Math.max(offset, ranges[r].offset);
      const to = Math.min(end, ranges[r].offset + ranges[r].length);
      if (to > from) found(segment, from, to - from, r);
    }
  }
}
