/**
 * One probe per operation and per kind of bad credential: how to send it, through the SDK wherever the SDK can. Nothing
 * here judges the answer.
 */

import type { OperationId } from "@openai-compat/spec";
import type OpenAI from "openai";
import type { Need } from "../../src/check.ts";
import type { CheckContext, Credential, SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { composeChat, composeSdkChat } from "./chat-calls.ts";

export interface OperationProbe {
  readonly slug: string;
  readonly operation: OperationId;
  readonly needs: readonly Need[];
  call(client: OpenAI, context: CheckContext): Promise<unknown>;
  wire(context: CheckContext, authorization: string): Promise<Exchange>;
}

export const OPERATION_PROBES: Readonly<Record<OperationId, OperationProbe>> = {
  listModels: {
    slug: "models-list",
    operation: "listModels",
    needs: [],
    call: async (client) => client.models.list(),
    wire: (context, authorization) => context.wire({ method: "GET", path: "/models", headers: { authorization } }),
  },
  retrieveModel: {
    slug: "models-retrieve",
    operation: "retrieveModel",
    needs: ["model:chat"],
    call: async (client, context) => client.models.retrieve(String(context.models.chat)),
    wire: (context, authorization) => {
      const path = `/models/${encodeURIComponent(String(context.models.chat))}`;
      return context.wire({ method: "GET", path, headers: { authorization } });
    },
  },
  createChatCompletion: {
    slug: "chat",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    call: async (client, context) => {
      const body = composeSdkChat(context);
      return client.chat.completions.create(body);
    },
    wire: (context, authorization) => {
      const body = JSON.stringify(composeChat(context));
      return context.wire({ method: "POST", path: "/chat/completions", headers: { authorization }, body });
    },
  },
};

export interface CredentialProbe {
  readonly slug: string;
  /** Completes the sentence "… is refused with 401". */
  readonly subject: string;
  readonly status: 401 | 403;
  readonly level: "must" | "should";
  /** Who suffers when such a caller gets in. */
  readonly breaks: string;
  readonly needs: readonly Need[];
  /** What the SDK sends, or the header when the SDK can't send it. */
  send(context: CheckContext): { readonly credential: Credential } | { readonly authorization: string };
}

export const CREDENTIAL_PROBES: readonly CredentialProbe[] = [
  {
    slug: "missing",
    subject: "A call without a credential",
    status: 401,
    level: "must",
    breaks:
      "Anyone gets in. Where the refusal is no 401, the SDK throws no AuthenticationError and clients ask for no key.",
    needs: ["key:full"],
    send: () => ({ credential: null }),
  },
  {
    slug: "malformed",
    subject: "An `Authorization` header that holds a scheme and no token",
    status: 401,
    level: "must",
    breaks: "Anyone gets in; clients whose key is an empty variable are told nothing, or a wrong reason.",
    needs: ["key:full"],
    send: () => ({ authorization: "Bearer" }),
  },
  {
    slug: "wrong-scheme",
    subject: "The right key under the scheme Basic",
    status: 401,
    level: "should",
    breaks:
      "The interface description promises bearer tokens only; a password meant for another service is taken or blamed.",
    needs: ["key:full"],
    send: (context) => ({ authorization: `Basic ${btoa(`user:${context.key("full")}`)}` }),
  },
  {
    slug: "unknown-key",
    subject: "A key that nobody issued",
    status: 401,
    level: "must",
    breaks: "Anyone gets in. Open WebUI and others that try a key out take a wrong one for right.",
    needs: ["key:full"],
    send: () => ({ credential: { literal: UNKNOWN_KEY } }),
  },
  {
    slug: "expired",
    subject: "An expired key",
    status: 401,
    level: "must",
    breaks: "A key that leaked once works for ever; clients never hear that they need a new one.",
    needs: ["key:expired"],
    send: () => ({ credential: "expired" }),
  },
  {
    slug: "tampered",
    subject: "A token whose claims were changed after it was signed",
    status: 401,
    level: "must",
    breaks: "Whoever has any token grants himself what he likes.",
    needs: ["key:full", "jwt"],
    send: (context) => ({ credential: { literal: tamper(context.key("full")) } }),
  },
  {
    slug: "alg-none",
    subject: "An unsigned token with `alg: none`",
    status: 401,
    level: "must",
    breaks: "Anyone writes his own token (CVE-2015-9235).",
    needs: ["key:full", "jwt"],
    send: (context) => ({ credential: { literal: unsign(context.key("full")) } }),
  },
  {
    slug: "no-capability",
    subject: "A genuine key without the capability",
    status: 403,
    level: "must",
    breaks: "Anyone with any key uses what it was not given for; with 401 clients ask for a new key in vain.",
    needs: ["key:no_capability"],
    send: () => ({ credential: "no_capability" }),
  },
];

export const UNKNOWN_KEY = "sk-conformance-0123456789abcdef0123456789abcdef";

/** Sends one kind of credential to one operation. */
export async function probeAuth(
  context: CheckContext,
  operation: OperationProbe,
  credential: CredentialProbe,
): Promise<{ exchange: Exchange; outcome: SdkOutcome<unknown> | null }> {
  const sent = credential.send(context);
  if ("authorization" in sent) return { exchange: await operation.wire(context, sent.authorization), outcome: null };
  const outcome = await context.sdk((client) => operation.call(client, context), sent);
  return { exchange: outcome.exchange, outcome };
}

/** The same token with one more claim and the old signature. */
function tamper(token: string): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, encodePart({ ...decodePart(payload), conformance: "tampered" }), signature].join(".");
}

function unsign(token: string): string {
  const [header = "", payload = ""] = token.split(".");
  return [encodePart({ ...decodePart(header), alg: "none" }), payload, ""].join(".");
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodePart(part: string): object {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return typeof value === "object" && value !== null ? value : {};
}
