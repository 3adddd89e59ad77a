/**
 * Encodes a request in the upstream's terms: its model name, our credential, and no header of the caller's but the
 * trace. It sends nothing.
 */

import { MODEL_OPERATIONS, answersWithChunks, stringifyInSlices } from "@openai-compat/core";
import type { FormField, UpstreamRequest, WorkSlices } from "@openai-compat/core";
import { encodeForm } from "./encode-form.ts";
import type { ExchangeRequest } from "./exchange.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { isPassed, listDropped, selectParameters } from "./request-parameters.ts";

/** @see https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACE_PARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

export interface RequestOptions {
  /** The model's name at the upstream. */
  readonly model: string;
  readonly apiKey: string | null;
  readonly passParameters: readonly string[];
  /** Sent as the limit of an answer where the request has none; null for no limit. */
  readonly completionTokensMax: number | null;
  /** The names under which the limit of a chat's answer is sent. */
  readonly limitNames: LimitNames;
  /** A body may be megabytes. */
  readonly slices: WorkSlices;
}

/**
 * Some upstreams support one name of the limit and ignore the other, some refuse one of them: so the same number is
 * sent under both until one is refused.
 */
export type LimitNames = "both" | "max_tokens" | "max_completion_tokens";

/** `path` is relative to the base URL's own. @throws what the options' slices throw */
export async function encodeRequest(request: UpstreamRequest, options: RequestOptions): Promise<ExchangeRequest> {
  const { headers: bodyHeaders, content } = await encodeBody(request, options);
  const headers = {
    ...bodyHeaders,
    accept: acceptedType(request),
    "accept-encoding": "identity",
    ...encodeHeaders({ apiKey: options.apiKey, traceParent: request.traceParent }),
  };
  return { path: request.path, headers, body: content };
}

/** What every request has, with a body or without one. */
export function encodeHeaders({
  apiKey,
  traceParent,
}: Pick<RequestOptions, "apiKey"> & Pick<UpstreamRequest, "traceParent">): Record<string, string> {
  const headers: Record<string, string> = { "user-agent": "openai-compat" };
  if (apiKey !== null) headers["authorization"] = `Bearer ${apiKey}`;
  if (traceParent !== null && TRACE_PARENT.test(traceParent)) headers["traceparent"] = traceParent;
  return headers;
}

/** The caller's parameters that `encodeRequest` drops, except for those without effect. */
export function listDroppedParameters(
  { operation, body }: UpstreamRequest,
  { passParameters }: Pick<RequestOptions, "passParameters">,
): readonly string[] {
  const names = body.kind === "json" ? Object.keys(body.value) : body.fields.map(({ name }) => readBaseName(name));
  return listDropped(names, { operation, passParameters });
}

function acceptedType(request: UpstreamRequest): string {
  if (request.stream) return "text/event-stream";
  const { answer } = MODEL_OPERATIONS[request.operation];
  return answer === "bytes" || answer === "text" ? "*/*" : "application/json";
}

interface EncodedBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly content: ExchangeRequest["body"];
}

async function encodeBody(request: UpstreamRequest, options: RequestOptions): Promise<EncodedBody> {
  const { body, operation } = request;
  const rules = { operation, passParameters: options.passParameters };
  if (body.kind === "form") {
    const fields = selectFields(body.fields, (name) => isPassed(name, rules));
    const { contentType, pieces, bytes } = encodeForm([{ name: "model", value: options.model }, ...fields]);
    return { headers: { "content-type": contentType, "content-length": String(bytes) }, content: pieces };
  }
  const value = {
    ...selectParameters(body.value, rules),
    model: options.model,
    ...encodeLimit(request, options),
    ...encodeStreaming(request),
  };
  const content = await stringifyInSlices(value, options.slices);
  return { headers: { "content-type": "application/json" }, content };
}

/** Fields that are lists though their names don't end in brackets. */
const LISTS: ReadonlySet<string> = new Set([
  "include",
  "timestamp_granularities",
  "known_speaker_names",
  "known_speaker_references",
]);

/** A duplicate field could be read either way, so only the last one is sent. */
function selectFields(fields: readonly FormField[], isKnown: (name: string) => boolean): readonly FormField[] {
  return fields.filter(({ name }, index) => {
    if (!isKnown(readBaseName(name))) return false;
    if (name.endsWith("[]") || LISTS.has(name)) return true;
    return fields.findLastIndex((other) => other.name === name) === index;
  });
}

/** `timestamp_granularities` of `timestamp_granularities[]`. */
function readBaseName(name: string): string {
  return name.replace(/\[.*$/s, "");
}

function encodeLimit(request: UpstreamRequest, options: RequestOptions): JsonRecord {
  const isResponse = request.operation === "createResponse";
  if (!isResponse && !answersWithChunks(request.operation)) return {};
  const limit = request.outputTokensMax ?? options.completionTokensMax;
  if (limit === null) return {};
  if (isResponse) return { max_output_tokens: limit };
  if (request.operation === "createCompletion") return { max_tokens: limit };
  const { limitNames } = options;
  return {
    ...(limitNames === "max_completion_tokens" ? null : { max_tokens: limit }),
    ...(limitNames === "max_tokens" ? null : { max_completion_tokens: limit }),
  };
}

/** A stream of completions is always asked for its usage: without it the call could only be estimated. */
function encodeStreaming(request: UpstreamRequest): JsonRecord {
  if (request.body.kind !== "json" || !answersWithChunks(request.operation)) return {};
  if (!request.stream) return { stream_options: undefined };
  const options = request.body.value["stream_options"];
  return { stream: true, stream_options: { ...(isRecord(options) ? options : null), include_usage: true } };
}
