// A page in Chromium, as a server gives it: files of a folder, or texts, with headers; what it prints and what it throws.
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Whether there is a browser. CHROMIUM names one that has to be there: the gate sets it. */
export const hasChromium = existsSync(executablePath) || process.env.CHROMIUM !== undefined;
if (!hasChromium)
  console.warn(`SKIPPED: ${executablePath} is missing, so no page is opened. Install chromium, or set CHROMIUM`);

export const launch = (...args: string[]): Promise<Browser> =>
  chromium.launch({ executablePath, args: ["--no-sandbox", ...args] });

const TYPES: { [extension: string]: string } = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** Serves a folder, and above it `texts` by path; `headers` go with every answer. */
export function serve(
  folder: string,
  texts: { [path: string]: string } = {},
  headers: { [name: string]: string } = {},
): Promise<{ server: Server; url: string }> {
  const server = createServer(({ url = "/" }, response) => {
    const path = normalize(decodeURI(url.replace(/\?.*/, "")));
    const file = join(folder, path);
    const body = texts[path] ?? (existsSync(file) && extname(file) ? readFileSync(file) : undefined);
    const status = body === undefined ? 404 : 200;
    response.writeHead(status, { "content-type": TYPES[extname(path) || ".html"] ?? "text/plain", ...headers });
    response.end(body ?? "<!doctype html><title>Not found</title>");
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ server, url: `http://127.0.0.1:${port}` });
    }),
  );
}

/** Opens an address and gives the first line that the page prints; what it throws or complains of instead is thrown. */
export async function firstLine(browser: Browser, url: string): Promise<string> {
  const page = await browser.newPage();
  try {
    return await new Promise((resolve, reject) => {
      page.on("pageerror", reject);
      page.on("console", (message) => {
        if (message.type() === "log") resolve(message.text());
        // a file that a page asks for itself may be missing: that is for the page to say
        else if (/^(error|warning)$/.test(message.type()) && !message.location().url.endsWith(".wasm"))
          reject(new Error(`${message.type()}: ${message.text()}`));
      });
      page.goto(url).catch(reject);
    });
  } finally {
    await page.close();
  }
}
