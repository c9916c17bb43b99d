// For `npm run test:onnx`: the peers of test/bench, onnxruntime-web among them, where they are not there yet.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../bench/", import.meta.url));
if (!existsSync(`${folder}node_modules/onnxruntime-web`)) {
  console.log("installing the peers of test/bench, onnxruntime-web among them ...");
  const { status } = spawnSync("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund"], { stdio: "inherit" });
  process.exit(status ?? 1);
}
