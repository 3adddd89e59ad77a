/** From a call to a reply: routing, the refusals in their order, and the answer. All bytes come out of the wire table. */

import type { OperationId } from "@openai-compat/spec";
import { randomUUID } from "node:crypto";
import type { RateFacts } from "./accounts.ts";
import { type Answer, answerChat, encodeChunks, encodeCompletion, estimateTokens } from "./answer.ts";
import { answerText, encodeTextChunks, encodeTextCompletion } from "./completion-answer.ts";
import { answerEmbedding } from "./embedding.ts";
import { FAILING_MODELS, HABIT_MODELS, type Model, SLOW_MODEL } from "./models.ts";
import { encodeRefusal, makeRefusal, type Refusal } from "./refusal.ts";
import { listMethods } from "./routes.ts";
import type { ChatBody } from "./rules.ts";
import { judgeCredential } from "./tokens.ts";
import type { ReferenceCall, ReferenceWire, Reply, Step } from "./wire.ts";

/** What the steps found out on the way. */
interface Findings {
  account: string;
  body: ChatBody;
  model: Model | undefined;
  rate: RateFacts | undefined;
  release: () => void;
}

/** A long answer pauses this often, so that a client can leave in the middle of it. */
const FRAMES_PER_PAUSE = 8;
const PAUSE_MS = 12;

/** Operations that look for no model, or have done so when they judged the body. */
const NAMES_NO_MODEL_HERE: readonly OperationId[] = ["listModels", "createEmbedding", "createCompletion"];

const EXPOSED_HEADERS = "x-request-id, retry-after, retry-after-ms";

/** What a reply has that waits for nothing and holds nothing. */
const UNBOUND: Pick<Reply, "ready" | "release"> = { ready: async () => {}, release: () => {} };

export function handleCall(call: ReferenceCall, wire: ReferenceWire): Reply {
  const reply = call.method === "OPTIONS" ? answerPreflight(call) : answerCall(call, wire);
  return wire.reply(withCommonHeaders(reply, call), call);
}

function answerCall(call: ReferenceCall, wire: ReferenceWire): Reply {
  if (call.operation === null) return encodeRefusalReply(refuseRoute(call), call, wire);
  const findings: Findings = { account: "", body: {}, model: undefined, rate: undefined, release: () => {} };
  for (const step of wire.steps) {
    const refusal = STEPS[step](call, wire, findings);
    if (refusal !== null) return addRateHeaders(encodeRefusalReply(refusal, call, wire), findings, wire);
  }
  if (call.operation === "listModels") return encodeJson(200, wire.listBody(wire.models));
  if (call.operation === "retrieveModel") return encodeJson(200, findings.model && wire.modelBody(findings.model));
  if (call.operation === "createEmbedding") {
    return encodeJson(200, wire.embedding(answerEmbedding(findings.body), findings.body));
  }
  if (call.operation === "createCompletion") return answerTextBody(findings.body, wire);
  return addRateHeaders(answerBody(findings, call, wire), findings, wire);
}

function addRateHeaders(reply: Reply, { rate }: Findings, wire: ReferenceWire): Reply {
  return rate === undefined ? reply : { ...reply, headers: { ...reply.headers, ...wire.rateHeaders(rate) } };
}

const STEPS: Record<Step, (call: ReferenceCall, wire: ReferenceWire, findings: Findings) => Refusal | null> = {
  authenticate: (call, wire, findings) => {
    const { verdict, account } = judgeCredential(call.headers.authorization, wire.scheme);
    findings.account = account;
    return wire.admit(verdict, call);
  },
  decode: (call, wire, findings) => {
    if (call.operation === "createEmbedding")
      return decodeBody(call, findings, wire) ?? wire.judgeEmbedding(findings.body);
    if (call.operation === "createCompletion") return decodeBody(call, findings, wire) ?? wire.judgeText(findings.body);
    if (call.operation !== "createChatCompletion") return null;
    if (!wire.acceptsContentType(call.headers["content-type"] ?? "")) return makeRefusal("unsupported_media_type");
    if (call.body === null) return makeRefusal("body_too_large");
    const body = parseObject(wire.decodeText(call.body));
    if (body === null) return makeRefusal("bad_json");
    findings.body = body;
    return firstRefusal(body, wire);
  },
  resolve: (call, wire, findings) => {
    if (call.operation !== null && NAMES_NO_MODEL_HERE.includes(call.operation)) return null;
    const inBody = call.operation === "createChatCompletion";
    // Of the other operations no check asks anything yet but whom they let in.
    if (!inBody && call.operation !== "retrieveModel") return makeRefusal("invalid_value", { param: "model" });
    const wanted = inBody
      ? parseObject(wire.decodeText(call.body ?? new Uint8Array()))?.["model"]
      : wire.readModelId(call.path.slice("/models/".length));
    findings.model = wire.models.find((model) => model.id === wanted);
    return findings.model ? null : makeRefusal("model_not_found", { param: "model" });
  },
  limit: (call, wire, findings) => {
    if (call.operation !== "createChatCompletion") return null;
    findings.rate = wire.limiter(findings.account);
    return findings.rate.allowed ? null : makeRefusal("rate_limited");
  },
  pay: (call, wire, { account, body }) => {
    if (call.operation !== "createChatCompletion") return null;
    return wire.ledger.covers(account, estimateTokens(body)) ? null : makeRefusal("quota_exceeded");
  },
  place: (call, wire, findings) => {
    if (call.operation !== "createChatCompletion" || findings.model?.id !== SLOW_MODEL) return null;
    if (!wire.places.take()) return makeRefusal("overloaded");
    findings.release = wire.places.free;
    return null;
  },
};

