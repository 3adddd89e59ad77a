/**
 * The route of an operation that a model serves, from the steps that all of them share and what an endpoint says of its
 * own bodies. Refusals come in one order: not offered, no credits, the body, what is wrong in it, the model.
 */

import { createWorkSlices } from "@openai-compat/core";
import type {
  AuthorisedCall,
  Calls,
  ModelOperationId,
  RoutedCall,
  UpstreamCallRequest,
  FormField,
  UpstreamCall,
  UpstreamRun,
  WorkSlices,
} from "@openai-compat/core";
import type { JsonBody } from "../../http/read-body.ts";
import type { EventStreamProtocol } from "../../http/encode-event-stream.ts";
import { createBytesResponse } from "./bytes-response.ts";
import type { OperationContext, OperationHandler } from "./operation-handler.ts";
import { JSON_HEADERS } from "./print-json.ts";
import type { StreamEnding } from "./protocol/event-streams.ts";
import { encodeUpstreamRun } from "./upstream/encode.ts";
import { createStreamResponse } from "./stream-response.ts";

/** How a body is read, and where the name of the model stands in it. */
export interface BodyFormat<Body> {
  readonly read: (context: OperationContext) => Promise<Body>;
  /** Empty for none: what decodes the body says so. */
  readonly readModel: (body: Body) => string;
}

export const JSON_BODY: BodyFormat<JsonBody> = {
  read: (context) => context.readJson(),
  readModel({ value }) {
    const isNamed = typeof value === "object" && value !== null && "model" in value;
    return isNamed && typeof value.model === "string" ? value.model : "";
  },
};

/** The recording: clients send it without a name, or with a content type that is none of a file. */
const FILE_FIELDS = ["file"];

export const FORM_BODY: BodyFormat<readonly FormField[]> = {
  read: (context) => context.readForm(FILE_FIELDS),
  readModel: (fields) => readFormText(fields, "model") ?? "",
};

/** The last one wins, as in the forms of browsers' own servers. Null for none, and for an empty one. */
export function readFormText(fields: readonly FormField[], name: string): string | null {
  const field = fields.findLast((candidate) => candidate.name === name);
  return field !== undefined && "value" in field && field.value !== "" ? field.value : null;
}

export interface UpstreamDecodeOptions {
  readonly traceParent: string | null;
  /** Of the call: measuring a body may take a while. */
  readonly signal: AbortSignal;
}

interface UpstreamEndpoint<Body> {
  readonly body: BodyFormat<Body>;
  /** For a model of an upstream. @throws AiError with status 400, `param` naming what is wrong */
  readonly decodeUpstream: (
    body: Body,
    options: UpstreamDecodeOptions,
  ) => UpstreamCallRequest | Promise<UpstreamCallRequest>;
  /** Null where nothing is kept of the answer to such a body. Default: nothing ever is. */
  readonly keepUpstream?: (body: Body, call: AuthorisedCall) => KeepUpstreamRun | null;
}

/**
 * Stores an answer that passes through.
 *
 * @param run its stream has usage. @param includeUsage whether the caller asked for it there
 * @returns what is sent in its place. @throws what the store throws; also while its chunks are read
 */
export type KeepUpstreamRun = (run: UpstreamRun, includeUsage: boolean) => UpstreamRun | Promise<UpstreamRun>;

interface ModelEndpoint<Body, Request, Run> extends UpstreamEndpoint<Body> {
  /** For a local model. @throws AiError with status 400, `param` naming what is wrong; the signal's reason */
  readonly decode: (body: Body, call: AuthorisedCall) => DecodedCall<Request, Run> | Promise<DecodedCall<Request, Run>>;
}

/** A request, and how its answer is to be written. */
export type DecodedCall<Request, Run> = { readonly request: Request } & DecodedAnswer<Run>;

type DecodedAnswer<Run> = AnyAnswer<Run> & (TextAnswer<Run> | BytesAnswer<Run>);

interface AnyAnswer<Run> {
  /** Null where no events were requested. */
  readonly stream: DecodedStream<Run> | null;
  /** In addition to those of every answer. */
  readonly encodeHeaders?: (run: Run) => Readonly<Record<string, string>>;
}

interface TextAnswer<Run> {
  /** The text of an answer without events, JSON unless its headers say otherwise. @throws AiError what the run throws */
  readonly encode: (run: Run, slices: WorkSlices) => Promise<string | Uint8Array>;
}

/** Of a file that is sent piece by piece. */
interface BytesAnswer<Run> {
  /** @throws AiError while iterating what the run throws */
  readonly listBytes: (run: Run) => AsyncIterable<Uint8Array>;
}

export interface DecodedStream<Run> {
  readonly protocol: EventStreamProtocol;
  readonly includeUsage: boolean;
  /** Whole server-sent events, the failure of the run among them. */
  readonly encode: (run: Run, ending: StreamEnding) => AsyncGenerator<string, void>;
}

