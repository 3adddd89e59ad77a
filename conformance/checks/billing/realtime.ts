/** Checks that live audio is paid for as recordings are. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { isJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import type { KeyName } from "../../src/target.ts";
import { requireError } from "../support/envelope.ts";
import { PCM } from "../support/realtime-audio.ts";
import {
  COMPLETED,
  composeUpdate,
  countEnds,
  describeConnection,
  errorsOf,
  expectOn,
  REALTIME,
  sendAudio,
  sendCommit,
  TRANSCRIPTION_QUERY,
} from "../support/realtime-calls.ts";
import { requireTranscribed } from "../support/realtime-records.ts";
import { OWNERS } from "../support/owners.ts";

const BILLING = {
  ...REALTIME,
  area: "billing",
  reference: "OpenAI error codes: 429, you exceeded your current quota; OpenAI pricing: audio by the minute",
} as const;

/** No account of the recipe can pay for so many. */
const TURNS_MAX = 8;
const TURN_BYTES = 500 * PCM.bytesPerMs;

/** The codes of all errors so far. */
function codesOf({ events }: RealtimeConnection): readonly unknown[] {
  return errorsOf(events).map(({ error }) => (isJsonObject(error) ? error["code"] : undefined));
}

function isOutOfCredit(connection: RealtimeConnection): boolean {
  return codesOf(connection).includes("insufficient_quota");
}

/** A session of this account, and whether it was refused for its credit. @throws Inconclusive for another refusal */
async function openFor(context: CheckContext, credential: KeyName) {
  const connection = await context.realtime({ query: TRANSCRIPTION_QUERY, credential });
  const exchange = connection.exchange();
  if (exchange.response?.status === 429) {
    const { code } = requireError(exchange, 429);
    if (code === "insufficient_quota") return { connection, isRefused: true };
  }
  if (!connection.opened)
    throw new Inconclusive(`this needs a session: ${describeConnection(connection)}`, OWNERS.liveOpen);
  connection.send(composeUpdate(context));
  return { connection, isRefused: false };
}

/** A turn of half a second. @returns how it ended */
async function speak(context: CheckContext, connection: RealtimeConnection): Promise<"answered" | "refused"> {
  const ends = countEnds(connection.events);
  sendAudio(connection, PCM.spoken.subarray(0, TURN_BYTES));
  sendCommit(connection);
  const hasEnded = (): boolean => countEnds(connection.events) > ends || isOutOfCredit(connection);
  await connection.until(hasEnded, context.patienceMs);
  if (isOutOfCredit(connection)) return "refused";
  if (hasEnded()) return "answered";
  throw new Inconclusive(`a turn came to nothing: ${describeConnection(connection)}`, OWNERS.liveCompleted);
}

export const realtimeBillingChecks: readonly Check[] = [
  defineCheck({
    ...BILLING,
    id: "billing.no-credit.realtime",
    needs: ["key:no_credit", "model:transcription"],
    requirement:
      "An account without credit is not transcribed live: 429 before the upgrade, or an `error`, each with `insufficient_quota`.",
    breaks: "Whoever has no credit for recordings speaks into a session, and work is given away.",
    async run(context) {
      await requireTranscribed(context);
      const { connection, isRefused } = await openFor(context, "no_credit");
      if (isRefused) return;
      const end = await speak(context, connection);
      const texts = connection.events.filter(({ value }) => value["type"] === COMPLETED);
      const actual = describeConnection(connection);
      const holds = end === "refused" && texts.length === 0;
      expectOn(connection, holds, { observer: "wire", expected: "insufficient_quota, and no text", actual });
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.charged.realtime",
    needs: ["key:realtime_credit", "model:transcription"],
    requirement: `Live audio is paid for: an account that can pay for a few turns is out of credit before the ${TURNS_MAX}th.`,
    breaks: "A session that is never charged is served for nothing, as long as anybody likes.",
    async run(context) {
      await requireTranscribed(context);
      const { connection, isRefused } = await openFor(context, "realtime_credit");
      if (isRefused)
        throw new Inconclusive("the account of `realtime_credit` is empty: each run needs it anew", "fixture");
      for (let answered = 0; answered < TURNS_MAX; answered += 1) {
        if ((await speak(context, connection)) === "answered") continue;
        if (answered > 0) return;
        throw new Inconclusive("the account of `realtime_credit` is empty: each run needs it anew", "fixture");
      }
      const expected = "insufficient_quota in the end";
      expectOn(connection, false, { observer: "wire", expected, actual: `${TURNS_MAX} texts` });
    },
  }),
];
