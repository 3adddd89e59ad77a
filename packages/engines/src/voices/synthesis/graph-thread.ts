/**
 * The model of a voice in a thread of its own, so that the process goes on answering: an abort ends its call at once,
 * and the piece that is being computed is dropped when it is done. ONNX Runtime offers no way to end it sooner, so one
 * piece at most is in the thread: those that wait for it are not computed when their calls end.
 */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { AiError, decodeAiError } from "@openai-compat/core";
import { createTurns } from "../../llama/turns.ts";
import type { GraphReply, GraphRequest, GraphSettings, RenderOptions } from "./graph-messages.ts";

export interface GraphThread {
  /** Symbols that one piece may have at most. */
  readonly symbolsMax: number;
  /**
   * Calls take turns, a piece each.
   *
   * @throws the signal's reason; AiError `engine_failed`
   */
  render(symbols: readonly number[], options: RenderOptions, signal: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** Ends the thread when what it computes is done. */
  dispose(): Promise<void>;
}

/** Of the bundle, or of the sources. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./graph-worker.ts" : "./voice-graph.js", import.meta.url);

type PendingPiece = PromiseWithResolvers<Float32Array<ArrayBuffer>>;

/** @throws AiError `engine_unavailable` when the model or the library can't be loaded */
export async function openGraphThread(settings: GraphSettings): Promise<GraphThread> {
  const worker = new Worker(ENTRY, { workerData: settings });
  const opened = Promise.withResolvers<number>();
  const pending = new Map<number, PendingPiece>();
  const turns = createTurns();
  let lastId = 0;
  // A thread that fails is a fault of ours or of the library: the process ends, and the next call starts another one.
  worker.on("error", (error) => {
    throw error;
  });
  worker.on("message", (reply: GraphReply) => {
    switch (reply.type) {
      case "opened":
        return opened.resolve(reply.symbolsMax);
      case "open-failed":
        return opened.reject(decodeAiError(reply.error));
      case "rendered":
        pending.get(reply.id)?.resolve(reply.samples);
        return void pending.delete(reply.id);
      case "failed":
        pending.get(reply.id)?.reject(decodeAiError(reply.error));
        return void pending.delete(reply.id);
    }
  });
  const send = (request: GraphRequest): void => worker.postMessage(request, []);
  const exited = once(worker, "exit");
  const symbolsMax = await opened.promise;
  return {
    symbolsMax,
    async render(symbols, options, signal) {
      const endTurn = await turns.take({}, signal);
      lastId += 1;
      const piece: PendingPiece = Promise.withResolvers();
      pending.set(lastId, piece);
      // Also after an abort, the thread computes it to its end.
      piece.promise.then(endTurn, endTurn);
      send({ type: "render", id: lastId, symbols, options });
      return untilAborted(piece.promise, signal);
    },
    async dispose() {
      const gone = new AiError("engine_failed", "The voice was closed.");
      for (const piece of pending.values()) piece.reject(gone);
      send({ type: "close" });
      await exited;
    },
  };
}

async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