/** By the model's local engine or its upstream. */
export function defineModelRoute<Body, Request, Run>(
  calls: Calls<Request, Run>,
  endpoint: ModelEndpoint<Body, Request, Run>,
): OperationHandler {
  return async (call, context) => {
    const body = await openBody(calls.operation, { call, context, endpoint });
    const routed = context.service.route(call, calls, endpoint.body.readModel(body));
    if (routed.route === "upstream") return passOn(routed, body, { call, context, endpoint });
    const { request, ...decoded } = await endpoint.decode(body, call);
    return answer(routed.run(request), decoded, { call, context });
  };
}

interface StoredEndpoint<Body, Request, CallRun, Run> extends Pick<UpstreamEndpoint<Body>, "body"> {
  /** What goes on when its request has been answered. Null, the default: the call ends with its request. */
  readonly detach?: (body: Body, call: AuthorisedCall) => DetachedCall | null;
  /** @throws AiError with status 400, `param` naming what is wrong, and what a store throws */
  readonly decode: (body: Body, routed: RoutedCall<Request, CallRun>, scope: WorkScope) => Promise<StartableCall<Run>>;
}

/** A call that no connection ends. */
export interface DetachedCall {
  readonly call: AuthorisedCall;
  /** Of its signal. */
  readonly controller: AbortController;
}

/** @property call what the work runs as: the request's call, or the detached one */
export interface WorkScope extends RouteScope {
  readonly detached: DetachedCall | null;
}

/** A call that nothing of the request is wrong with, and how its answer is to be written. */
export type StartableCall<Run> = {
  /** Called once. @throws AiError what refuses the call */
  readonly start: () => Promise<Run>;
  /** Begins the work of a detached call, and answers its request. Absent: the work is the answer. */
  readonly answerDetached?: (start: () => Promise<Run>, scope: RouteScope) => Promise<Response>;
} & DecodedAnswer<Run>;

/** Of an operation whose request depends on what its account has stored: how it is served is for the endpoint to say. */
export function defineStoredRoute<Body, Request, CallRun, Run>(
  calls: Calls<Request, CallRun>,
  endpoint: StoredEndpoint<Body, Request, CallRun, Run>,
): OperationHandler {
  return async (call, context) => {
    const body = await openBody(calls.operation, { call, context, endpoint });
    const detached = endpoint.detach?.(body, call) ?? null;
    const working = detached?.call ?? call;
    const routed = context.service.route(working, calls, endpoint.body.readModel(body));
    const { start, answerDetached, ...decoded } = await endpoint.decode(body, routed, {
      call: working,
      context,
      detached,
    });
    if (answerDetached !== undefined) return answerDetached(start, { call, context });
    return answer(start(), decoded, { call, context });
  };
}

export interface RouteScope {
  readonly call: AuthorisedCall;
  readonly context: OperationContext;
}

async function openBody<Body>(
  operation: ModelOperationId,
  { call, context, endpoint }: RouteScope & { readonly endpoint: Pick<UpstreamEndpoint<Body>, "body"> },
): Promise<Body> {
  await context.service.admitBody(call, operation);
  return endpoint.body.read(context);
}

async function passOn<Body>(
  routed: UpstreamCall,
  body: Body,
  { call, context, endpoint }: RouteScope & { readonly endpoint: UpstreamEndpoint<Body> },
): Promise<Response> {
  const { traceParent } = context;
  const request = await endpoint.decodeUpstream(body, { traceParent, signal: call.signal });
  const { stream, includeUsage } = request;
  if (stream) context.noteStream(includeUsage);
  const keep = endpoint.keepUpstream?.(body, call) ?? null;
  const run =
    keep === null
      ? routed.run(request)
      : routed.run({ ...request, includeUsage: stream }).then((started) => keep(started, includeUsage));
  return encodeUpstreamRun(run, { call, context, stream });
}

/** It has no request: a recording would stay in memory until the answer has ended. */
async function answer<Run>(
  running: Promise<Run>,
  decoded: DecodedAnswer<Run>,
  { call, context }: RouteScope,
): Promise<Response> {
  const { stream, encodeHeaders = () => ({}) } = decoded;
  if (stream !== null) {
    context.noteStream(stream.includeUsage);
    const ending = { signal: call.signal, onError: context.reportError };
    const start = running.then((run) => {
      context.dropFile();
      return { events: stream.encode(run, ending), headers: encodeHeaders(run) };
    });
    return createStreamResponse(start, { call, context, protocol: stream.protocol });
  }
  const run = await running;
  context.dropFile();
  if ("listBytes" in decoded) {
    return createBytesResponse(decoded.listBytes(run), { call, context, headers: encodeHeaders(run) });
  }
  const text = await decoded.encode(run, createWorkSlices({ signal: call.signal }));
  return new Response(text, { headers: { ...JSON_HEADERS, ...encodeHeaders(run) } });
}
