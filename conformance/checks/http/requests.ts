/** Checks of HTTP itself: request ids, content types, CORS, methods, redirects and request bodies. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectHeader, expectStatus, expectThat } from "../../src/expect.ts";
import { composeChat, expectAccepted } from "../support/chat-calls.ts";
import { requireRefusal, requireStatus } from "../support/envelope.ts";

const HTTP = { area: "http", level: "must", tier: "protocol", operation: "listModels", needs: [] } as const;
const CHAT = { ...HTTP, operation: "createChatCompletion", needs: ["model:chat"] } as const;

const ORIGIN = "https://conformance.example";
/** What openai-node 7 may send from a browser. */
const SDK_HEADERS = [
  "authorization",
  "content-type",
  "openai-organization",
  "openai-project",
  "x-stainless-arch",
  "x-stainless-custom-poll-interval",
  "x-stainless-helper-method",
  "x-stainless-lang",
  "x-stainless-os",
  "x-stainless-package-version",
  "x-stainless-poll-helper",
  "x-stainless-retry-count",
  "x-stainless-runtime",
  "x-stainless-runtime-version",
  "x-stainless-timeout",
];

function splitList(header: string | undefined): readonly string[] {
  return (header ?? "").toLowerCase().split(/\s*,\s*/);
}

