/** Defects of HTTP itself. */

import { operationRoutes } from "@openai-compat/spec";
import type { ReferenceCall, Reply } from "../../call.ts";
import { isChat, type Mutant, mutateReply, omit, withHeader, withoutHeader } from "../mutant.ts";

type When = (reply: Reply, call: ReferenceCall) => boolean;

function dropHeader(id: string, intended: string, name: string, when: When): Mutant {
  const naming = { id, description: `\`${name}\` is missing`, intended: [intended] };
  return mutateReply(naming, when, (reply) => withoutHeader(reply, name));
}

/** Answers some calls with another status. */
function restatus(id: string, description: string, intended: string, rule: { when: When; status: number }): Mutant {
  return mutateReply({ id, description, intended: [intended] }, rule.when, () => ({ status: rule.status }));
}

const ALLOW_ORIGIN = "access-control-allow-origin";
const ALLOW_HEADERS = "access-control-allow-headers";
const ALLOW_PRIVATE = "access-control-allow-private-network";

const isPreflight: When = (_, call) => call.method === "OPTIONS";
const isAnswer: When = (reply) => reply.status === 200;
const isRefusal: When = (reply) => reply.status >= 400;

/** Lets pages of some origins in, in another way than the reference does. */
function mutateOrigin(
  id: string,
  description: string,
  intended: string,
  change: (reply: Reply, call: ReferenceCall, origin: string) => Partial<Reply>,
): Mutant {
  return mutateReply(
    { id, description, intended: [intended] },
    (_, call) => call.headers.origin !== undefined && call.path === "/models",
    (reply, call) => change(reply, call, call.headers.origin ?? ""),
  );
}

export const httpMutants: readonly Mutant[] = [
  restatus("http.host-demanded", "a request without a Host header is a 400", "http.version-1-0", {
    when: (_, call) => call.headers.host === undefined,
    status: 400,
  }),
  mutateOrigin(
    "http.preflight-disagrees",
    "a preflight of a sandboxed frame is not allowed, and the answer is",
    "http.cors.preflight-agrees",
    (reply, call, origin) =>
      call.method === "OPTIONS" && origin === "null"
        ? { headers: omit(omit(omit(reply.headers, ALLOW_ORIGIN), ALLOW_HEADERS), ALLOW_PRIVATE) }
        : {},
  ),
  mutateOrigin(
    "http.credentials-for-all",
    "a preflight allows credentials to whatever origin asks",
    "http.cors.no-credentials",
    (reply, call, origin) =>
      call.method === "OPTIONS"
        ? { headers: { ...reply.headers, [ALLOW_ORIGIN]: origin, "access-control-allow-credentials": "true" } }
        : {},
  ),
  dropHeader(
    "http.no-private-network",
    "http.cors.private-network",
    "access-control-allow-private-network",
    isPreflight,
  ),
  mutateOrigin(
    "http.refused-origin-granted",
    "an origin that is not allowed is granted the headers",
    "http.cors.refused-origin",
    (reply, _, origin) => (origin === "https://evil.invalid" ? withoutHeader(reply, ALLOW_ORIGIN) : {}),
  ),
  mutateReply(
    { id: "http.json-as-text", description: "JSON is declared as text/plain", intended: ["http.json-content-type"] },
    (reply, call) => reply.status === 200 && call.operation === "listModels",
    (reply) => withHeader(reply, "content-type", "text/plain"),
  ),
  dropHeader("http.no-request-id", "http.request-id.success", "x-request-id", isAnswer),
  dropHeader("http.no-request-id-on-error", "http.request-id.error", "x-request-id", isRefusal),
  mutateReply(
    {
      id: "http.request-id-constant",
      description: "all answers have one request id",
      intended: ["http.request-id.unique"],
    },
    () => true,
    (reply) => withHeader(reply, "x-request-id", "req_0"),
  ),
  mutateReply(
    {
      id: "http.cors-static-list",
      description: "a preflight allows a fixed list of headers",
      intended: ["http.cors.preflight"],
    },
    isPreflight,
    (reply) => withHeader(reply, "access-control-allow-headers", "authorization, content-type, x-stainless-lang"),
  ),
  mutateReply(
    {
      id: "http.cors-wildcard",
      description: "a preflight allows `*`, which leaves Authorization out",
      intended: ["http.cors.preflight"],
    },
    isPreflight,
    (reply) => withHeader(reply, "access-control-allow-headers", "*"),
  ),
  restatus("http.preflight-needs-key", "a preflight without a credential is a 401", "http.cors.preflight", {
    when: isPreflight,
    status: 401,
  }),
  dropHeader("http.cors-not-on-answers", "http.cors.answer", "access-control-allow-origin", isAnswer),
  dropHeader("http.cors-not-on-refusals", "http.cors.refusal", "access-control-allow-origin", isRefusal),
  dropHeader("http.cors-nothing-exposed", "http.cors.exposed-headers", "access-control-expose-headers", () => true),
  restatus("http.method-is-404", "a wrong method is a 404", "http.method.not-allowed", {
    when: (reply) => reply.status === 405,
    status: 404,
  }),
  dropHeader("http.no-allow", "http.method.allow", "allow", () => true),
  restatus("http.head-fails", "HEAD is a 500", "http.method.head", {
    when: (_, call) => call.method === "HEAD",
    status: 500,
  }),
  mutateReply(
    {
      id: "http.slash-redirect",
      description: "a trailing slash is redirected with 301",
      intended: ["http.no-redirect"],
    },
    (_, call) => call.path === "/chat/completions/",
    (reply) => ({ ...withHeader(reply, "location", "/v1/chat/completions"), status: 301 }),
  ),
  restatus("http.not-acceptable", "an Accept without JSON is a 406", "http.accept", {
    when: (_, call) => call.operation === "listModels" && call.headers.accept === "application/octet-stream",
    status: 406,
  }),
  {
    id: "http.charset-refused",
    description: "the content type must be application/json and nothing more",
    intended: ["http.request.charset"],
    mutate: () => ({ acceptsContentType: (contentType) => contentType === "application/json" }),
  },
  restatus("http.length-required", "a body without a length is a 411", "http.request.chunked", {
    when: (_, call) => isChat(call) && call.headers["content-length"] === undefined,
    status: 411,
  }),
  restatus("http.one-mebibyte", "a body above 1 MiB is a 413", "http.request.two-mebibytes", {
    when: (_, call) => (call.body?.byteLength ?? 0) > 1024 * 1024,
    status: 413,
  }),
  restatus("http.query-refused", "a query is a 404", "http.request.query", {
    // Lists take queries, as the document says.
    when: (_, call) => call.query !== "" && call.operation !== null && !("query" in operationRoutes[call.operation]),
    status: 404,
  }),
];
