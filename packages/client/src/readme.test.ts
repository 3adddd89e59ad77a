/** The examples of the README, run as they are against the whole server on scripted engines. */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { startScriptedServer } from "@openai-compat/server/scripted-server";
import { expect, onTestFinished, test } from "vitest";

const README = path.join(import.meta.dirname, "../README.md");
const ADDRESS = "http://127.0.0.1:8080/v1";
const RUN_MS_MAX = 60_000;

/** Each example below the heading that it stands under. */
const examples = readFileSync(README, "utf8")
  .split(/^## /m)
  .flatMap((section) =>
    [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => ({
      title: section.split("\n", 1)[0] ?? "",
      code,
    })),
  );

/** @returns what it printed */
async function run(file: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [file], {
    cwd: path.dirname(file),
    env: { ...process.env, ...environment },
    timeout: RUN_MS_MAX,
  });
  let output = "";
  child.stdout.on("data", (text) => (output += String(text)));
  child.stderr.on("data", (text) => (output += String(text)));
  const code = await new Promise((resolve) => void child.on("close", resolve));
  expect(code, output).toBe(0);
  return output;
}

test("the README has an example for each part of the client", () => {
  expect(examples.map(({ title }) => title)).toEqual([
    "Chat",
    "Embeddings, speech and transcriptions",
    "Native procedures",
    "Errors and retries",
    "The official SDK",
  ]);
});

test.each(examples)("the example of '$title' runs as it is", async ({ title, code }) => {
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  const folder = mkdtempSync(path.join(tmpdir(), "client-readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(code).toContain(ADDRESS);
  const source = pathToFileURL(path.join(import.meta.dirname, "index.ts")).href;
  const file = path.join(folder, "example.ts");
  writeFileSync(file, code.replaceAll('"@openai-compat/client"', `"${source}"`).replaceAll(ADDRESS, baseUrl));
  const output = await run(file, { TOKEN: keys.key });
  expect(output.trim(), title).not.toBe("");
  if (title === "Errors and retries") expect(output).toBe("api 404 model_not_found model false\n");
  if (title.startsWith("Embeddings")) expect(output).toContain("hello");
});
