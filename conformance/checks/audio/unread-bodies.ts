/** Checks that who may not call is refused before the body is read: a recording is megabytes, and anybody can send one. */

import { operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { KeyName } from "../../src/target.ts";
import { expectStatus } from "../../src/expect.ts";
import { requireStatus } from "../support/envelope.ts";
import { OWNERS, statusOwners } from "../support/owners.ts";
import { requireOffered } from "../support/operation-probes.ts";

const ROWS = [
  {
    slug: "transcriptions",
    operation: "createTranscription",
    contentType: "multipart/form-data; boundary=conformance",
  },
  { slug: "translations", operation: "createTranslation", contentType: "multipart/form-data; boundary=conformance" },
  { slug: "speech", operation: "createSpeech", contentType: "application/json" },
] as const;

/** Announced, and never sent. */
const ANNOUNCED_BYTES = 1_000_000;
const WAIT_MS = 3000;

const CALLERS = [
  { slug: "unauthenticated", what: "without a credential", credential: null, status: 401, needs: [] },
  {
    slug: "no-capability",
    what: "whose credential grants nothing",
    credential: "no_capability",
    status: 403,
    needs: ["key:no_capability"],
  },
] as const satisfies readonly { readonly credential: KeyName | null; readonly [name: string]: unknown }[];

export const unreadBodyChecks: readonly Check[] = ROWS.flatMap(({ slug, operation, contentType }) =>
  CALLERS.map((caller) =>
    defineCheck({
      id: `audio.${slug}.unread.${caller.slug}`,
      area: "audio",
      level: "should",
      tier: "protocol",
      operation,
      needs: [...caller.needs],
      requirement: `A caller of ${operation} ${caller.what} is refused before the body has come.`,
      reference: "RFC 9110 section 15.5.2; OpenAI error codes",
      breaks: "Anybody fills the server's memory and line with recordings that nobody will hear.",
      async run(context) {
        const { credential, status } = caller;
        const path = operations[operation].path;
        const announced = { "content-type": contentType, "content-length": String(ANNOUNCED_BYTES) };
        const body = "--conformance--\r\n";
        const request = { method: "POST", path, credential, body } as const;
        const exchange = await context.wire({ ...request, headers: announced, disconnectAfterMs: WAIT_MS });
        if (exchange.response?.status !== status) {
          await requireOffered(context, operation);
          const whole = await context.wire({ ...request, headers: { "content-type": contentType } });
          // Who finds fault with the body has read it first.
          requireStatus(whole, status, statusOwners(whole, status).merge(OWNERS.beforeBody));
        }
        expectStatus(exchange, status);
      },
    }),
  ),
);
