// Handwritten-looking digits, 28 x 28 bytes each, drawn instead of downloaded.
// A glyph's control points are jittered, bent and put through a random affine map; its splines are flattened, and each
// pixel near a piece of line is inked by its distance from it. Then every pixel gets a little noise.
// Only operations that IEEE 754 rounds exactly are used (hence the rational rotation), so every engine draws the same.
import { glyphs } from "./digits-glyphs.js";

const side = 28;
const pieces = 5; // straight pieces per span of a spline: each is about 1 pixel long

// What varies from image to image, all found by measuring: a linear model must fail where a deep one does not.
const pixelsPerUnit = 0.2; // a glyph of 100 units is 20 pixels high, as in MNIST
const tangentRange = 0.13; // of half the angle: rotation within about 15 degrees
const shearRange = 0.3;
const shiftRange = 2.8; // pixels
const jitterRange = 4; // units, per control point
const bendRange = 7; // units, of the middle against the ends

type Pen = { radius: number; softness: number; ink: number };

/** Draws one digit into 784 bytes of `out` at `offset`. `uniform()` yields the next number in [0,1). */
export function drawDigit(label: number, uniform: () => number, out: Uint8Array, offset: number): void {
  const spread = (range: number) => range * (2 * uniform() - 1);
  const variants = glyphs[label];
  const strokes = variants[Math.floor(uniform() * variants.length)];

  // [a b; c d] = rotation * shear * scale; cos and sin from the tangent of half the angle
  const tangent = spread(tangentRange);
  const cos = (1 - tangent * tangent) / (1 + tangent * tangent);
  const sin = (2 * tangent) / (1 + tangent * tangent);
  const shear = spread(shearRange);
  const scale = pixelsPerUnit * (0.95 + spread(0.15));
  const scaleX = scale * (1.1 + spread(0.25));
  const a = cos * scaleX;
  const b = (cos * shear - sin) * scale;
  const c = sin * scaleX;
  const d = (sin * shear + cos) * scale;
  const bend = spread(bendRange);
  const centreX = (side - 1) / 2 + spread(shiftRange);
  const centreY = (side - 1) / 2 + spread(shiftRange);
  const pen = { radius: 0.85 + 0.9 * uniform(), softness: 0.7 + 0.6 * uniform(), ink: 255 * (0.9 + 0.1 * uniform()) };

  out.fill(0, offset, offset + side * side);
  for (const stroke of strokes) {
    const points = stroke.slice();
    let x = 0;
    let y = 0;
    for (let i = 0; i < stroke.length; i += 2) {
      // both halves of a corner move together
      if (i === 0 || stroke[i] !== stroke[i - 2] || stroke[i + 1] !== stroke[i - 1]) {
        const height = stroke[i + 1] / 50;
        x = stroke[i] + spread(jitterRange) + bend * (height * height - 0.5);
        y = stroke[i + 1] + spread(jitterRange);
      }
      points[i] = centreX + a * x + b * y;
      points[i + 1] = centreY + c * x + d * y;
    }
    drawSpline(points, pen, out, offset);
  }
  drawSpecks(uniform, pen, out, offset);
  addPixelNoise(uniform, out, offset);
}

function drawSpline(points: number[], pen: Pen, out: Uint8Array, offset: number): void {
  const last = points.length - 2;
  let fromX = points[0];
  let fromY = points[1];
  for (let i = 0; i < last; i += 2) {
    const before = Math.max(i - 2, 0);
    const after = Math.min(i + 4, last);
    const [x1, y1, x2, y2] = [points[i], points[i + 1], points[i + 2], points[i + 3]];
    if (x1 === x2 && y1 === y2) continue;
    const slopeX1 = (x2 - points[before]) / 2;
    const slopeY1 = (y2 - points[before + 1]) / 2;
    const slopeX2 = (points[after] - x1) / 2;
    const slopeY2 = (points[after + 1] - y1) / 2;
    for (let k = 1; k <= pieces; k++) {
      const t = k / pieces;
      const s = 1 - t;
      const w2 = t * t * (3 - 2 * t);
      const x = (1 - w2) * x1 + w2 * x2 + t * s * (s * slopeX1 - t * slopeX2);
      const y = (1 - w2) * y1 + w2 * y2 + t * s * (s * slopeY1 - t * slopeY2);
      drawLine(fromX, fromY, x, y, pen, out, offset);
      fromX = x;
      fromY = y;
    }
  }
}

function drawLine(x1: number, y1: number, x2: number, y2: number, pen: Pen, out: Uint8Array, offset: number): void {
  const { radius, softness, ink } = pen;
  const reach = radius + softness / 2;
  const left = Math.max(Math.floor(Math.min(x1, x2) - reach) + 1, 0);
  const right = Math.min(Math.floor(Math.max(x1, x2) + reach), side - 1);
  const top = Math.max(Math.floor(Math.min(y1, y2) - reach) + 1, 0);
  const bottom = Math.min(Math.floor(Math.max(y1, y2) + reach), side - 1);
  const dx = x2 - x1;
  const dy = y2 - y1;
  const squaredLength = dx * dx + dy * dy;
  const perLength = squaredLength > 0 ? 1 / squaredLength : 0;
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column - x1;
      const py = row - y1;
      const along = Math.min(Math.max((px * dx + py * dy) * perLength, 0), 1);
      const ex = px - along * dx;
      const ey = py - along * dy;
      const squaredDistance = ex * ex + ey * ey;
      if (squaredDistance >= reach * reach) continue;
      const value = Math.floor(ink * Math.min((reach - Math.sqrt(squaredDistance)) / softness, 1));
      const at = offset + row * side + column;
      if (value > out[at]) out[at] = value;
    }
  }
}

// Every fifth image or so has a stray touch of the pen.
function drawSpecks(uniform: () => number, pen: Pen, out: Uint8Array, offset: number): void {
  if (uniform() >= 0.2) return;
  const x = side * uniform();
  const y = side * uniform();
  const speck = { ...pen, radius: pen.radius * 0.6 };
  drawLine(x, y, x + 3 * uniform() - 1.5, y + 3 * uniform() - 1.5, speck, out, offset);
}

// Grain of up to 15 % peak to peak, the amount drawn per image; clamping leaves half of the background black.
function addPixelNoise(uniform: () => number, out: Uint8Array, offset: number): void {
  const amplitude = 255 * 0.1 * uniform();
  for (let at = offset; at < offset + side * side; at++) {
    const value = Math.floor(out[at] + amplitude * (uniform() - 0.5) + 0.5);
    out[at] = Math.min(Math.max(value, 0), 255);
  }
}
