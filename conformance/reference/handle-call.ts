/** From a call to a reply: routing, the refusals in their order, and the answer. All bytes come out of the wire table. */

import type { OperationId } from "@openai-compat/spec";
import { randomUUID } from "node:crypto";
import { answerChat, encodeChunks, encodeCompletion } from "./answer.ts";
import { makeRefusal, type Refusal } from "./refusal.ts";
import type { ChatBody } from "./rules.ts";
import { judgeCredential } from "./tokens.ts";
import type { Model, ReferenceCall, ReferenceWire, Reply, Step } from "./wire.ts";

/** What the steps found out on the way. */
interface Findings {
  body: ChatBody;
  model: Model | undefined;
}

/** A long answer pauses this often, so that a client can leave in the middle of it. */
const FRAMES_PER_PAUSE = 8;
const PAUSE_MS = 12;

const ROUTES: readonly { pattern: RegExp; methods: Readonly<Record<string, OperationId>> }[] = [
  { pattern: /^\/models$/, methods: { GET: "listModels", HEAD: "listModels" } },
  { pattern: /^\/models\/.+$/, methods: { GET: "retrieveModel", HEAD: "retrieveModel" } },
  { pattern: /^\/chat\/completions$/, methods: { POST: "createChatCompletion" } },
];

export function resolveOperation(method: string, path: string): OperationId | null {
  return ROUTES.find((route) => route.pattern.test(path))?.methods[method] ?? null;
}

export function handleCall(call: ReferenceCall, wire: ReferenceWire): Reply {
  const reply = call.method === "OPTIONS" ? answerPreflight(call) : answerCall(call, wire);
  return wire.reply(withCommonHeaders(reply, call), call);
}

function answerCall(call: ReferenceCall, wire: ReferenceWire): Reply {
  if (call.operation === null) return encodeRefusalReply(refuseRoute(call), call, wire);
  const findings: Findings = { body: {}, model: undefined };
  for (const step of wire.steps) {
    const refusal = STEPS[step](call, wire, findings);
    if (refusal !== null) return encodeRefusalReply(refusal, call, wire);
  }
  if (call.operation === "listModels") return encodeJson(200, wire.listBody(wire.models));
  if (call.operation === "retrieveModel") return encodeJson(200, findings.model && wire.modelBody(findings.model));
  return answerBody(findings.body, wire);
}

const STEPS: Record<Step, (call: ReferenceCall, wire: ReferenceWire, findings: Findings) => Refusal | null> = {
  authenticate: (call, wire) => wire.admit(judgeCredential(call.headers.authorization, wire.scheme), call),
  decode: (call, wire, findings) => {
    if (call.operation !== "createChatCompletion") return null;
    if (!wire.acceptsContentType(call.headers["content-type"] ?? "")) return makeRefusal("unsupported_media_type");
    if (call.body === null) return makeRefusal("body_too_large");
    const body = parseObject(wire.decodeText(call.body));
    if (body === null) return makeRefusal("bad_json");
    findings.body = body;
    return firstRefusal(body, wire);
  },
  resolve: (call, wire, findings) => {
    if (call.operation === "listModels") return null;
    const inBody = call.operation === "createChatCompletion";
    const wanted = inBody
      ? parseObject(wire.decodeText(call.body ?? new Uint8Array()))?.["model"]
      : wire.readModelId(call.path.slice("/models/".length));
    findings.model = wire.models.find((model) => model.id === wanted);
    return findings.model ? null : makeRefusal("model_not_found", { param: "model" });
  },
};

function firstRefusal(body: ChatBody, wire: ReferenceWire): Refusal | null {
  for (const rule of Object.values(wire.rules)) {
    const refusal = rule(body);
    if (refusal !== null) return refusal;
  }
  return null;
}

function answerBody(sent: ChatBody, wire: ReferenceWire): Reply {
  const body = wire.readRequest(sent);
  const answer = answerChat(body);
  if (body["stream"] !== true) return encodeJson(200, wire.completion(encodeCompletion(answer), body));
  const options = body["stream_options"];
  const includeUsage = typeof options === "object" && options !== null && "include_usage" in options;
  const chunks = wire.chunks(encodeChunks(answer, includeUsage && options.include_usage === true), body);
  const frames = wire.frames([...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map(wire.frame), body);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    writes: frames.map((data, index) => ({ data, afterMs: index % FRAMES_PER_PAUSE === 2 ? PAUSE_MS : 0 })),
    end: "clean",
  };
}

function refuseRoute(call: ReferenceCall): Refusal {
  const route = ROUTES.find((candidate) => candidate.pattern.test(call.path));
  if (route === undefined) return makeRefusal("route_not_found");
  return makeRefusal("method_not_allowed", { headers: { allow: Object.keys(route.methods).join(", ") } });
}

function encodeRefusalReply(refusal: Refusal, call: ReferenceCall, wire: ReferenceWire): Reply {
  const reply = encodeJson(refusal.status, wire.refusalBody(refusal, call));
  return { ...reply, headers: { ...reply.headers, ...refusal.headers } };
}

function encodeJson(status: number, body: unknown): Reply {
  return {
    status,
    headers: { "content-type": "application/json" },
    writes: [{ data: typeof body === "string" ? body : JSON.stringify(body), afterMs: 0 }],
    end: "clean",
  };
}

function answerPreflight(call: ReferenceCall): Reply {
  const allowed = call.headers["access-control-request-headers"] ?? "authorization, content-type";
  return {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
      "access-control-allow-headers": allowed,
      "access-control-max-age": "600",
    },
    writes: [],
    end: "clean",
  };
}

function withCommonHeaders(reply: Reply, call: ReferenceCall): Reply {
  const headers = {
    ...reply.headers,
    "x-request-id": `req_${randomUUID()}`,
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-request-id, retry-after, retry-after-ms",
  };
  return { ...reply, headers, writes: call.method === "HEAD" ? [] : reply.writes };
}

function parseObject(text: string | null): ChatBody | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
