import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

// node: everything quick. slow: statistics over 10^8 draws, long reproductions. chromium: the golden suite in a browser.
// package: the packed tarball, bundled and unbundled, in Node and in a browser.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          environment: "node",
          setupFiles: ["test/setup.ts"],
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.slow.test.ts", "test/bench/**", "test/package/**"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "package",
          environment: "node",
          globalSetup: ["test/package/tarball.ts"],
          include: ["test/package/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: "slow", environment: "node", include: ["test/**/*.slow.test.ts"], testTimeout: 1_800_000 } },
      {
        test: {
          name: "chromium",
          include: ["test/golden/*.test.ts", "test/browser/*.test.ts"],
          testTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});