export const httpChecks: readonly Check[] = [
  defineCheck({
    ...HTTP,
    id: "http.json-content-type",
    requirement: "A JSON answer has the content type application/json, so that the SDK parses it.",
    reference: "openai-node internal/parse.ts; decolua/9router#3492",
    breaks: "openai-node returns a string, and `.choices` is undefined.",
    async run(context) {
      const outcome = await context.sdk((client) => client.models.list().asResponse());
      requireStatus(outcome.exchange, 200);
      expectHeader(outcome.exchange, "content-type", /^application\/([\w.-]+\+)?json\b/i);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.request-id.success",
    level: "should",
    requirement: "An answer has an `x-request-id`.",
    reference: "openai-node internal/parse.ts addRequestID",
    breaks: "`_request_id` is null, and a report of a problem can't be matched with a log.",
    async run(context) {
      const { exchange } = await context.sdk((client) => client.models.list());
      requireStatus(exchange, 200);
      expectHeader(exchange, "x-request-id", /\S/);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.request-id.error",
    level: "should",
    requirement: "A refusal has an `x-request-id`.",
    reference: "openai-node core/error.ts APIError.requestID",
    breaks: "`error.requestID` is null where it is needed most.",
    async run(context) {
      const exchange = await context.wire({ method: "GET", path: "/conformance-no-such-route" });
      requireRefusal(exchange);
      expectHeader(exchange, "x-request-id", /\S/);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.request-id.unique",
    level: "should",
    requirement: "Two answers have two different request ids.",
    reference: "openai-node internal/parse.ts addRequestID",
    breaks: "Logs of different calls are taken for one.",
    async run(context) {
      const read = async (): Promise<string | undefined> => {
        const { exchange } = await context.sdk((client) => client.models.list());
        return exchange.response?.headers["x-request-id"];
      };
      const ids = [await read(), await read()];
      const holds = ids[0] === undefined || ids[0] !== ids[1];
      expectThat(holds, { observer: "wire", expected: "two ids", actual: JSON.stringify(ids) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "http.cors.preflight",
    level: "should",
    requirement: "A preflight without a credential allows POST with every header that the SDK sends from a browser.",
    reference: "Fetch Standard, CORS preflight; openai-node client.ts buildHeaders; ollama/ollama#4388",
    breaks: "openai-node in a browser: every call is blocked. `*` does not cover `Authorization`.",
    async run(context) {
      const headers = {
        origin: ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": SDK_HEADERS.join(","),
      };
      const exchange = await context.wire({ method: "OPTIONS", path: "/chat/completions", credential: null, headers });
      const response = expectStatus(exchange, [200, 204]);
      expectHeader(exchange, "access-control-allow-origin", /^(\*|https:\/\/conformance\.example)$/);
      const allowed = splitList(response.headers["access-control-allow-headers"]);
      const missing = SDK_HEADERS.filter(
        (name) => !allowed.includes(name) && !(allowed.includes("*") && name !== "authorization"),
      );
      expectThat(missing.length === 0, {
        observer: "wire",
        expected: "access-control-allow-headers with every header that was asked for",
        actual: `without ${missing.join()}`,
      });
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.cors.answer",
    level: "should",
    requirement: "An answer to another origin has `Access-Control-Allow-Origin`.",
    reference: "Fetch Standard, CORS check",
    breaks: 'openai-node in a browser throws "Connection error." for a call that worked.',
    async run(context) {
      const exchange = await context.wire({ method: "GET", path: "/models", headers: { origin: ORIGIN } });
      requireStatus(exchange, 200);
      expectHeader(exchange, "access-control-allow-origin", /^(\*|https:\/\/conformance\.example)$/);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.cors.refusal",
    level: "should",
    requirement: "A refusal to another origin has `Access-Control-Allow-Origin` too.",
    reference: "Fetch Standard, CORS check; openai-node core/error.ts APIConnectionError",
    breaks: 'A browser reports "Connection error." for the reason of the refusal.',
    async run(context) {
      const path = "/conformance-no-such-route";
      const exchange = await context.wire({ method: "GET", path, headers: { origin: ORIGIN } });
      requireRefusal(exchange);
      expectHeader(exchange, "access-control-allow-origin", /^(\*|https:\/\/conformance\.example)$/);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.cors.exposed-headers",
    level: "should",
    requirement: "`x-request-id` and `retry-after` are exposed to other origins.",
    reference: "Fetch Standard, Access-Control-Expose-Headers; Azure/azure-rest-api-specs#24904",
    breaks: "The SDK in a browser can't log the request id and can't honour a Retry-After.",
    async run(context) {
      const exchange = await context.wire({ method: "GET", path: "/models", headers: { origin: ORIGIN } });
      requireStatus(exchange, 200);
      const exposed = splitList(exchange.response?.headers["access-control-expose-headers"]);
      const holds = exposed.includes("*") || ["x-request-id", "retry-after"].every((name) => exposed.includes(name));
      expectThat(holds, { observer: "wire", expected: "x-request-id, retry-after", actual: exposed.join(", ") });
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.method.not-allowed",
    level: "should",
    operation: null,
    requirement: "A method that a known path does not have is refused with 405.",
    reference: "RFC 9110 section 15.5.6",
    breaks: "A mistaken method looks like a missing endpoint.",
    async run(context) {
      expectStatus(await context.wire({ method: "PUT", path: "/models", body: "{}" }), 405);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.method.allow",
    level: "should",
    operation: null,
    requirement: "A 405 lists the methods that there are in `Allow`.",
    reference: "RFC 9110 section 15.5.6",
    breaks: "Tools that explore an API learn nothing.",
    async run(context) {
      const exchange = await context.wire({ method: "PUT", path: "/models", body: "{}" });
      requireStatus(exchange, 405);
      expectHeader(exchange, "allow", /\bGET\b/);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.method.head",
    level: "should",
    requirement: "HEAD on the models is answered with 200, or refused with 405.",
    reference: "RFC 9110 section 9.3.2",
    breaks: "Health checks of load balancers take the server for dead.",
    async run(context) {
      expectStatus(await context.wire({ method: "HEAD", path: "/models" }), [200, 405]);
    },
  }),
  defineCheck({
    ...CHAT,
    id: "http.no-redirect",
    requirement: "A POST with a trailing slash is not answered with 301, 302 or 303.",
    reference: "Fetch Standard, HTTP-redirect fetch (a POST becomes a GET)",
    breaks:
      "Clients that are set up with a trailing slash: the SDK and requests follow with GET and no body, and report a " +
      "confusing 404, 405 or 422.",
    async run(context) {
      const body = JSON.stringify(composeChat(context));
      const { response } = await context.wire({ method: "POST", path: "/chat/completions/", body });
      const actual = `status ${response?.status}`;
      const holds = response !== null && ![301, 302, 303].includes(response.status);
      expectThat(holds, { observer: "wire", expected: "no such redirect", actual });
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.version-1-0",
    level: "may",
    requirement: "A request of HTTP/1.0, which has no Host header, is answered as one of HTTP/1.1 is.",
    reference: "RFC 9112 section 3.2 and appendix C.1: only HTTP/1.1 demands Host; HAProxy option httpchk",
    breaks: "Old load balancers and health checks take the server for broken.",
    async run(context) {
      const request = { method: "GET", path: "/models" };
      requireStatus(await context.wire(request), 200);
      expectStatus(await context.wire({ ...request, httpVersion: "1.0" }), 200);
    },
  }),
  defineCheck({
    ...HTTP,
    id: "http.accept",
    requirement: "`Accept: application/octet-stream` is no reason to refuse.",
    reference: "RFC 9110 section 12.5.1 (a server may disregard it); openai-node resources/audio/speech.ts",
    breaks: "Clients whose HTTP library sets another Accept get 406.",
    async run(context) {
      const headers = { accept: "application/octet-stream" };
      const exchange = await context.wire({ method: "GET", path: "/models", headers });
      if (exchange.response?.status !== 200) requireStatus(await context.wire({ method: "GET", path: "/models" }), 200);
      expectStatus(exchange, 200);
    },
  }),
  defineCheck({
    ...CHAT,
    id: "http.request.charset",
    requirement: "A body declared as `application/json; charset=utf-8` is accepted.",
    reference: "RFC 9110 section 8.3.1 (parameters)",
    breaks: "Java, .NET and PHP clients always send the parameter.",
    async run(context) {
      const headers = { "content-type": "application/json; charset=utf-8" };
      const body = JSON.stringify(composeChat(context));
      await expectAccepted(context, await context.wire({ method: "POST", path: "/chat/completions", headers, body }));
    },
  }),
  defineCheck({
    ...CHAT,
    id: "http.request.chunked",
    requirement: "A body in chunked transfer coding, without a length, is accepted.",
    reference:
      "RFC 9112 section 7.1: a recipient must be able to parse it; Go net/http, Node fetch with a stream as body",
    breaks: "Go programs and Node's fetch that send a body of unknown length, and proxies that pass it on unbuffered.",
    async run(context) {
      const headers = { "transfer-encoding": "chunked" };
      const body = JSON.stringify(composeChat(context));
      await expectAccepted(context, await context.wire({ method: "POST", path: "/chat/completions", headers, body }));
    },
  }),
  defineCheck({
    ...CHAT,
    id: "http.request.two-mebibytes",
    level: "should",
    requirement: "A body of 2 MiB is accepted.",
    reference: "OpenAPI ChatCompletionRequestMessageContentPartImage (images come in the body)",
    breaks: "Clients that send images meet a web framework's default limit of 1 MiB.",
    async run(context) {
      const body = JSON.stringify(composeChat(context)) + " ".repeat(2 * 1024 * 1024);
      await expectAccepted(context, await context.wire({ method: "POST", path: "/chat/completions", body }));
    },
  }),
  defineCheck({
    ...CHAT,
    id: "http.request.query",
    level: "should",
    requirement: "An unknown query parameter does not fail the request.",
    reference: "RFC 9110 section 4.2.2; Azure's clients append `api-version`",
    breaks: "Clients set up for Azure get 404.",
    async run(context) {
      const body = JSON.stringify(composeChat(context));
      const path = "/chat/completions?api-version=2024-10-21";
      await expectAccepted(context, await context.wire({ method: "POST", path, body }));
    },
  }),
];
