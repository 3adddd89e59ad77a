/** Makes `client.v1`: one function per operation of the table, all by the same steps. */

import { operationRoutes } from "@openai-compat/spec/operation-routes";
import type { HttpRoute } from "@openai-compat/spec/operation-routes";
import type { HttpOperationId } from "@openai-compat/spec";
import type { ClientSettings } from "../client-options.ts";
import { requireNumber } from "../client-options.ts";
import { callWithRetries } from "../http/retry.ts";
import { sendRequest } from "../http/send-request.ts";
import { createRealtimeConnector } from "./connect-realtime.ts";
import { composeRequest } from "./compose-request.ts";
import { readAnswer } from "./read-answer.ts";
import type { CallOptions } from "./call-options.ts";
import type { V1 } from "./v1-types.ts";

type Input = Readonly<Record<string, unknown>>;

/** Of the table, those that are a request and its answer. */
const HTTP_ROUTES = Object.values(operationRoutes).filter((route) => route.transport === "http");

export function createV1(settings: ClientSettings): V1 {
  const entries = HTTP_ROUTES.map((route) => [toCamelCase(route.id), createCall(settings, route)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type is derived from the same table
  return { ...Object.fromEntries(entries), connectRealtime: createRealtimeConnector(settings) } as V1;
}

function toCamelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function createCall(settings: ClientSettings, route: HttpRoute & { readonly id: HttpOperationId }) {
  return async (input: Input = {}, options: CallOptions = {}): Promise<unknown> => {
    const { signal = null, timeoutMs = settings.timeoutMs, validate = settings.validate } = options;
    requireNumber("timeoutMs", timeoutMs, 1);
    const checks = validate ? (await import("./schemas.ts")).findChecks(route.id) : null;
    const call = { route, input, checks };
    const request = { ...(await composeRequest(call, options)), signal, timeoutMs };
    return callWithRetries(settings, signal, (attempt) =>
      sendRequest(settings, { ...request, ...attempt }, (answer) => readAnswer(call, answer)),
    );
  };
}
