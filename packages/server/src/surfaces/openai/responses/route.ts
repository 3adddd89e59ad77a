/** `POST /responses`. */

import { isRecord, responseCalls, stringifyInSlices } from "@openai-compat/core";
import type { AuthorisedCall, ChatRequest, ChatRun, ResponseStore, RoutedCall } from "@openai-compat/core";
import { JSON_BODY, defineStoredRoute } from "../model-route.ts";
import type { DetachedCall, StartableCall, WorkScope } from "../model-route.ts";
import type { OperationContext, OperationHandler } from "../operation-handler.ts";
import { encodeRelaxedSchemas } from "../protocol/relaxed-schemas.ts";
import { resolveUse } from "../stored/state-dependencies.ts";
import { encodeDroppedParameters } from "../upstream/encode.ts";
import { unsupportedParameter } from "../parameter-rules.ts";
import { answerInBackground } from "./background/answer-background.ts";
import type { BackgroundRuns } from "./background/background-runs.ts";
import { detachCall } from "./background/detach-call.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import { decodeResponseBody } from "./decode.ts";
import type { ResponseWire } from "./decode.ts";
import { createResponseProtocol, encodeResponseStream, readLastEvent } from "./encode-stream.ts";
import type { LastEvent } from "./encode-stream.ts";
import { prepareRun } from "./prepare-run.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { Seals } from "./reasoning-seal.ts";
import { renameRefusals } from "./rename-refusal.ts";
import { resolveState } from "./resolve-state.ts";
import type { ResponseState, StateReader } from "./resolve-state.ts";
import type { ResponseRun } from "./response-run.ts";
import type { ResponseSettings } from "./settings.ts";

export interface ResponseDependencies {
  readonly responses: ResponseStore;
  readonly settings: ResponseSettings;
  readonly seals: Seals;
  readonly backgrounds: BackgroundRuns;
}

/** A chat whose refusals name the fields of a response. */
export const responseRouteCalls = renameRefusals(responseCalls);

/** A response that nothing of the request is wrong with. */
export interface DecodedCall extends PreparedRun {
  readonly wire: ResponseWire;
  /** What it goes on from. */
  readonly state: ResponseState;
  /** As for a stream's: stores the response unless its request says otherwise. */
  readonly keep: (last: LastEvent) => Promise<LastEvent>;
}

/** What a call of a response is made with, whatever it arrived on. */
export interface CallScope {
  readonly call: AuthorisedCall;
  readonly context: Pick<OperationContext, "traceParent">;
  /** Of a response in the background. Default: there is none, and such a response is refused. */
  readonly detached?: DetachedCall | null;
}

export interface CallState {
  readonly responses: StateReader;
  /** Called with a response that is complete, stored or not. Default: ignored. */
  readonly onComplete?: (last: LastEvent, state: ResponseState) => void;
}

/** @throws AiError with status 400, `param` naming what is wrong, `previous_response_not_found`, `not_found` */
export type DecodeCall = (
  body: unknown,
  routed: RoutedCall<ChatRequest, ChatRun>,
  scope: CallScope & { readonly state?: CallState },
) => Promise<DecodedCall>;

export function createCallDecoder(dependencies: Omit<ResponseDependencies, "backgrounds">): DecodeCall {
  const { responses, settings, seals } = dependencies;
  return async (body, routed, { state: of = { responses }, ...scope }) => {
    const { accountId } = scope.call.principal;
    const sent = decodeResponseBody(body);
    const state = await resolveState(of.responses, accountId, sent);
    const wire = applyConfiguration(sent, state.items);
    const isDetached = (scope.detached ?? null) !== null;
    if (wire.background === true && !isDetached) throw unsupportedParameter("background");
    // What is stored piece by piece has to come piece by piece.
    const asked = isDetached ? { ...wire, stream: true } : wire;
    return {
      ...prepareRun(routed, { wire: asked, modelId: routed.modelId, state, seals, scope }),
      wire,
      state,
      async keep(last) {
        const kept = wire.store === false ? last : await keepResponse(last, { accountId, state, responses, settings });
        of.onComplete?.(kept, state);
        return kept;
      },
    };
  };
}

export function createResponseRoute(decodeCall: DecodeCall, backgrounds: BackgroundRuns): OperationHandler {
  return defineStoredRoute(responseRouteCalls, {
    body: JSON_BODY,
    detach: ({ value }, call) => (isRecord(value) && value["background"] === true ? detachCall(call) : null),
    decode: async ({ value }, routed, scope) => {
      const decoded = await decodeCall(value, routed, scope);
      return { ...answerCall(decoded), ...answerDetached(decoded, scope, backgrounds) };
    },
  });
}

function answerDetached(
  { wire, builder, state }: DecodedCall,
  { call, detached }: WorkScope,
  backgrounds: BackgroundRuns,
): Pick<StartableCall<ResponseRun>, "answerDetached"> {
  if (detached === null) return {};
  const { accountId } = call.principal;
  const { controller } = detached;
  const includeObfuscation = wire.stream_options?.include_obfuscation === true;
  return {
    answerDetached: (start, request) => {
      const run = { accountId, builder, turn: state, controller, start };
      return answerInBackground({ backgrounds, run, stream: wire.stream === true, includeObfuscation }, request);
    },
  };
}

function answerCall({ wire, start, builder, relaxed, keep }: DecodedCall): StartableCall<ResponseRun> {
  const includeObfuscation = wire.stream_options?.include_obfuscation === true;
  return {
    start,
    async encode(run, slices) {
      const { response } = await readLastEvent(run, { builder, keep });
      return stringifyInSlices(response, slices);
    },
    stream:
      wire.stream === true
        ? {
            protocol: createResponseProtocol(builder),
            includeUsage: true,
            encode: (run, ending) => encodeResponseStream(run, { builder, keep, includeObfuscation }, ending),
          }
        : null,
    encodeHeaders: (run) => ({
      ...encodeRelaxedSchemas([...run.relaxed, ...relaxed]),
      ...encodeDroppedParameters(run.droppedParameters ?? []),
    }),
  };
}

interface KeepOptions extends Pick<ResponseDependencies, "responses" | "settings"> {
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
