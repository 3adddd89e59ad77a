/** The official SDK for the client's server. The SDK is an optional peer, imported when it is asked for. */

import type OpenAI from "openai";
import type { ClientOptions as OpenAIOptions } from "openai";
import { ClientError } from "./client-error.ts";
import type { ClientSettings } from "./client-options.ts";

/** The SDK demands a key; a server without accounts reads none. */
const NO_KEY = "none";

export async function createOpenAI(settings: ClientSettings, options: OpenAIOptions = {}): Promise<OpenAI> {
  const { default: Sdk } = await importSdk();
  const { token } = settings;
  return new Sdk({
    baseURL: settings.baseURL,
    apiKey: typeof token === "function" ? async () => token({ isRefused: false }) : (token ?? NO_KEY),
    defaultHeaders: settings.headers,
    timeout: settings.timeoutMs,
    maxRetries: settings.retry.attempts - 1,
    fetch: async (url, init) => settings.fetch(url instanceof Request ? url.url : String(url), init ?? {}),
    ...options,
  });
}

async function importSdk() {
  try {
    return await import("openai");
  } catch (thrown) {
    throw new ClientError({
      kind: "invalid-request",
      code: "missing_package",
      message: "The package `openai` can't be loaded: install it (`npm install openai`).",
      cause: thrown,
    });
  }
}
