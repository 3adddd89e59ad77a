import { afterEach, beforeEach, expect, test } from "vitest";
import { renderDocsPage } from "./docs-page.ts";
import { HAS_CHROMIUM, openPage, warnWithoutChromium } from "../testing/chromium.ts";
import { startTestServer } from "../testing/test-server.ts";

warnWithoutChromium("the documentation page");

let started: Awaited<ReturnType<typeof startTestServer>>;
beforeEach(async () => {
  started = await startTestServer();
});
afterEach(() => started.server.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, started.baseUrl), { headers });

test("the document describes the API at the address that it came from", async () => {
  const response = await get("/openapi.json");
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toMatchObject({
    openapi: "3.1.0",
    servers: [{ url: "/v1" }],
    paths: { "/chat/completions": { post: {} } },
  });
});

test("the page names no other host, and forbids the browser to ask one", async () => {
  const response = await get("/docs");
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
  expect(await response.text()).not.toMatch(/https?:\/\//);
});

test("without its script the page leads to the document", () => {
  expect(renderDocsPage({ hasScript: false })).toContain('<a href="/openapi.json">');
  expect(renderDocsPage({ hasScript: false })).not.toContain("<script");
});

test("the script is sent whole, and not again while it is the same", async () => {
  const first = await get("/docs/standalone.js");
  const bytes = await first.arrayBuffer();
  expect(bytes.byteLength).toBe(Number(first.headers.get("content-length")));
  expect(bytes.byteLength).toBeGreaterThan(1_000_000);
  const etag = first.headers.get("etag") ?? "";
  const again = await get("/docs/standalone.js", { "if-none-match": `"other", W/${etag}` });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test.skipIf(!HAS_CHROMIUM)(
  "a browser shows the page and sends requests to this server only",
  async () => {
    const { page, origins, problems } = await openPage();
    await page.goto(new URL("/docs", started.baseUrl).href);
    await page.getByRole("heading", { name: "Lists the models that the server offers." }).waitFor();
    // What a page fetches later (fonts, telemetry) it fetches in the first moments after it shows.
    await page.waitForTimeout(1000);
    const own = new URL(started.baseUrl).origin;
    expect([...origins].filter((origin) => origin !== own && origin !== "null")).toEqual([]);
    expect(problems).toEqual([]);
    await page.getByRole("link", { name: "Realtime transcription" }).click();
    await page.getByRole("heading", { name: "Realtime transcription" }).waitFor();
  },
  60_000,
);
