/** An operation over a WebSocket, for tests: the list has none yet. */
import { z } from "zod";
import type { WebSocketOperation } from "../operations.ts";

export const SESSION: WebSocketOperation = {
  id: "createRealtimeSession",
  transport: "websocket",
  path: "/realtime",
  summary: "Talks.",
  pathParameters: {},
  clientEvent: z.object({ type: z.string() }).meta({ id: "RealtimeClientEvent" }),
  serverEvent: z.object({ type: z.string() }).meta({ id: "RealtimeServerEvent" }),
  capability: { domain: "ai", can: "PROMPT" },
  extension: false,
  errorStatuses: [401, 403],
};
