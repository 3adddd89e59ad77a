/** Makes the client. */

import type OpenAI from "openai";
import type { ClientOptions as OpenAIOptions } from "openai";
import { createNative } from "./ai/create-native.ts";
import type { NativeClient } from "./ai/native-types.ts";
import type { ClientOptions } from "./client-options.ts";
import { resolveSettings } from "./client-options.ts";
import { createOpenAI } from "./create-openai.ts";
import { createV1 } from "./v1/create-v1.ts";
import type { V1 } from "./v1/v1-types.ts";

/** A client of one server. */
export interface Client {
  /** The operations of the OpenAI `/v1` surface, on any server that has it. */
  readonly v1: V1;
  /** The native procedures of this server, which other servers don't have. */
  readonly ai: NativeClient;
  /**
   * The official SDK, set up for the same server and credential. It needs the package `openai`.
   *
   * @param options of the SDK; they win over what the client sets.
   * @throws ClientError with the code `missing_package` where `openai` is not installed.
   */
  openai(options?: OpenAIOptions): Promise<OpenAI>;
}

/**
 * Makes a client. It connects to nothing until its first call.
 *
 * @throws ClientError of kind `invalid-request` where an option can't be used.
 */
export function createClient(options: ClientOptions): Client {
  const settings = resolveSettings(options);
  return {
    v1: createV1(settings),
    ai: createNative(settings),
    openai: (sdkOptions) => createOpenAI(settings, sdkOptions),
  };
}
