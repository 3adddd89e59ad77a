/** Operations that go to an upstream: completions and audio, and chat and embeddings where their model is one. */

import type { AuthorisedCall } from "@openai-compat/core";
import type { JsonBody } from "../../../http/read-body.ts";
import type { OperationContext, OperationHandler } from "../operation-handler.ts";
import { decodeFormRelay } from "./decode-form.ts";
import type { FormRelayOperation } from "./decode-form.ts";
import { decodeJsonRelay } from "./decode-json.ts";
import type { JsonRelayOperation } from "./decode-json.ts";
import { encodeRelay } from "./encode.ts";

export interface JsonRelayOptions {
  readonly call: AuthorisedCall;
  readonly context: OperationContext;
  readonly body: JsonBody;
}

export async function relayJson(operation: JsonRelayOperation, options: JsonRelayOptions): Promise<Response> {
  const { call, context, body } = options;
  const request = decodeJsonRelay(operation, body, context.traceParent);
  return encodeRelay(context.service.relay(call, request), { call, context, stream: request.stream });
}

export function defineJsonRelay(operation: JsonRelayOperation): OperationHandler {
  return async (call, context) => {
    context.service.requireOffered(operation);
    await context.service.requireCredits(call, operation);
    return relayJson(operation, { call, context, body: await context.readJson() });
  };
}

export function defineFormRelay(operation: FormRelayOperation): OperationHandler {
  return async (call, context) => {
    context.service.requireOffered(operation);
    await context.service.requireCredits(call, operation);
    const options = { traceParent: context.traceParent, signal: call.signal };
    const request = await decodeFormRelay(operation, await context.readForm(), options);
    return encodeRelay(context.service.relay(call, request), { call, context, stream: request.stream });
  };
}
