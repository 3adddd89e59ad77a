/**
 * What steers the reference server's text: a bias that leaves one token alone, and chance where a request asks for it.
 */

import type { ChatBody } from "./operations/chat-rules.ts";

const BIASED_TOKENS = 200;

/** The text that `whole` becomes. */
export function steerText(whole: string, body: ChatBody): string {
  const chosen = Object.entries(body["logit_bias"] ?? {}).find(([, bias]) => bias === 100);
  if (chosen !== undefined) return ` token-${chosen[0]}`.repeat(BIASED_TOKENS);
  const { temperature, top_p: nucleus, seed } = body;
  const isGreedy = !(Number(temperature) > 1) || (typeof nucleus === "number" && nucleus < 0.1);
  if (isGreedy) return whole;
  return `Sampled with ${typeof seed === "number" ? seed : Math.random()}: ${whole}`;
}
