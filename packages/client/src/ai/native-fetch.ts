/**
 * The `fetch` of the tRPC client's links for queries and mutations: credential, retries, timeout. It reads whole answers
 * and knows nothing of their meaning but whether they are errors.
 */

import type { NativeRouter } from "@openai-compat/server";
import type { HTTPBatchLinkOptions } from "@trpc/client";
import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { readText } from "../http/read-text.ts";
import { callWithRetries } from "../http/retry.ts";
import { sendRequest } from "../http/send-request.ts";
import type { HttpAnswer } from "../http/send-request.ts";
import { createInvalidError } from "./map-native-error.ts";
import { isNativePath, procedureTraits } from "./procedure-traits.ts";
import { readNativeRefusal } from "./read-native-refusal.ts";
import type { NativeRefusal } from "./read-native-refusal.ts";

/** The most bytes of an answer of the native surface that are read. */
const NATIVE_ANSWER_BYTES_MAX = 256 * 1024 * 1024;

type LinkFetch = NonNullable<HTTPBatchLinkOptions<NativeRouter["_def"]["_config"]["$types"]>["fetch"]>;

/** @param settings whose base URL is that of the native surface */
export function createNativeFetch(settings: ClientSettings): LinkFetch {
  return async (url, init = {}) => {
    const path = String(url).slice(settings.baseURL.length);
    const canRepeat = isRepeatable(path);
    const refusals: NativeRefusal[] = [];
    const request = {
      path,
      method: init.method ?? "GET",
      headers: { "content-type": "application/json" },
      body: typeof init.body === "string" ? init.body : null,
      signal: init.signal ?? null,
      timeoutMs: settings.timeoutMs,
      async readError(response: Response, secret: string | null) {
        const refusal = await readNativeRefusal(response, secret);
        refusals.push(refusal);
        return refusal.error;
      },
    };
    try {
      return await callWithRetries(settings, request.signal, async (attempt) => {
        try {
          return await sendRequest(settings, { ...request, ...attempt }, readAnswer);
        } catch (thrown) {
          throw canRepeat ? thrown : withoutRepetition(thrown);
        }
      });
    } catch (thrown) {
      // The links find the error of each call in the last answer.
      const last = refusals.at(-1);
      if (last !== undefined && last.error === thrown && last.body !== null) return toAnswer(last.body, false);
      throw thrown;
    }
  };
}

/** Whether all procedures of a URL's path may be called again. */
function isRepeatable(path: string): boolean {
  const [names = ""] = path.slice(1).split("?");
  return decodeURIComponent(names)
    .split(",")
    .every((name) => isNativePath(name) && procedureTraits[name].isRepeatable === true);
}

/** What the server refused it has not done; what became of a call whose answer was lost nobody knows. */
function withoutRepetition(thrown: unknown): unknown {
  if (!(thrown instanceof ClientError) || thrown.kind === "api" || !thrown.retryable) return thrown;
  const { kind, code, message, cause } = thrown;
  return new ClientError({ kind, code, cause, message: `${message} Whether the server has done it is not known.` });
}

async function readAnswer({ response, watch }: HttpAnswer) {
  const { text, isWhole } = await readText(response, NATIVE_ANSWER_BYTES_MAX);
  watch.close();
  if (!isWhole) throw createInvalidError(`it has more than ${NATIVE_ANSWER_BYTES_MAX} bytes`);
  return toAnswer(parseJson(text), true);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw createInvalidError("it is not JSON", thrown);
  }
}

function toAnswer(body: unknown, ok: boolean) {
  return { ok, json: async () => body };
}
