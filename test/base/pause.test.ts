// Pausing: every way of it lets other work go first, and leaves nothing open.
import { afterEach, describe, expect, it, vi } from "vitest";
import { pause } from "../../src/base/pause.js";

afterEach(() => vi.unstubAllGlobals());

describe("a pause", () => {
  const ways: [string, string[]][] = [
    ["setImmediate", []],
    ["a message", ["setImmediate"]],
    ["setTimeout", ["setImmediate", "MessageChannel"]],
  ];
  it.each(ways)("by %s lets what was due before go first", async (_, missing) => {
    const events: string[] = [];
    queueMicrotask(() => events.push("microtask"));
    setImmediate(() => events.push("task"));
    for (const name of missing) vi.stubGlobal(name, undefined);
    for (let i = 0; i < 3; i++) await pause();
    events.push("pause");
    expect(events).toEqual(["microtask", "task", "pause"]);
  });

  it("by messages leaves no port open, which would hold the process", async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
    const before = ports();
    vi.stubGlobal("setImmediate", undefined);
    for (let i = 0; i < 20; i++) await pause();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ports()).toBe(before);
  });
});
