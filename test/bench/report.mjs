// What the bench prints: JSON lines, one a figure, or a table a workload with the ratios that matter.

import { pairedRatio } from "./measure.mjs";

const digits = (v) => (v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2));
const percent = (v) => `${(100 * v).toFixed(1)} %`;

/** Lines of a table: the first column left, the others right aligned. */
export function table(header, rows) {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => String(row[i] ?? "").length)));
  const line = (row) =>
    header
      .map((_, i) => {
        const text = String(row[i] ?? "");
        return i === 0 || header[i] === "ahead of us" ? text.padEnd(widths[i]) : text.padStart(widths[i]);
      })
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((w) => "-".repeat(w)).join("  "), ...rows.map(line)].join("\n");
}

const native = new Set(["pytorch", "numpy"]);
const own = (peer) => peer.startsWith("gradnoise") || peer === "roof" || peer === "node";

/**
 * The table of one workload. Figures are { peer, case, value, unit, lowerIsBetter } of one case each; ratios are above 1 where
 * gradnoise is ahead, and the last column names whoever is ahead of it.
 */
export function workloadTable(title, figures) {
  const cases = [...new Set(figures.map((f) => f.case))];
  const peers = [...new Set(figures.map((f) => f.peer))].filter((peer) => peer !== "roof");
  const { unit, lowerIsBetter } = figures[0];
  const find = (name, peer) => figures.find((f) => f.case === name && f.peer === peer);
  const others = peers.filter((peer) => !own(peer));
  const script = others.filter((peer) => !native.has(peer));
  const compiled = others.filter((peer) => native.has(peer));
  const hasRoof = figures.some((f) => f.peer === "roof");
  const header = [
    unit,
    ...peers,
    ...(hasRoof ? ["of the roof"] : []),
    ...(script.length > 0 ? ["to best JS"] : []),
    ...compiled.map((peer) => `to ${peer}`),
    ...(others.length > 0 ? ["ahead of us"] : []),
  ];
  const rows = cases.map((name) => {
    const ours = find(name, "gradnoise");
    const ratio = (peer) => {
      const theirs = find(name, peer);
      if (theirs === undefined || ours === undefined) return undefined;
      if (ours.times && theirs.times) return pairedRatio(ours.times, theirs.times);
      return lowerIsBetter ? theirs.value / ours.value : ours.value / theirs.value;
    };
    const known = script.map(ratio).filter((r) => r !== undefined);
    const show = (r) => (r === undefined ? "" : r.toFixed(2));
    const share = ours?.roofShare;
    return [
      name,
      ...peers.map((peer) => (find(name, peer) ? digits(find(name, peer).value) : "")),
      ...(hasRoof ? [share === undefined ? "" : percent(share)] : []),
      ...(script.length > 0 ? [known.length > 0 ? show(Math.min(...known)) : ""] : []),
      ...compiled.map((peer) => show(ratio(peer))),
      ...(others.length > 0 ? [others.filter((peer) => ratio(peer) < 1).join(", ")] : []),
    ];
  });
  return `\n${title}\n${table(header, rows)}`;
}

/** A figure as `--json` prints it. */
export function jsonLine({ peer, workload, case: name, us, value, unit }) {
  const round = (v, n) => Number(v.toPrecision(n));
  return JSON.stringify({
    peer,
    workload,
    case: name,
    median_us: round(us, 6),
    value: round(value, 5),
    unit,
    node: process.version,
  });
}
