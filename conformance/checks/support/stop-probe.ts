/**
 * What a stop sequence does, without trusting the model: the text is generated once, a piece out of its middle becomes
 * the stop, and the same request is sent again. Chance can't cut there.
 */

import type { CheckContext } from "../../src/check-context.ts";
import { assume, expectThat, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { type ChatFields, LONG_PROMPT, requireChoice, requireText, userMessage } from "./chat-calls.ts";
import { OWNERS } from "./owners.ts";

export interface StopProbe {
  /** The text before the stop, as generated without it. */
  readonly before: string;
  readonly stop: string;
  /** The choice that came back when the stop was set. */
  readonly choice: JsonObject;
  /** Its text. */
  readonly text: string;
}

const FIELDS: ChatFields = { messages: [userMessage(LONG_PROMPT)], max_tokens: 24, temperature: 0, seed: 7 };

/** `toParam` makes the value of `stop` from the sequence. @throws Inconclusive when the target is not repeatable */
export async function probeStop(context: CheckContext, toParam: (stop: string) => unknown): Promise<StopProbe> {
  const whole = await requireText(context, FIELDS);
  const again = await requireText(context, FIELDS);
  if (whole !== again) throw new Inconclusive("the same request gives another text at temperature 0", "chance");
  const stop = whole.slice(Math.floor(whole.length / 2)).match(/\S{2,}/)?.[0];
  if (stop === undefined) throw new Inconclusive("the answer is too short to cut", "model");
  const choice = await requireChoice(context, { ...FIELDS, stop: toParam(stop) });
  const { content } = isJsonObject(choice["message"]) ? choice["message"] : {};
  return assume("message.content is a string", OWNERS.chatContent, () => {
    expectThat(typeof content === "string", { observer: "schema", expected: "a string", actual: String(content) });
    const before = whole.slice(0, whole.indexOf(stop));
    const shared = Math.min(before.length, content.length);
    if (content.slice(0, shared) !== before.slice(0, shared)) {
      throw new Inconclusive("with `stop` the same request gives another text at temperature 0", "chance");
    }
    return { before, stop, choice, text: content };
  });
}

/** A probe whose text really ended at the stop, echoed or not. @throws Inconclusive otherwise */
export async function requireStopped(context: CheckContext): Promise<StopProbe> {
  const probe = await probeStop(context, (stop) => stop);
  if (probe.text.length <= probe.before.length + probe.stop.length) return probe;
  throw new Inconclusive("the stop sequence is not honoured", OWNERS.chatStop);
}
