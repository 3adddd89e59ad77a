/** The example application of the client's package against a whole server: as a Node.js script, and in a real browser. */

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import {
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  createScriptedSpeechEngine,
  createScriptedTranscriptionEngine,
} from "@openai-compat/engines";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { HAS_CHROMIUM, openPage, warnWithoutChromium } from "./testing/chromium.ts";
import { speakPcm } from "./testing/realtime-client.ts";
import { createTestDirectory } from "./testing/serve-process.ts";
import { startTestServer } from "./testing/test-server.ts";

warnWithoutChromium("the example page of the client");

const EXAMPLES = path.join(import.meta.dirname, "../../client/examples");
const SAID = "every word is heard";
const TIME_MS_MAX = 60_000;

async function start() {
  const started = await startTestServer({
    models: [
      { id: "chat", engine: createScriptedEngine(), isDefault: true },
      { id: "vectors", type: "embedding", engine: createScriptedEmbeddingEngine(), isDefault: true },
      { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
      { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
    ],
  });
  onTestFinished(() => started.server.close());
  const recording = path.join(createTestDirectory(), "recording.pcm");
  await writeFile(recording, await speakPcm(started.baseUrl, started.keys.key, SAID));
  return { ...started, recording };
}

const LINES = [
  /^models: chat \(chat\), vectors \(embedding\), ears \(transcription\), voice \(speech\)$/,
  /^answer: \S/,
  /^vectors: 2 of [1-9]\d* dimensions$/,
  new RegExp(`^heard: ${SAID}$`),
  /^speech: [1-9]\d* bytes of audio\//,
];

test(
  "the script lists models, streams a prompt, embeds, transcribes and speaks",
  async () => {
    const { baseUrl, keys, recording } = await start();
    const script = path.join(EXAMPLES, "node.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [script, baseUrl, recording], {
      env: { ...process.env, TOKEN: keys.key },
    });
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(LINES.length);
    for (const [index, pattern] of LINES.entries()) expect(lines[index]).toMatch(pattern);
  },
  TIME_MS_MAX,
);

test.skipIf(!HAS_CHROMIUM)(
  "the page does the same in a browser",
  async () => {
    const { baseUrl, keys, recording } = await start();
    const bundle = await build({
      entryPoints: [path.join(EXAMPLES, "page.ts")],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    const { page, origins, problems } = await openPage();
    const { origin } = new URL(baseUrl);
    const html = await readFile(path.join(EXAMPLES, "page.html"), "utf8");
    await page.route(`${origin}/example/page.html`, (route) => route.fulfill({ contentType: "text/html", body: html }));
    await page.route(`${origin}/example/page.js`, (route) =>
      route.fulfill({ contentType: "text/javascript", body: bundle.outputFiles[0]?.text ?? "" }),
    );
    await page.goto(`${origin}/example/page.html`);
    await page.getByLabel("API key").fill(keys.key);
    await page.getByLabel("Recording").setInputFiles(recording);
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText(/^done$|^failed/).waitFor();
    const lines = await page.getByRole("listitem").allTextContents();
    expect(lines.at(-1)).toBe("done");
    for (const [index, pattern] of LINES.entries()) expect(lines[index]).toMatch(pattern);
    expect(problems).toEqual([]);
    expect([...origins]).toEqual([origin]);
  },
  TIME_MS_MAX,
);
