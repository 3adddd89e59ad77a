/** The thread that runs the model of a voice: a piece of text takes it seconds, in which it answers nothing else. */

import { parentPort, workerData } from "node:worker_threads";
import { encodeAiError } from "@openai-compat/core";
import { importOnnxRuntime } from "../../onnx/onnx-runtime.ts";
import type { GraphReply, GraphRequest, GraphSettings } from "./graph-messages.ts";
import { openHibariGraph, openKokoroGraph } from "./voice-graph.ts";
import type { VoiceGraph } from "./voice-graph.ts";

const never = new AbortController().signal;

async function openGraph(settings: GraphSettings): Promise<VoiceGraph> {
  const runtime = await importOnnxRuntime();
  return settings.family === "hibari" ? openHibariGraph(runtime, settings) : openKokoroGraph(runtime, settings);
}

async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("This module is the entry of a thread.");
  const reply = (message: GraphReply): void => {
    port.postMessage(message, message.type === "rendered" ? [message.samples.buffer] : []);
  };
  const settings: GraphSettings = workerData;
  let graph: VoiceGraph;
  try {
    graph = await openGraph(settings);
  } catch (thrown) {
    reply({ type: "open-failed", error: encodeAiError(thrown, never) });
    return port.close();
  }
  // One piece after the other: two at once would take the same cores and twice the memory.
  let last: Promise<void> = Promise.resolve();
  const render = async ({ id, symbols, options }: Extract<GraphRequest, { type: "render" }>): Promise<void> => {
    try {
      reply({ type: "rendered", id, samples: await graph.render(symbols, options) });
    } catch (thrown) {
      reply({ type: "failed", id, error: encodeAiError(thrown, never) });
    }
  };
  port.on("message", (request: GraphRequest) => {
    last = last.then(async () => {
      if (request.type === "render") return render(request);
      await graph.dispose();
      return port.close();
    });
  });
  reply({ type: "opened", symbolsMax: graph.symbolsMax });
}

await serve();
