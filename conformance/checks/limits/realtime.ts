/** Checks that the limit of requests holds for realtime sessions too. */

import { type Check, defineCheck } from "../../src/check.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { describeConnection, expectOn, openSession, REALTIME, TRANSCRIPTION_QUERY } from "../support/realtime-calls.ts";
import { OWNERS } from "../support/owners.ts";

export const realtimeLimitChecks: readonly Check[] = [
  defineCheck({
    ...REALTIME,
    area: "limits",
    id: "limits.rate.realtime",
    level: "should",
    needs: ["key:rate_limited", "fixture:rate_limited", "model:transcription"],
    requirement:
      "The limit of requests holds for realtime sessions too: an account that opens more than it may is refused with 429.",
    reference: "RFC 6585 section 4; OpenAI rate limits",
    breaks: "One account takes the server from all others by sessions, each of which holds memory and a slot.",
    async run(context) {
      (await openSession(context)).terminate();
      const { requestsPerMinute } = context.fixture("rate_limited");
      for (let opened = 0; opened <= 2 * requestsPerMinute; opened += 1) {
        const connection = await context.realtime({ query: TRANSCRIPTION_QUERY, credential: "rate_limited" });
        const exchange = connection.exchange();
        connection.terminate();
        if (exchange.response?.status === 429) return;
        if (!connection.opened)
          throw new Inconclusive(`this needs a session: ${describeConnection(connection)}`, OWNERS.liveOpen);
        if (opened < 2 * requestsPerMinute) continue;
        const actual = `${opened + 1} sessions`;
        expectOn(connection, false, { observer: "wire", expected: "status 429", actual });
      }
    },
  }),
];
