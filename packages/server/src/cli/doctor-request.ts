/** A request that `doctor` sends to another server, and what its answer says. */

import { describeReason } from "../describe-thrown.ts";
import type { Finding, TimedFinding } from "./doctor-finding.ts";

/** For one answer. */
export const ANSWER_TIMEOUT_MS = 5000;

export interface FindingRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly evaluate: (status: number) => Finding;
}

/** A server that can't be reached is a failure. */
export async function requestFinding(
  about: string,
  url: string,
  { headers, evaluate }: FindingRequest,
): Promise<TimedFinding> {
  try {
    // As the engine asks: `fetch` would refuse ports that it takes for other protocols'.
    const { request } = await import("undici");
    const response = await request(url, { headers: { ...headers }, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    response.body.on("error", () => {}).destroy();
    const dateMs = Date.parse(String(response.headers["date"]));
    const finding = evaluate(response.statusCode);
    return Number.isNaN(dateMs) ? finding : { ...finding, clockAheadMs: dateMs - Date.now() };
  } catch (thrown) {
    const { origin } = new URL(url);
    return { about, status: "fail", message: `${origin} can't be reached: ${describeReason(thrown)}` };
  }
}
