/** `POST /responses`. */

import { AiError, responseCalls, stringifyInSlices } from "@openai-compat/core";
import type { AuthorisedCall, Calls, ChatRequest, ChatRun, ResponseStore } from "@openai-compat/core";
import { JSON_BODY, defineLocalRoute } from "../model-route.ts";
import type { DecodedCall } from "../model-route.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { encodeRelaxedSchemas } from "../protocol/relaxed-schemas.ts";
import { resolveUse } from "../stored/state-dependencies.ts";
import { composeResponse } from "./compose-response.ts";
import { decodeResponse, decodeResponseBody } from "./decode.ts";
import { createResponseProtocol, encodeResponseStream, isLast, listResponseEvents } from "./encode-stream.ts";
import type { LastEvent } from "./encode-stream.ts";
import { createReasoningSeal } from "./reasoning-seal.ts";
import type { ReasoningSeal } from "./reasoning-seal.ts";
import { renameRefusal } from "./rename-refusal.ts";
import { createItemId, createResponseBuilder } from "./response-builder.ts";
import { resolveState } from "./resolve-state.ts";
import type { ResponseState } from "./resolve-state.ts";
import type { ResponseSettings } from "./settings.ts";

export interface ResponseDependencies {
  readonly responses: ResponseStore;
  readonly settings: ResponseSettings;
}

/** A chat whose refusals name the fields of a response. */
const calls: Calls<ChatRequest, ChatRun> = {
  operation: responseCalls.operation,
  serve: (gate, target, request) =>
    responseCalls.serve(gate, target, request).catch((thrown: unknown) => {
      throw renameRefusal(thrown);
    }),
};

export function createResponseRoute(dependencies: ResponseDependencies): OperationHandler {
  const { secretKey } = dependencies.settings;
  const seal = createReasoningSeal(secretKey === null ? null : Buffer.from(secretKey, "base64"));
  return defineLocalRoute(calls, {
    body: JSON_BODY,
    decode: ({ value }, call) => decode(value, { call, seal, ...dependencies }),
  });
}

interface DecodeOptions extends ResponseDependencies {
  readonly call: AuthorisedCall;
  readonly seal: ReasoningSeal;
}

async function decode(
  body: unknown,
  { call, seal, responses, settings }: DecodeOptions,
): Promise<DecodedCall<ChatRequest, ChatRun>> {
  const { accountId } = call.principal;
  const wire = decodeResponseBody(body);
  const state = await resolveState(responses, accountId, wire);
  const { request, toolNames, relaxed } = decodeResponse(wire, state.items, (sealed) => seal.open(accountId, sealed));
  const isSealed = wire.include?.includes("reasoning.encrypted_content") === true;
  const id = createItemId("resp");
  const builder = createResponseBuilder({
    initial: composeResponse(wire, { id, createdAt: readSeconds(), conversationId: state.conversationId }),
    toolNames,
    summarises: (wire.reasoning?.summary ?? wire.reasoning?.generate_summary ?? null) !== null,
    sealReasoning: isSealed ? (reasoning) => seal.seal(accountId, reasoning) : null,
    now: readSeconds,
  });
  const keep = (last: LastEvent) =>
    wire.store === false ? Promise.resolve(last) : keepResponse(last, { accountId, state, responses, settings });
  const includeObfuscation = wire.stream_options?.include_obfuscation === true;
  return {
    request,
    async encode(run, slices) {
      let last: LastEvent | null = null;
      for await (const event of listResponseEvents(run, { builder, keep })) if (isLast(event)) last = event;
      if (last === null)
        throw new AiError("engine_failed", "The engine stopped before the answer was complete. Please try again.");
      return stringifyInSlices(last.response, slices);
    },
    stream:
      wire.stream === true
        ? {
            protocol: createResponseProtocol(builder),
            includeUsage: true,
            encode: (run, ending) => encodeResponseStream(run, { builder, keep, includeObfuscation }, ending),
          }
        : null,
    encodeHeaders: (run) => encodeRelaxedSchemas([...run.relaxed, ...relaxed]),
  };
}

interface KeepOptions extends ResponseDependencies {
  readonly accountId: string;
  readonly state: ResponseState;
}

/** What an account has no room for is answered, and says that it is not stored. */
async function keepResponse(last: LastEvent, options: KeepOptions): Promise<LastEvent> {
  const { accountId, state, responses, settings } = options;
  const { response } = last;
  const { input, previousResponseId, conversationId } = state;
  const { nowMs, expiresAtMs, bytesMax } = resolveUse(settings, Date.now());
  const outcome = await responses.insertResponse(
    {
      id: response.id,
      accountId,
      createdAtMs: nowMs,
      expiresAtMs,
      previousResponseId,
      conversationId,
      response,
      input,
    },
    { bytesMax },
  );
  return outcome === "stored" ? last : { ...last, response: { ...response, store: false } };
}

function readSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
