/** Checks of parts that are no text, which not every model takes: they are seen, or refused, never dropped. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectJsonObject, expectResponse, expectThat } from "../../src/expect.ts";
import { askChat, type ChatFields, readUsage, requireUsage, userMessage } from "../support/chat-calls.ts";
import { expectRefused } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";

const CHAT = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const NOT_IMPLEMENTED = 501;

const TEXT = { type: "text", text: "What is this?" };

/** One red pixel. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

/** A WAV file of 16 samples of silence: 16 bits, mono, 8000 Hz. */
const WAV = "UklGRkQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YSAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

/** A 4xx or 501, or an answer to a prompt that is longer by the part. @throws Failure, Inconclusive */
async function expectSeenOrRefused(context: CheckContext, part: ChatFields): Promise<void> {
  const exchange = await askChat(context, { messages: [userMessage([TEXT, part])] });
  if (expectResponse(exchange).status !== 200) {
    await requireUsage(context, { messages: [userMessage([TEXT])] });
    if (expectResponse(exchange).status !== NOT_IMPLEMENTED) expectRefused(exchange);
    return;
  }
  const alone = await requireUsage(context, { messages: [userMessage([TEXT])] });
  const both = readUsage(expectJsonObject(exchange), OWNERS.chatUsage);
  const actual = `${alone.prompt_tokens} prompt tokens for the text, ${both.prompt_tokens} with the part`;
  const expected = "a refusal, or an answer to more prompt tokens than without the part";
  expectThat(both.prompt_tokens > alone.prompt_tokens, { observer: "wire", expected, actual });
}

export const chatMediaChecks: readonly Check[] = [
  defineCheck({
    ...CHAT,
    id: "chat.messages.image-part",
    requirement: "An image in a message is seen by the model or refused with a 4xx or 501, never dropped.",
    reference: "OpenAPI ChatCompletionRequestMessageContentPartImage",
    breaks: "The model describes a picture that it never saw; a 5xx is sent again and again by the SDK.",
    async run(context) {
      await expectSeenOrRefused(context, { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.messages.audio-part",
    requirement: "Sound in a message is heard by the model or refused with a 4xx or 501, never dropped.",
    reference: "OpenAPI ChatCompletionRequestMessageContentPartAudio",
    breaks: "The model answers to words that it never heard; a 5xx is sent again and again by the SDK.",
    async run(context) {
      await expectSeenOrRefused(context, { type: "input_audio", input_audio: { data: WAV, format: "wav" } });
    },
  }),
];
