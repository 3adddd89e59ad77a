/** Checks that a client secret of a realtime session, which is in the hands of a web page, opens nothing else. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectStatus, isJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { readAnswer } from "../invariants/flaws.ts";
import { OPERATION_PROBES, type OperationProbe, requireOffered } from "../support/operation-probes.ts";
import { OWNERS } from "../support/owners.ts";

function defineSecretCheck({ operation, slug, needs, call, stream }: OperationProbe): Check {
  return defineCheck({
    id: `auth.invariants.${slug}-client-secret`,
    area: "auth",
    level: "must",
    tier: "protocol",
    operation,
    needs: ["key:full", ...needs],
    requirement: `A client secret of a realtime session is refused by ${operation}, streamed or not, with 401 or 403.`,
    reference: "OpenAPI create-realtime-client-secret: for use in client environments; RFC 9110 section 15.5",
    breaks: "Every visitor of a page that transcribes uses the models of its operator.",
    async run(context) {
      await requireOffered(context, operation);
      await requireOffered(context, "create-realtime-client-secret");
      const body = JSON.stringify({ session: { type: "transcription" } });
      const created = readAnswer(await context.wire({ method: "POST", path: "/realtime/client_secrets", body }));
      const secret = isJsonObject(created.body) ? created.body["value"] : undefined;
      if (typeof secret !== "string")
        throw new Inconclusive("there is no client secret, which realtime.secret.shape judges", OWNERS.secretShape);
      for (const ask of stream === undefined ? [call] : [call, stream]) {
        const sent = { credential: { literal: secret } };
        const { exchange } = await context.sdk((client) => ask(client, context), sent);
        expectStatus(exchange, [401, 403]);
      }
    },
  });
}

export const clientSecretChecks: readonly Check[] = OPERATION_PROBES.map(defineSecretCheck);
