import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test, vi } from "vitest";
import { makeTemporaryDirectory } from "../../models/testing/temporary-directory.ts";
import { KOKORO_VOICES } from "../../models/voice-catalogue.ts";
import { writeTinyVoices } from "../testing/build-voice.ts";
import { openGraphThread } from "./graph-thread.ts";

const never = new AbortController().signal;
const OPTIONS = { voice: "af_heart", speed: 1 };
const SYMBOLS = Array.from({ length: 400 }, () => 5);

async function open() {
  const directory = await makeTemporaryDirectory();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  const { kokoro } = await writeTinyVoices(directory.path);
  if (kokoro.family !== "kokoro") throw new Error("There is no Kokoro.");
  const { modelPath: model, stylesPath } = kokoro;
  const sent = vi.spyOn(Worker.prototype, "postMessage");
  onTestFinished(() => sent.mockRestore());
  const graph = await openGraphThread({ family: "kokoro", model, stylesPath, voices: KOKORO_VOICES, threads: 1 });
  onTestFinished(() => graph.dispose());
  const countSent = () => sent.mock.calls.filter(([message]) => message.type === "render").length;
  return { graph, countSent };
}

test("of pieces whose calls end while another one is computed, none is computed", async () => {
  const { graph, countSent } = await open();
  const gone = new Error("gone");
  const first = graph.render(SYMBOLS, OPTIONS, never);
  const controller = new AbortController();
  const waiting = Array.from({ length: 3 }, () => graph.render(SYMBOLS, OPTIONS, controller.signal));
  const last = graph.render(SYMBOLS, OPTIONS, never);
  const ended = Promise.allSettled(waiting);
  controller.abort(gone);
  for (const outcome of await ended) expect(outcome).toEqual({ status: "rejected", reason: gone });
  expect((await first).length).toBe((await last).length);
  expect(countSent()).toBe(2);
});

test("an abort ends a call at once, and its piece lets the next one wait until it is done", async () => {
  const { graph, countSent } = await open();
  const controller = new AbortController();
  const running = graph.render(SYMBOLS, OPTIONS, controller.signal);
  // Its reply can't come before these are over.
  while (countSent() === 0) await Promise.resolve();
  const gone = new Error("gone");
  controller.abort(gone);
  await expect(running).rejects.toBe(gone);
  expect((await graph.render(SYMBOLS, OPTIONS, never)).length).toBeGreaterThan(0);
  expect(countSent()).toBe(2);
});
