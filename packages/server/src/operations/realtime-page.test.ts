import { readFile } from "node:fs/promises";
import path from "node:path";
import type { TranscriptionEngine } from "@openai-compat/core";
import { createScriptedTranscriptionEngine, createWhisperEngine, findCachedModel } from "@openai-compat/engines";
import type { Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { HAS_CHROMIUM, openPage, warnWithoutChromium } from "../testing/chromium.ts";
import { playIntoMicrophone, speakIntoMicrophone } from "../testing/microphone.ts";
import { startTestServer } from "../testing/test-server.ts";

warnWithoutChromium("the page for realtime sessions");

const SAID = "The page hears every word of this.";
const TIME_MS_MAX = 60_000;

async function start(engine: TranscriptionEngine = createScriptedTranscriptionEngine()) {
  const started = await startTestServer({
    engine,
    models: [{ id: "ears", type: "transcription", isDefault: true }],
  });
  onTestFinished(() => started.server.close());
  return { ...started, url: new URL("/demo/realtime", started.baseUrl).href };
}

async function begin(page: Page, { url, key }: { readonly url: string; readonly key: string }) {
  await page.goto(url);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Start" }).click();
}

/** The finished turns. */
const finished = (page: Page) => page.getByRole("log").locator(".done");

test("the page and its scripts name no other host, and forbid the browser to ask one", async () => {
  const { url } = await start();
  const response = await fetch(url);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
  const texts = [await response.text()];
  for (const script of ["realtime.js", "capture-worklet.js"]) {
    const answer = await fetch(new URL(`/demo/${script}`, url));
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    texts.push(await answer.text());
  }
  expect(texts.join("\n")).not.toMatch(/(?:https?|wss?):\/\//);
});

test("the start page leads to it", async () => {
  const { baseUrl } = await start();
  const page = await fetch(new URL("/", baseUrl), { headers: { accept: "text/html" } });
  expect(await page.text()).toContain('<a href="/demo/realtime">');
});

test.skipIf(!HAS_CHROMIUM)(
  "what is said into the microphone is written while it is said, turn by turn, and nobody else is asked for anything",
  async () => {
    const { url, keys } = await start();
    const { page, origins, problems } = await openPage(await speakIntoMicrophone(SAID));
    await begin(page, { url, key: keys.key });
    await page.getByRole("status").getByText("Listening.").waitFor();
    const live = page.getByRole("log").locator(".live");
    await live.filter({ hasText: "The page" }).waitFor();
    expect(SAID.startsWith((await live.first().textContent()) ?? "")).toBe(true);
    await expect.poll(() => page.getByLabel("Microphone").getAttribute("value").then(Number)).toBeGreaterThan(0.1);
    await finished(page).getByText(SAID, { exact: true }).first().waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("status").getByText("Stopped.").waitFor();
    expect(await page.getByRole("button", { name: "Start" }).isEnabled()).toBe(true);
    expect(await page.getByRole("alert").isHidden()).toBe(true);
    expect(problems).toEqual([]);
    expect([...origins]).toEqual([new URL(url).origin]);
  },
  TIME_MS_MAX,
);

test.skipIf(!HAS_CHROMIUM)(
  "where turns end by a button, the text comes before, and the turn ends with it",
  async () => {
    const { url, keys } = await start();
    const { page, problems } = await openPage(await speakIntoMicrophone(SAID));
    await page.goto(url);
    await page.getByLabel("API key").fill(keys.key);
    await page.getByLabel("A turn ends").selectOption("manual");
    await page.getByLabel("Language").selectOption("en");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByRole("log").locator(".live").filter({ hasText: SAID }).waitFor();
    expect(await finished(page).count()).toBe(0);
    await page.getByRole("button", { name: "End turn" }).click();
    await finished(page).filter({ hasText: SAID }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("status").getByText("Stopped.").waitFor();
    expect(problems).toEqual([]);
  },
  TIME_MS_MAX,
);

test.skipIf(!HAS_CHROMIUM)(
  "a wrong key, a missing microphone and a server that closes are said as what they are",
  async () => {
    const { url, keys, server } = await start();
    const { page } = await openPage();
    const alert = page.getByRole("alert");
    await begin(page, { url, key: "sk-wrong" });
    await alert.getByText("The key was refused").waitFor();
    await begin(page, { url, key: keys.key });
    await alert.getByText("No microphone was found").waitFor();
    expect(await page.getByRole("button", { name: "Start" }).isEnabled()).toBe(true);

    const speaking = await openPage(await speakIntoMicrophone(SAID));
    await begin(speaking.page, { url, key: keys.key });
    await speaking.page.getByRole("status").getByText("Listening.").waitFor();
    await server.close();
    await speaking.page.getByRole("alert").getByText("The server closed the session").waitFor();
  },
  TIME_MS_MAX,
);

test.skipIf(!HAS_CHROMIUM)(
  "a page that browsers give no microphone says so at once, and does not begin",
  async () => {
    const started = await startTestServer();
    onTestFinished(() => started.server.close());
    const { page } = await openPage(["--host-resolver-rules=MAP demo.test 127.0.0.1"]);
    await page.goto(`http://demo.test:${new URL(started.baseUrl).port}/demo/realtime`);
    await page.getByRole("alert").getByText("from https or from localhost").waitFor();
    expect(await page.getByRole("button", { name: "Start" }).isDisabled()).toBe(true);
  },
  TIME_MS_MAX,
);

test.skipIf(!HAS_CHROMIUM)(
  "each field and button has a name, and the page works from the keyboard",
  async () => {
    const { url } = await start();
    const { page } = await openPage();
    await page.goto(url);
    for (const name of ["API key", "Language", "A turn ends", "Microphone"]) {
      expect(await page.getByLabel(name, { exact: true }).count(), name).toBe(1);
    }
    await page.getByLabel("API key").fill("sk-wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("The key was refused").waitFor();
  },
  TIME_MS_MAX,
);

/** The samples of the recording of `jfk.test.ts`, at 16 kHz. */
async function readSpeech(): Promise<Buffer> {
  const folder = path.join(import.meta.dirname, "../../../engines/src/whisper/testing");
  const file = await readFile(path.join(folder, "jfk.wav"));
  return file.subarray(file.indexOf("data") + 8);
}

const whisper = await findCachedModel("whisper-tiny.en");
const detector = await findCachedModel("silero-vad");
if (whisper === null || detector === null) console.warn("The page is not tried on whisper-tiny.en: pull it to do so.");

test.skipIf(!HAS_CHROMIUM || whisper === null || detector === null)(
  "the page shows what Whisper hears of JFK, turn by turn",
  async () => {
    const engine = createWhisperEngine({
      modelPath: whisper?.path ?? "",
      voiceDetectorPath: detector?.path ?? "",
      threads: 1,
    });
    const { url, keys } = await start(engine);
    const { page, problems } = await openPage(await playIntoMicrophone(await readSpeech(), 16_000));
    await begin(page, { url, key: keys.key });
    for (const said of [/fellow americans/i, /ask what you can do for your country/i]) {
      await finished(page).filter({ hasText: said }).first().waitFor({ timeout: 90_000 });
    }
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("status").getByText("Stopped.").waitFor();
    expect(problems).toEqual([]);
  },
  240_000,
);
