/** Chat of the reference server: its rules, asked one after the other, and the model behind it. */

import { FAILING_MODELS, HABIT_MODELS } from "../models.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { answerChat, type ChatAnswer, encodeChunks, encodeCompletion, estimateTokens } from "./chat-answer.ts";
import { CHAT_RULES, type ChatRules } from "./chat-rules.ts";
import { decodeJson } from "./decode-body.ts";
import { readAsTools, writeAsAsked } from "./legacy-functions.ts";
import type { Answer, Fields, ReferenceOperation } from "./operation.ts";
import { keepChat } from "./stored-chats.ts";
import { STRUCTURED_OUTPUT_RULES } from "./structured-output-rules.ts";

export const REFERENCE_RULES: ChatRules = { ...CHAT_RULES, ...STRUCTURED_OUTPUT_RULES };

export interface ChatResult extends ChatAnswer, Answer {}

/** So many events arrive before the upstream of a failing model breaks off. */
const EVENTS_BEFORE_THE_BREAK = 3;

export const createChatCompletion: ReferenceOperation<ChatResult> = {
  isBilled: true,
  decode: decodeJson,
  validate: validateBy(REFERENCE_RULES),
  serves: () => true,
  estimate: estimateTokens,
  answer(request, context) {
    const refusal = refuseForUpstream(request);
    if (refusal !== null) return refusal;
    const answer = answerChat(readAsTools(request), context);
    const { model } = request;
    if (request["store"] === true)
      keepChat(context.account, request, { id: answer.id, ...encodeAnswer(answer, request) });
    const breaks = model === FAILING_MODELS.upstream_breaks || model === HABIT_MODELS.upstream_unfinished;
    return {
      ...answer,
      request,
      cost: answer.usage.completion_tokens,
      breaksAfter: breaks ? EVENTS_BEFORE_THE_BREAK : null,
    };
  },
  encode: (answer) => encodeAnswer(answer, answer.request),
  encodeStream: (answer) =>
    encodeChunks(answer, wantsUsage(answer.request)).map((chunk) => writeAsAsked(chunk, answer.request)),
};

function encodeAnswer(answer: ChatAnswer, request: Fields) {
  return writeAsAsked(encodeCompletion(answer), request);
}

/** The first refusal counts. */
export function validateBy(rules: ChatRules): (request: Fields) => Refusal | null {
  return (request) => {
    for (const rule of Object.values(rules)) {
      const refusal = rule(request);
      if (refusal !== null) return refusal;
    }
    return null;
  };
}

export function wantsUsage(request: Fields): boolean {
  const options = request["stream_options"];
  return (
    typeof options === "object" && options !== null && "include_usage" in options && options.include_usage === true
  );
}

/** An upstream that fails before the first byte is a refusal; one that breaks shows so only in a stream. */
function refuseForUpstream({ model, stream }: Fields): Refusal | null {
  if (model === FAILING_MODELS.upstream_down) return makeRefusal("upstream_unreachable");
  if (model === FAILING_MODELS.upstream_error) return makeRefusal("upstream_failed");
  return model === FAILING_MODELS.upstream_breaks && stream !== true ? makeRefusal("upstream_failed") : null;
}
