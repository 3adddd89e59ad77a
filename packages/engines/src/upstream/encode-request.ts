/**
 * A relayed request in the upstream's terms: its model name, our credential, and no header of the caller's but the trace.
 * It sends nothing.
 */

import type { RelayBody, RelayOperation, RelayRequest } from "@openai-compat/core";
import { encodeForm } from "./encode-form.ts";
import type { ExchangeRequest } from "./exchange.ts";
import { isRecord } from "./json-value.ts";

const PATHS: Readonly<Record<RelayOperation, string>> = {
  chat: "/chat/completions",
  completion: "/completions",
  embedding: "/embeddings",
  transcription: "/audio/transcriptions",
  translation: "/audio/translations",
  speech: "/audio/speech",
};

/** @see https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACE_PARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

export interface UpstreamIdentity {
  /** The model's name at the upstream. */
  readonly model: string;
  readonly apiKey: string | null;
}

/** `path` is still to be put behind the base URL's own. */
export function encodeRequest(request: RelayRequest, identity: UpstreamIdentity): ExchangeRequest {
  const { contentType, bytes } = encodeBody(request, identity.model);
  const headers: Record<string, string> = {
    "content-type": contentType,
    accept: acceptedType(request),
    "accept-encoding": "identity",
    "user-agent": "openai-compat",
  };
  if (identity.apiKey !== null) headers["authorization"] = `Bearer ${identity.apiKey}`;
  if (request.traceParent !== null && TRACE_PARENT.test(request.traceParent)) {
    headers["traceparent"] = request.traceParent;
  }
  return { path: PATHS[request.operation], headers, body: bytes };
}

function acceptedType(request: RelayRequest): string {
  if (request.stream) return "text/event-stream";
  return request.operation === "speech" || request.body.kind === "form" ? "*/*" : "application/json";
}

function encodeBody(request: RelayRequest, model: string): { contentType: string; bytes: string | Uint8Array } {
  const body = withModel(request.body, model);
  if (body.kind === "form") return encodeForm(body.fields);
  const value = asksForUsage(request) ? withUsage(body.value) : body.value;
  return { contentType: "application/json", bytes: JSON.stringify(value) };
}

function withModel(body: RelayBody, model: string): RelayBody {
  if (body.kind === "json") return { kind: "json", value: { ...body.value, model } };
  const others = body.fields.filter((field) => field.name !== "model");
  return { kind: "form", fields: [{ name: "model", value: model }, ...others] };
}

/** A stream of completions is always asked for its usage: without it the call could only be estimated. */
function asksForUsage({ stream, operation }: RelayRequest): boolean {
  return stream && (operation === "chat" || operation === "completion");
}

function withUsage(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const options = isRecord(value["stream_options"]) ? value["stream_options"] : {};
  return { ...value, stream_options: { ...options, include_usage: true } };
}
