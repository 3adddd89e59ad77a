import { expect, onTestFinished, test, vi } from "vitest";
import { makeTemporaryDirectory } from "../../models/testing/temporary-directory.ts";
import { KOKORO_VOICES } from "../../models/voice-catalogue.ts";
import { writeTinyVoices } from "../testing/build-voice.ts";
import { openGraphProcess } from "./graph-process.ts";
import type { GraphProcessOptions } from "./graph-process.ts";

const never = new AbortController().signal;
const OPTIONS = { voice: "af_heart", speed: 1 };
const SYMBOLS = Array.from({ length: 40 }, () => 5);
const SLOW = new URL("../testing/slow-graph-child.ts", import.meta.url);

async function open(options: GraphProcessOptions = {}) {
  const directory = await makeTemporaryDirectory();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  const { kokoro } = await writeTinyVoices(directory.path);
  if (kokoro.family !== "kokoro") throw new Error("There is no Kokoro.");
  const { modelPath: model, stylesPath } = kokoro;
  const settings = { family: "kokoro", model, stylesPath, voices: KOKORO_VOICES, threads: 1 } as const;
  const graph = await openGraphProcess(settings, options);
  onTestFinished(() => graph.dispose());
  return graph;
}

/** The slow graph: its process, and how many pieces that has computed. */
async function renderSlowly(graph: Awaited<ReturnType<typeof open>>, signal = never, blockMs = 0) {
  const [high = 0, low = 0, pieces = 0] = await graph.render([blockMs], OPTIONS, signal);
  return { pid: high * 65_536 + low, pieces };
}

test("pieces are computed in the process, and its memory is known", async () => {
  const graph = await open();
  expect(graph.symbolsMax).toBeGreaterThan(100);
  expect((await graph.render(SYMBOLS, OPTIONS, never)).length).toBeGreaterThan(1000);
  await vi.waitFor(() => expect(graph.residentBytes()).toBeGreaterThan(20_000_000), { timeout: 20_000 });
});

test("an abort ends a piece that blocks its process, with the process, and the next piece has another one", async () => {
  const graph = await open({ entry: SLOW });
  const { pid } = await renderSlowly(graph);
  const controller = new AbortController();
  const gone = new Error("gone");
  const blocked = renderSlowly(graph, controller.signal, 1_000_000);
  setTimeout(() => controller.abort(gone), 100);
  await expect(blocked).rejects.toBe(gone);
  expect(isAlive(pid)).toBe(false);
  const next = await renderSlowly(graph);
  expect(next.pid).not.toBe(pid);
  expect(next.pieces).toBe(1);
});

test("an abort lets a piece end that ends soon, and of those that wait none is computed", async () => {
  const graph = await open({ entry: SLOW, abortTimeMsMax: 60_000 });
  const { pid } = await renderSlowly(graph);
  const controller = new AbortController();
  const gone = new Error("gone");
  const calls = [300, 1, 1, 1].map((blockMs) => renderSlowly(graph, controller.signal, blockMs));
  const ended = Promise.allSettled(calls);
  setTimeout(() => controller.abort(gone), 100);
  const outcomes = await ended;
  expect(outcomes.slice(1)).toEqual(calls.slice(1).map(() => ({ status: "rejected", reason: gone })));
  expect(await renderSlowly(graph)).toEqual({ pid, pieces: 3 });
});

test("a process that is killed from outside fails its piece, and the next one has another process", async () => {
  const graph = await open({ entry: SLOW });
  const { pid } = await renderSlowly(graph);
  const failing = renderSlowly(graph, never, 1_000_000);
  setTimeout(() => process.kill(pid, "SIGKILL"), 100);
  await expect(failing).rejects.toMatchObject({ code: "engine_failed" });
  expect((await renderSlowly(graph)).pieces).toBe(1);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
