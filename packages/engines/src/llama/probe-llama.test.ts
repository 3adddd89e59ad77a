import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { probeLlama } from "./probe-llama.ts";

const root = await mkdtemp(join(tmpdir(), "probe-llama-"));
afterAll(async () => rm(root, { recursive: true }));

async function setUp(
  source: string,
): Promise<{ directory: string; moduleUrl: string; rewrite(text: string): Promise<void> }> {
  const directory = await mkdtemp(join(root, "case-"));
  const path = join(directory, "library.mjs");
  await writeFile(path, source);
  const rewrite = (text: string) => writeFile(path, text);
  return { directory: join(directory, "cache"), moduleUrl: pathToFileURL(path).href, rewrite };
}

test("the installed library runs here", async () => {
  await expect(probeLlama({ directory: join(root, "real") })).resolves.toEqual({ available: true });
});

test("a library that runs is probed once", async () => {
  const { directory, moduleUrl } = await setUp(
    "export const getLlama = async (options) => options.build === 'never' || fail();",
  );
  await expect(probeLlama({ directory, moduleUrl })).resolves.toEqual({ available: true });
  expect(await readdir(directory)).toHaveLength(1);
  // No process could meet so short a limit: the answer is cached.
  await expect(probeLlama({ directory, moduleUrl, timeoutMs: 1 })).resolves.toEqual({ available: true });
});

test("a library without a binary says why, and is probed again the next time", async () => {
  const { directory, moduleUrl, rewrite } = await setUp(
    "class NoBinaryFoundError extends Error { name = 'NoBinaryFoundError' }\nexport const getLlama = async () => { throw new NoBinaryFoundError('no binary') };",
  );
  const refused = await probeLlama({ directory, moduleUrl });
  expect(refused).toMatchObject({ available: false, reason: expect.stringContaining("NoBinaryFoundError: no binary") });
  await rewrite("export const getLlama = async () => {};");
  await expect(probeLlama({ directory, moduleUrl })).resolves.toEqual({ available: true });
});

test("a library that crashes its process crashes the probe alone", async () => {
  const { directory, moduleUrl } = await setUp("export const getLlama = async () => process.abort();");
  await expect(probeLlama({ directory, moduleUrl })).resolves.toMatchObject({ available: false });
});

test("a library that hangs is abandoned after the timeout", async () => {
  const { directory, moduleUrl } = await setUp(
    "setInterval(() => {}, 1000); export const getLlama = () => new Promise(() => {});",
  );
  await expect(probeLlama({ directory, moduleUrl, timeoutMs: 500 })).resolves.toMatchObject({
    available: false,
    reason: expect.stringContaining("did not answer in time"),
  });
});

test("a library that is not installed is reported as such", async () => {
  await expect(probeLlama({ moduleUrl: null })).resolves.toMatchObject({
    available: false,
    reason: expect.stringContaining("is not installed"),
  });
});
