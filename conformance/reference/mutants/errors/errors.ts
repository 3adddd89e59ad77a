/** Defects of refusals, and servers that bad input breaks. */

import { FAILING_MODELS } from "../../models.ts";
import type { Refusal, RefusalName } from "../../refusal.ts";
import type { ReferenceCall } from "../../call.ts";
import {
  isChat,
  type Mutant,
  mutateRefusal,
  mutateReply,
  mutateRule,
  oneWrite,
  parseSent,
  readSent,
  withHeader,
} from "../mutant.ts";

/** Says one kind of refusal with another body. */
function bendEnvelope(
  slug: string,
  description: string,
  name: RefusalName,
  change: (refusal: Refusal) => unknown,
): Mutant {
  const naming = { id: `envelope.${slug}`, description, intended: [`errors.envelope.${slug}`] };
  return mutateRefusal(naming, (refusal) => refusal.name === name, change);
}

/** Answers one kind of body with another status. */
function breakOn(slug: string, status: number, when: (call: ReferenceCall) => boolean): Mutant {
  return mutateReply(
    {
      id: `input.${slug}-is-${status}`,
      description: `${slug} is answered with ${status}`,
      intended: [`errors.input.${slug}`],
    },
    (reply, call) => isChat(call) && reply.status === 400 && when(call),
    () => ({ status }),
  );
}

/** The refusal that several checks provoke with empty messages, non-streaming. */
function refusesEmptyMessages(refusal: Refusal, call: ReferenceCall): boolean {
  return refusal.name === "invalid_value" && refusal.param === "messages" && parseSent(call)["stream"] !== true;
}

