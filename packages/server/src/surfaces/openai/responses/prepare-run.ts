/** What serves a response: a local engine's chat, an upstream's, or an upstream's own response. It starts nothing yet. */

import type { AuthorisedCall, ChatRequest, ChatRun, RoutedCall, Sampling, SchemaRelaxation } from "@openai-compat/core";
import type { ResponseObject } from "@openai-compat/spec";
import type { OperationContext } from "../operation-handler.ts";
import { encodeChat } from "./bridge/encode-chat.ts";
import { startBridged } from "./bridge/start-bridged.ts";
import { composeResponse } from "./compose-response.ts";
import { decodeResponse } from "./decode.ts";
import type { DecodedResponse, ResponseWire } from "./decode.ts";
import { encodeNative } from "./native/encode-native.ts";
import { createNativeBuilder } from "./native/native-builder.ts";
import { startNative } from "./native/start-native.ts";
import { createOpeners } from "./reasoning-seal.ts";
import type { Seals } from "./reasoning-seal.ts";
import { createItemId, createResponseBuilder } from "./response-builder.ts";
import type { ResponseBuilder } from "./response-builder.ts";
import type { ResponseState } from "./resolve-state.ts";
import type { ResponseRun } from "./response-run.ts";

export interface PrepareOptions {
  readonly wire: ResponseWire;
  /** Of the model that was found; null for none. */
  readonly modelId: string | null;
  readonly state: Pick<ResponseState, "items" | "conversationId">;
  readonly seals: Seals;
  readonly scope: {
    readonly call: AuthorisedCall;
    readonly context: Pick<OperationContext, "traceParent">;
  };
}

export interface PreparedRun {
  readonly start: () => Promise<ResponseRun>;
  /** What a local engine is asked for; null for an upstream. */
  readonly chat: ChatRequest | null;
  /** Takes the events of the run. */
  readonly builder: ResponseBuilder;
  readonly relaxed: readonly SchemaRelaxation[];
}

/**
 * A local engine's chat, or one of an upstream, or an upstream's own response.
 *
 * @throws AiError with status 400, `param` naming what is wrong
 */
export function prepareRun(routed: RoutedCall<ChatRequest, ChatRun>, options: PrepareOptions): PreparedRun {
  const { wire, state, seals, scope } = options;
  const { call: authorised, context } = scope;
  const { accountId } = authorised.principal;
  const { traceParent } = context;
  const openers = createOpeners(seals, accountId);
  if (routed.route === "local") {
    const { request, toolNames, relaxed } = decodeResponse(wire, state.items, openers);
    const sampling = routed.resolveTemperature(request);
    const builder = createBuilder(toolNames, options, sampling);
    return { start: () => routed.run(request), chat: request, builder, relaxed };
  }
  if (routed.sentAs === "createResponse") {
    const body = encodeNative(wire, state.items, openers);
    const sealBlob = (blob: string) => seals.upstream.seal(accountId, blob);
    const builder = createNativeBuilder({ initial: composeInitial(options), sealBlob });
    const start = () => startNative(routed, { wire, body, authorised, traceParent });
    return { start, chat: null, builder, relaxed: [] };
  }
  const chat = encodeChat(wire, state.items, openers);
  const builder = createBuilder(chat.toolNames, options);
  const start = () => startBridged(routed, { wire, chat, authorised, traceParent });
  return { start, chat: null, builder, relaxed: chat.relaxed };
}

type Temperature = Pick<Sampling, "temperature" | "topP">;

function createBuilder(
  toolNames: DecodedResponse["toolNames"],
  options: PrepareOptions,
  sampling?: Temperature,
): ResponseBuilder {
  const { wire, seals, scope } = options;
  const { accountId } = scope.call.principal;
  const isSealed = wire.include?.includes("reasoning.encrypted_content") === true;
  return createResponseBuilder({
    initial: composeInitial(options, sampling),
    toolNames,
    summarises: (wire.reasoning?.summary ?? wire.reasoning?.generate_summary ?? null) !== null,
    sealReasoning: isSealed ? (reasoning) => seals.reasoning.seal(accountId, reasoning) : null,
    now: readSeconds,
  });
}

function composeInitial(
  { wire, modelId, state: { conversationId } }: PrepareOptions,
  sampling?: Temperature,
): ResponseObject {
  const named = { ...wire, model: modelId ?? wire.model };
  const created = { id: createItemId("resp"), createdAt: readSeconds() };
  return composeResponse(named, { ...created, conversationId, ...(sampling === undefined ? {} : { sampling }) });
}

function readSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
