/** Defects of tools of the type `custom`. */

import { isJsonObject } from "../../../src/expect.ts";
import { type ChatBody, readMessages } from "../../operations/chat-rules.ts";
import {
  isChat,
  type Mutant,
  mutateChoice,
  mutateChunks,
  mutateReply,
  omit,
  parseSent,
  refuseWhen,
} from "../mutant.ts";

function isCustomOffer({ tools }: ChatBody): boolean {
  return Array.isArray(tools) && isJsonObject(tools[0]) && tools[0]["type"] === "custom";
}

/** As if no tool had been offered at all. */
function withoutCustom(body: ChatBody): ChatBody {
  return isCustomOffer(body) ? omit(omit(body, "tools"), "tool_choice") : body;
}

/** A regular expression for the input. */
function hasGrammar(body: ChatBody): boolean {
  return isCustomOffer(body) && JSON.stringify(body["tools"]).includes('"grammar"');
}

function isReplayed(body: ChatBody): boolean {
  return readMessages(body).some(({ tool_calls: calls }) => JSON.stringify(calls ?? []).includes('"custom"'));
}

export const toolCustomMutants: readonly Mutant[] = [
  mutateReply(
    { id: "tools.custom-fails", description: "a custom tool is a 500", intended: ["chat.tools.custom"] },
    (_, call) => isChat(call) && isCustomOffer(parseSent(call)),
    () => ({ status: 500 }),
  ),
  {
    id: "tools.custom-ignored",
    description: "a custom tool is as good as none",
    intended: ["chat.tools.custom", "responses.tools.custom-is-called"],
    mutate: ({ decodeText }) => ({
      decodeText: (bytes) => {
        const text = decodeText(bytes);
        return text?.includes('"custom"') === true ? JSON.stringify(withoutCustom(JSON.parse(text))) : text;
      },
    }),
  },
  mutateChoice(
    {
      id: "tools.custom-as-function",
      description: "the call of a custom tool is one of a function",
      intended: ["chat.tools.custom"],
    },
    (choice, body) =>
      isCustomOffer(body) && isJsonObject(choice["message"]) && choice["message"]["tool_calls"] !== undefined
        ? {
            ...choice,
            message: {
              ...choice["message"],
              tool_calls: [{ id: "call_0", type: "function", function: { name: "note_of_quern", arguments: "{}" } }],
            },
          }
        : choice,
  ),
  mutateChunks(
    {
      id: "tools.custom-stream-untyped",
      description: "the streamed call of a custom tool does not say that it is one",
      intended: ["chat.tools.custom-stream"],
    },
    (chunks) =>
      chunks.map((chunk) => ({
        ...chunk,
        choices: chunk.choices.map((choice) => ({
          ...choice,
          delta: {
            ...choice.delta,
            ...(choice.delta.tool_calls && {
              tool_calls: choice.delta.tool_calls.map((call) => ("custom" in call ? omit(call, "type") : call)),
            }),
          },
        })),
      })),
  ),
  mutateChunks(
    {
      id: "tools.custom-stream-piece-lost",
      description: "the streamed input of a custom tool lacks a piece",
      intended: ["chat.tools.custom-stream"],
    },
    (chunks, body) => {
      const first = chunks.findIndex(({ choices: [choice] }) => choice?.delta.tool_calls?.[0]?.id === undefined);
      const piece = chunks.findIndex(
        ({ choices: [choice] }, at) =>
          at > first && choice?.delta.tool_calls?.[0]?.id === undefined && choice?.delta.tool_calls,
      );
      return isCustomOffer(body) ? chunks.filter((_, at) => at !== piece) : chunks;
    },
  ),
  mutateChoice(
    {
      id: "tools.custom-free",
      description: "the input of a custom tool does not conform to its regular expression",
      intended: ["chat.tools.custom-regex"],
    },
    (choice, body) =>
      hasGrammar(body) && isJsonObject(choice["message"])
        ? {
            ...choice,
            message: {
              ...choice["message"],
              tool_calls: [
                { id: "call_0", type: "custom", custom: { name: "mark_of_quern", input: "kx-19 and more" } },
              ],
            },
          }
        : choice,
  ),
  refuseWhen(
    "tools.custom-turn-refused",
    "the call of a custom tool may not come back",
    "chat.tools.custom-turn",
    isReplayed,
  ),
];
