/** What is wrong with client secrets. */

import { realtimeCreateClientSecretResponseSchema } from "@openai-compat/spec";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { flaw, type Flaw, listShapeFlaws, must, readAnswer, should } from "./flaws.ts";

/** Of a lifetime: between the clocks of server and client, and for the way. */
const CLOCK_SECONDS = 20;
const DEFAULT_SECONDS = 600;

export function listSecretFlaws(exchange: Exchange, { fields }: { readonly fields: JsonObject }): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  const { value, expires_at: expiresAt } = body;
  const session = isJsonObject(body["session"]) ? body["session"] : {};
  const asked = isJsonObject(fields["expires_after"]) ? Number(fields["expires_after"]["seconds"]) : DEFAULT_SECONDS;
  const lifetime = Number(expiresAt) - serverSeconds(exchange);
  return [
    ...flaws,
    ...listShapeFlaws(body, realtimeCreateClientSecretResponseSchema),
    ...must(typeof value === "string" && value.length > "ek_".length, "a value", value),
    ...should(Math.abs(lifetime - asked) <= CLOCK_SECONDS, `a lifetime of ${asked} seconds`, lifetime),
    ...must(session["type"] === "transcription", "the type of the session that was asked for", session["type"]),
    ...must(typeof session["id"] === "string" && session["id"] !== "", "the id of the session", session["id"]),
    ...should(session["object"] === "realtime.transcription_session", "the object of the session", session["object"]),
    ...listSessionFlaws(session, lifetime),
  ];
}

function serverSeconds({ response }: Exchange): number {
  const date = Date.parse(response?.headers["date"] ?? "");
  return (Number.isNaN(date) ? Date.now() : date) / 1000;
}

/** The session is the one that was asked for, as it will be when it is opened. */
function listSessionFlaws(session: JsonObject, lifetime: number): readonly Flaw[] {
  const audio = isJsonObject(session["audio"]) ? session["audio"] : {};
  const input = isJsonObject(audio["input"]) ? audio["input"] : {};
  const transcription = isJsonObject(input["transcription"]) ? input["transcription"] : {};
  const { expires_at: end } = session;
  return [
    ...should(transcription["language"] === "en", "the language that was asked for", input),
    ...should(typeof transcription["model"] === "string", "the model that was asked for", input),
    ...should(
      end === undefined || end === null || end === 0 || (typeof end === "number" && end > 1e9 && end < 4.1e9),
      "`expires_at` of the session in seconds",
      { end, lifetime },
    ),
  ];
}