function decodeBody(call: ReferenceCall, findings: Findings, wire: ReferenceWire): Refusal | null {
  const body = call.body === null ? null : parseObject(wire.decodeText(call.body));
  if (body === null) return makeRefusal("bad_json");
  findings.body = body;
  return null;
}

function firstRefusal(body: ChatBody, wire: ReferenceWire): Refusal | null {
  for (const rule of Object.values(wire.rules)) {
    const refusal = rule(body);
    if (refusal !== null) return refusal;
  }
  return null;
}

function answerBody(findings: Findings, call: ReferenceCall, wire: ReferenceWire): Reply {
  const { account, model, release } = findings;
  const body = wire.readRequest(findings.body);
  const failure = refuseForUpstream(body);
  if (failure !== null) return encodeRefusalReply(failure, call, wire);
  const answer = answerChat(body);
  wire.ledger.charge(account, answer.usage.completion_tokens);
  const reply = body["stream"] === true ? encodeChatStream(answer, body, wire) : encodeOneShot(answer, body, wire);
  return model?.id === SLOW_MODEL ? { ...reply, ready: wire.places.settle, release } : reply;
}

function encodeOneShot(answer: Answer, body: ChatBody, wire: ReferenceWire): Reply {
  return encodeJson(200, wire.completion(encodeCompletion(answer), body));
}

/** An upstream that fails before the first byte is a refusal; one that breaks shows so only in a stream. */
function refuseForUpstream(body: ChatBody): Refusal | null {
  const { model, stream } = body;
  if (model === FAILING_MODELS.upstream_down) return makeRefusal("upstream_unreachable");
  if (model === FAILING_MODELS.upstream_error) return makeRefusal("upstream_failed");
  return model === FAILING_MODELS.upstream_breaks && stream !== true ? makeRefusal("upstream_failed") : null;
}

function answerTextBody(found: ChatBody, wire: ReferenceWire): Reply {
  const body = wire.readText(found);
  const answer = answerText(body);
  if (body["stream"] !== true) return encodeJson(200, wire.text(encodeTextCompletion(answer), body));
  const chunks = wire.textChunks(encodeTextChunks(answer, wantsUsage(body)), body);
  return encodeStream([...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map((data) => `data: ${data}\n\n`));
}

function wantsUsage(body: ChatBody): boolean {
  const options = body["stream_options"];
  return (
    typeof options === "object" && options !== null && "include_usage" in options && options.include_usage === true
  );
}

function encodeChatStream(answer: Answer, body: ChatBody, wire: ReferenceWire): Reply {
  const chunks = wire.chunks(encodeChunks(answer, wantsUsage(body)), body);
  const { model } = body;
  const breaks = model === FAILING_MODELS.upstream_breaks || model === HABIT_MODELS.upstream_unfinished;
  const data = chunks.map((chunk) => JSON.stringify(chunk));
  const sent = breaks
    ? [...data.slice(0, 3), JSON.stringify(encodeRefusal(makeRefusal("upstream_failed")))]
    : [...data, "[DONE]"];
  return encodeStream(wire.frames(sent.map(wire.frame), body));
}

function encodeStream(frames: readonly string[]): Reply {
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    writes: frames.map((frame, index) => ({ data: frame, afterMs: index % FRAMES_PER_PAUSE === 2 ? PAUSE_MS : 0 })),
    end: "clean",
    ...UNBOUND,
  };
}

function refuseRoute(call: ReferenceCall): Refusal {
  const methods = listMethods(call.path);
  if (methods.length === 0) return makeRefusal("route_not_found");
  return makeRefusal("method_not_allowed", { headers: { allow: methods.join(", ") } });
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
    ...UNBOUND,
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
      ...(call.headers["access-control-request-private-network"] === "true"
        ? { "access-control-allow-private-network": "true" }
        : {}),
    },
    writes: [],
    end: "clean",
    ...UNBOUND,
  };
}

function withCommonHeaders(reply: Reply, call: ReferenceCall): Reply {
  const headers = {
    ...reply.headers,
    "x-request-id": `req_${randomUUID()}`,
    "access-control-allow-origin": "*",
    "access-control-expose-headers": EXPOSED_HEADERS,
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
