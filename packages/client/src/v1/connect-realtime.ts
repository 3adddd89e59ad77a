/** `client.v1.connectRealtime`: opens a session, with the retries of every other call. */

import { operationRoutes } from "@openai-compat/spec/operation-routes";
import type { ClientSettings } from "../client-options.ts";
import { watchCall } from "../http/call-watch.ts";
import { composeHeaders, findToken } from "../http/credential.ts";
import { callWithRetries } from "../http/retry.ts";
import { openSocket } from "./open-socket.ts";
import { createRealtimeSession } from "./realtime-session.ts";
import type { RealtimeSession } from "./realtime-session.ts";
import type { CallOptions } from "./call-options.ts";

/** What a realtime session is opened for. */
export interface RealtimeInput {
  /** The model of the conversation. */
  readonly model?: string;
  /** `transcription` for a session that only transcribes. */
  readonly intent?: "transcription";
}

/** The signal ends the session too, not only its opening. */
export type RealtimeOptions = Omit<CallOptions, "extraBody">;

export function createRealtimeConnector(settings: ClientSettings) {
  return async (input: RealtimeInput, options: RealtimeOptions = {}): Promise<RealtimeSession> => {
    const { signal = null, timeoutMs = settings.timeoutMs, validate = settings.validate } = options;
    const checks = validate ? (await import("./schemas.ts")).findSessionChecks() : null;
    const query = new URLSearchParams(Object.entries(input)).toString();
    const url = `${settings.baseURL.replace(/^http/, "ws")}${operationRoutes.connectRealtime.path}?${query}`;
    return callWithRetries(settings, signal, async (attempt) => {
      const watch = watchCall(signal, timeoutMs);
      try {
        const token = await findToken(settings, attempt, watch);
        const headers = composeHeaders({ ...settings.headers, ...options.headers }, token);
        return await openSocket({ url, token, headers, watch }, (socket) =>
          createRealtimeSession(socket, { watch, checks }),
        );
      } catch (thrown) {
        watch.close();
        throw watch.toError(thrown);
      }
    });
  };
}
