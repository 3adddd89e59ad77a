/** A server with scripted engines for realtime sessions, and what its tests ask of it. */

import type { RegisteredModel } from "@openai-compat/core";
import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import { expect, onTestFinished } from "vitest";
import type { ConfigInput } from "../config.ts";
import { openRealtimeClient, speakPcm } from "./realtime-client.ts";
import { startTestServer } from "./test-server.ts";

/** @param ears what is different of its transcription model */
export async function startRealtimeServer(config: ConfigInput = {}, ears: Partial<RegisteredModel> = {}) {
  const models: readonly Partial<RegisteredModel>[] = [
    { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true, ...ears },
    { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
  ];
  const started = await startTestServer({ models, config });
  onTestFinished(() => started.server.close());
  const { baseUrl, keys } = started;
  return {
    ...started,
    open: (query?: string, token = keys.key) =>
      openRealtimeClient({ baseUrl, token, ...(query === undefined ? {} : { query }) }),
    speak: (text: string) => speakPcm(baseUrl, keys.key, text),
    sessionLine: async () => {
      await expect
        .poll(() => started.logLines.filter((line) => line.includes('"realtime session"')), { timeout: 20_000 })
        .toHaveLength(1);
      const line = started.logLines.find((candidate) => candidate.includes('"realtime session"')) ?? "";
      const fields: unknown = JSON.parse(line);
      return fields;
    },
  };
}
