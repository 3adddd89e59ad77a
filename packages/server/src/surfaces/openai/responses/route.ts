/** `POST /responses`. */

import { AiError, responseCalls, stringifyInSlices } from "@openai-compat/core";
import type { AuthorisedCall, Calls, ChatRequest, ChatRun, ResponseStore } from "@openai-compat/core";
import { JSON_BODY, defineLocalRoute } from "../model-route.ts";
import type { DecodedCall } from "../model-route.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { encodeRelaxedSchemas } from "../protocol/relaxed-schemas.ts";
import { composeResponse } from "./compose-response.ts";
import { decodeResponse, decodeResponseBody } from "./decode.ts";
import { createResponseProtocol, encodeResponseStream, isLast, listResponseEvents } from "./encode-stream.ts";
import type { LastEvent } from "./encode-stream.ts";
import { renameRefusal } from "./rename-refusal.ts";
import { createItemId, createResponseBuilder } from "./response-builder.ts";
import { resolveState } from "./resolve-state.ts";
import type { ResponseState } from "./resolve-state.ts";
import type { ResponseSettings } from "./settings.ts";

export interface ResponseDependencies {
  readonly responses: ResponseStore;
  readonly settings: ResponseSettings;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A chat whose refusals name the fields of a response. */
const calls: Calls<ChatRequest, ChatRun> = {
  operation: responseCalls.operation,
  serve: (gate, target, request) =>
    responseCalls.serve(gate, target, request).catch((thrown: unknown) => {
      throw renameRefusal(thrown);
    }),
};

export function createResponseRoute(dependencies: ResponseDependencies): OperationHandler {
  return defineLocalRoute(calls, {
    body: JSON_BODY,
    decode: ({ value }, call) => decode(value, { call, ...dependencies }),
  });
}

async function decode(
  body: unknown,
  { call, responses, settings }: ResponseDependencies & { readonly call: AuthorisedCall },
): Promise<DecodedCall<ChatRequest, ChatRun>> {
  const { accountId } = call.principal;
  const wire = decodeResponseBody(body);
  const state = await resolveState(responses, accountId, wire);
  const { request, toolNames, relaxed } = decodeResponse(wire, state.items);
  const id = createItemId("resp");
  const builder = createResponseBuilder({
    initial: composeResponse(wire, { id, createdAt: readSeconds(), conversationId: state.conversationId }),
    toolNames,
    summarises: (wire.reasoning?.summary ?? wire.reasoning?.generate_summary ?? null) !== null,
    sealReasoning: null,
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
  const nowMs = Date.now();
  const { input, previousResponseId, conversationId } = state;
  const outcome = await responses.insertResponse(
    {
      id: response.id,
      accountId,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + settings.retentionDays * DAY_MS,
      previousResponseId,
      conversationId,
      response,
      input,
    },
    { bytesMax: settings.accountBytesMax },
  );
  return outcome === "stored" ? last : { ...last, response: { ...response, store: false } };
}

function readSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
