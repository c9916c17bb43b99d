// The elementwise family in one place.
export * from "./activations.js";
export * from "./binary.js";
export { broadcastBinary } from "./broadcast.js";
export * from "./compare.js";
export * from "./unary.js";
