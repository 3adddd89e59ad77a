/** Our chat types against those of the official SDK, in both directions. Every difference is listed with its reason. */
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionCreateParams,
  ChatCompletionMessage,
  ChatCompletionTokenLogprob,
} from "openai/resources/chat/completions";
import type { CompletionUsage as SdkUsage } from "openai/resources/completions";
import type { Assert, AssignableBut } from "../shared/type-check.ts";
import type { CompletionUsage } from "../shared/usage.ts";
import type { ChatChunkChoice, ChatDelta, CreateChatCompletionStreamResponse } from "./chunk.ts";
import type { UserContentPart } from "./content-part.ts";
import type { TokenLogprob } from "./logprobs.ts";
import type { RequestMessage } from "./request-message.ts";
import type { CreateChatCompletionRequest } from "./request.ts";
import type { ResponseMessage } from "./response-message.ts";
import type { ChatChoice, CreateChatCompletionResponse } from "./response.ts";

/** The SDK splits its parameters by `stream` and lists its own models beside "any string"; the wire has one body. */
type SdkRequest = Omit<ChatCompletionCreateParams, "stream" | "model"> & { stream?: boolean | null; model: string };
type SdkMessage = SdkRequest["messages"][number];

export type Tests = [
  Assert<AssignableBut<{}, CreateChatCompletionRequest, SdkRequest>>,
  Assert<AssignableBut<{}, SdkRequest, CreateChatCompletionRequest>>,
  Assert<AssignableBut<{}, { message: RequestMessage }, { message: SdkMessage }>>,
  Assert<AssignableBut<{}, { message: SdkMessage }, { message: RequestMessage }>>,
  Assert<AssignableBut<{}, { part: UserContentPart }, { part: ChatCompletionContentPart }>>,
  Assert<AssignableBut<{}, { part: ChatCompletionContentPart }, { part: UserContentPart }>>,
  Assert<AssignableBut<{}, CreateChatCompletionResponse, ChatCompletion>>,
  Assert<AssignableBut<{}, ChatCompletion, CreateChatCompletionResponse>>,
  Assert<AssignableBut<{}, ChatChoice, ChatCompletion.Choice>>,
  Assert<AssignableBut<{}, ChatCompletion.Choice, ChatChoice>>,
  Assert<AssignableBut<{}, ResponseMessage, ChatCompletionMessage>>,
  Assert<AssignableBut<{}, ChatCompletionMessage, ResponseMessage>>,
  Assert<AssignableBut<{}, TokenLogprob, ChatCompletionTokenLogprob>>,
  Assert<AssignableBut<{}, ChatCompletionTokenLogprob, TokenLogprob>>,
  Assert<AssignableBut<{}, CreateChatCompletionStreamResponse, ChatCompletionChunk>>,
  Assert<AssignableBut<{}, ChatCompletionChunk, CreateChatCompletionStreamResponse>>,
  Assert<AssignableBut<{}, ChatChunkChoice, ChatCompletionChunk.Choice>>,
  Assert<AssignableBut<{}, ChatCompletionChunk.Choice, ChatChunkChoice>>,
  Assert<AssignableBut<{}, ChatDelta, ChatCompletionChunk.Choice.Delta>>,
  Assert<AssignableBut<{}, ChatCompletionChunk.Choice.Delta, ChatDelta>>,
  Assert<AssignableBut<{}, CompletionUsage, SdkUsage>>,
  Assert<AssignableBut<{}, SdkUsage, CompletionUsage>>,
];
