/**
 * One request of the load client, on undici's lowest level: a load generator has to be cheaper than what it measures.
 */

import type { Dispatcher } from "undici";

export interface Target {
  /** Of the API, `/v1` included. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
}

export interface Exchange {
  readonly target: Target;
  readonly body: string;
  /** Gets the answer's bytes as they arrive, if its status is 200. */
  readonly onData?: (bytes: Buffer) => void;
  /** Aborted when the client disconnects. */
  readonly disconnected?: AbortSignal;
}

/** The same short conversation always, with more fields of the request. */
export function encodeChatBody(target: Target, extra: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    model: target.model,
    messages: [
      { role: "system", content: "You are a storyteller who answers in one short sentence and never asks back." },
      { role: "user", content: "Tell me what happened on the river last night, and who played the violin." },
    ],
    temperature: 0.7,
    ...extra,
  });
}

/**
 * @returns when the answer has ended, or the client has disconnected.
 * @throws Error on any status but 200, and when the answer breaks off.
 */
export function exchange(dispatcher: Dispatcher, { target, body, onData, disconnected }: Exchange): Promise<void> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let refusal = "";
    dispatcher.dispatch(
      {
        path: `${new URL(target.baseUrl).pathname}/chat/completions`,
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${target.apiKey}` },
        body,
      },
      {
        onRequestStart(controller) {
          disconnected?.addEventListener("abort", () => controller.abort(new Error("the client disconnected")));
        },
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData(_controller, bytes) {
          if (status === 200) onData?.(bytes);
          else refusal += bytes.toString();
        },
        onResponseEnd() {
          if (status === 200) resolve();
          else reject(new Error(`${target.baseUrl} answered ${status}: ${refusal}`));
        },
        onResponseError(_controller, error) {
          if (disconnected?.aborted === true) resolve();
          else reject(error);
        },
      },
    );
  });
}
