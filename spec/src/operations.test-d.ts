/** What the list of operations must refuse. */
import { z } from "zod";
import { defineOperations, type OperationId } from "./operations.ts";
import type { Assert, Same } from "./shared/type-check.ts";

export type Tests = [
  // Tables by operation are total, so the ids must not be any text.
  Assert<Same<string extends OperationId ? "any text" : "these ids", "these ids">>,
];

const complete = {
  id: "ping",
  transport: "http",
  method: "GET",
  path: "/ping",
  summary: "Answers.",
  request: null,
  requestContentType: null,
  pathParameters: {},
  response: z.string(),
  responseByFormat: {},
  responseContentTypes: ["application/json"],
  textFormats: [],
  streaming: null,
  streamEvent: null,
  examples: {},
  capability: { domain: "ai", can: "READ" },
  extension: true,
  errorStatuses: [401],
} as const;
const { capability, ...withoutCapability } = complete;

defineOperations({ ping: { ...complete, capability } });
// @ts-expect-error no operation without a capability
defineOperations({ ping: withoutCapability });
// @ts-expect-error no verb that the service does not know
defineOperations({ ping: { ...complete, capability: { domain: "ai", can: "PING" } } });
// @ts-expect-error no id that is not the key
defineOperations({ pong: complete });
// @ts-expect-error no body that nobody here can decode
defineOperations({ ping: { ...complete, requestContentType: "text/xml" } });

const session = {
  id: "talk",
  transport: "websocket",
  path: "/talk",
  summary: "Talks.",
  pathParameters: {},
  clientEvent: z.string(),
  serverEvent: z.string(),
  capability: { domain: "ai", can: "PROMPT" },
  extension: true,
  errorStatuses: [401],
} as const;

defineOperations({ talk: session, ping: { ...complete, capability } });
// @ts-expect-error no session without the shape of its messages
defineOperations({ talk: { ...session, clientEvent: undefined } });
// @ts-expect-error no transport that no server has
defineOperations({ ping: { ...complete, transport: "udp" } });
