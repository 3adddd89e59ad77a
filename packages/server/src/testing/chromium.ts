/** A real browser for tests, where one is installed; nothing is downloaded for a test. */

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";
import { onTestFinished } from "vitest";

/** Where Debian, Ubuntu and Google put it. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const BROWSER = PLACES.find((path) => existsSync(path));

export const HAS_CHROMIUM = BROWSER !== undefined;

/** Says once in a test file what is not tried. */
export function warnWithoutChromium(what: string): void {
  if (!HAS_CHROMIUM) console.warn(`No Chromium is installed: ${what} is not tried in a browser.`);
}

export interface BrowserPage {
  readonly page: Page;
  /** The hosts that the page has asked for something. */
  readonly origins: ReadonlySet<string>;
  /** What it has written to its console as an error, and what it has thrown. */
  readonly problems: readonly string[];
}

/** A page of a browser of its own, which ends with the test. @param flags of Chromium */
export async function openPage(flags: readonly string[] = []): Promise<BrowserPage> {
  const browser = await chromium.launch({ executablePath: BROWSER ?? "", args: ["--no-sandbox", ...flags] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const origins = new Set<string>();
  const problems: string[] = [];
  page.on("request", (request) => void origins.add(new URL(request.url()).origin));
  page.on("websocket", (socket) => void origins.add(new URL(socket.url()).origin.replace(/^ws/, "http")));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => void problems.push(error.message));
  return { page, origins, problems };
}