export const errorMutants: readonly Mutant[] = [
  mutateRefusal(
    {
      id: "envelope.all-keys",
      description: "`param` is missing from the error",
      intended: ["errors.envelope.all-keys"],
    },
    refusesEmptyMessages,
    ({ message, type, code }) => ({ error: { message, type, code } }),
  ),
  bendEnvelope("bad-json", "the error is FastAPI's `detail`", "bad_json", ({ message }) => ({
    detail: [{ msg: message }],
  })),
  mutateRefusal(
    {
      id: "envelope.unauthenticated",
      description: "the error is a string",
      intended: ["errors.envelope.unauthenticated"],
    },
    (refusal, call) => refusal.name === "unauthenticated" && call.operation === "listModels",
    ({ message }) => ({ error: message }),
  ),
  bendEnvelope("no-capability", "the error is flat", "capability_missing", ({ message, type, param }) => ({
    object: "error",
    message,
    type,
    param,
    code: 403,
  })),
  bendEnvelope("no-credit", "the error has no type", "quota_exceeded", ({ message, param, code }) => ({
    error: { message, param, code },
  })),
  bendEnvelope("rate-limited", "the error is a string", "rate_limited", ({ message }) => ({ error: message })),
  mutateRefusal(
    {
      id: "envelope.body-too-large",
      description: "the error is a web page",
      intended: ["errors.envelope.body-too-large"],
    },
    // Those of recordings have mutants of their own.
    ({ name }, call) => name === "body_too_large" && isChat(call),
    () => "<h1>413 Too Large</h1>",
  ),
  bendEnvelope("upstream-down", "the error has no body", "upstream_unreachable", () => ""),
  mutateRefusal(
    {
      id: "envelope.upstream-error",
      description: "the upstream's web page is passed on",
      intended: ["errors.envelope.upstream-error"],
    },
    (refusal, call) => refusal.name === "upstream_failed" && parseSent(call)["model"] === FAILING_MODELS.upstream_error,
    () => "<h1>Internal Server Error</h1>",
  ),
  mutateRefusal(
    {
      id: "envelope.unknown-model",
      description: "the code is a number",
      intended: ["chat.refusal.unknown-model-code", "errors.envelope.unknown-model"],
    },
    (refusal, call) => refusal.name === "model_not_found" && isChat(call),
    ({ message, type, param }) => ({ error: { message, type, param, code: 404 } }),
  ),
  bendEnvelope("unknown-route", "the error is a web page", "route_not_found", () => "<html><h1>Not Found</h1></html>"),
  bendEnvelope("wrong-method", "the error has no body", "method_not_allowed", () => ""),

  breakOn("bad-json", 500, (call) => readSent(call) === '{"model":'),
  mutateReply(
    { id: "input.bad-json-is-422", description: "bad-json is answered with 422", intended: ["errors.status.bad-json"] },
    (reply, call) => isChat(call) && reply.status === 400 && readSent(call) === '{"model":',
    () => ({ status: 422 }),
  ),
  breakOn("empty-body", 500, (call) => readSent(call) === ""),
  breakOn("array-body", 500, (call) => readSent(call) === "[]"),
  breakOn("deep-nesting", 500, (call) => readSent(call).includes("[[[[")),
  {
    id: "input.utf-8-replaced",
    description: "bytes that are not UTF-8 become replacement characters",
    intended: ["errors.input.invalid-utf-8"],
    mutate: () => ({ decodeText: (bytes) => new TextDecoder().decode(bytes) }),
  },
  mutateRule(
    {
      id: "input.any-message",
      description: "messages that are no objects are skipped",
      intended: ["errors.input.message-type", "errors.input.deep-nesting"],
    },
    "messageObjects",
    () => null,
  ),
  {
    id: "input.any-content-type",
    description: "the content type is not looked at",
    intended: ["errors.input.content-type"],
    mutate: () => ({ acceptsContentType: () => true }),
  },
  ...[
    { id: "input.ends-the-server", description: "the body `null` ends the server", isLast: true, isSilent: false },
    { id: "input.cuts-the-line", description: "the body `null` is never answered: the connection is closed" },
    { id: "input.hangs", description: "the body `null` is never answered, and the connection stays", isSilent: true },
  ].map(({ id, description, isLast = false, isSilent = false }) => ({
    id,
    description,
    intended: ["errors.input.server-lives-on"],
    mutate: () => {
      let isOver = false;
      const admission = async (call: ReferenceCall): Promise<void> => {
        const isMeant = isChat(call) && readSent(call) === "null";
        if (isMeant && isSilent) await new Promise(() => {});
        isOver = isMeant || (isOver && isLast);
        if (isOver) throw new Error("The connection is closed without an answer.");
      };
      return { admission };
    },
  })),
  {
    id: "input.falls-sick",
    description: "the request after a body of one quotation mark fails",
    intended: ["errors.input.server-lives-on"],
    mutate: () => {
      let isSick = false;
      return {
        reply: (reply, call) => {
          if (isChat(call) && readSent(call) === '"') isSick = true;
          if (reply.status !== 200 || !isSick) return reply;
          isSick = false;
          return { ...reply, status: 500 };
        },
      };
    },
  },
  mutateReply(
    {
      id: "errors.web-page-fallback",
      description: "an unknown route is a web page",
      intended: ["errors.unknown-route"],
    },
    (reply, call) => reply.status === 404 && call.operation === null,
    (reply) => ({ ...withHeader(reply, "content-type", "text/html"), status: 200, writes: oneWrite("<html></html>") }),
  ),
  mutateRefusal(
    { id: "errors.message-empty", description: "the message is empty", intended: ["errors.message-not-empty"] },
    refusesEmptyMessages,
    ({ type, param, code }) => ({ error: { message: "", type, param, code } }),
  ),
  mutateRefusal(
    { id: "errors.class-as-type", description: "the type is a class name", intended: ["errors.type-of-400"] },
    refusesEmptyMessages,
    ({ message, param, code }) => ({ error: { message, type: "BadRequestError", param, code } }),
  ),
  mutateReply(
    { id: "errors.text-type", description: "a 400 is declared as text/plain", intended: ["errors.content-type"] },
    (reply, call) => reply.status === 400 && isChat(call) && parseSent(call)["stream"] !== true,
    (reply) => withHeader(reply, "content-type", "text/plain"),
  ),
  mutateRefusal(
    { id: "errors.stack-shown", description: "the message is a stack trace", intended: ["errors.no-internals"] },
    (refusal) => refusal.name === "bad_json",
    ({ type, param, code }) => ({
      error: { message: "SyntaxError: bad\n    at parse (/srv/app.js:10:5)", type, param, code },
    }),
  ),
];
