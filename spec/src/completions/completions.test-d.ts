/** Our completion types against those of the official SDK, in both directions. */
import type { Completion, CompletionChoice as SdkChoice, CompletionCreateParams } from "openai/resources/completions";
import type { Assert, AssignableBut } from "../shared/type-check.ts";
import type { CompletionChunkChoice, CreateCompletionStreamResponse } from "./chunk.ts";
import type { CreateCompletionRequest } from "./request.ts";
import type { CompletionChoice, CompletionLogprobs, CreateCompletionResponse } from "./response.ts";

/** The SDK splits its parameters by `stream` and lists its own models beside "any string"; the wire has one body. */
type SdkRequest = Omit<CompletionCreateParams, "stream" | "model"> & { stream?: boolean | null; model: string };

interface FirstTokenGaps {
  readonly token_logprobs: "With `echo` the first token has no log probability; the SDK's type leaves the null out.";
  readonly top_logprobs: "As `token_logprobs`.";
}
interface ChoiceGaps {
  readonly logprobs: "See FirstTokenGaps.";
}
interface ChunkChoiceGaps extends ChoiceGaps {
  readonly finish_reason: "The SDK has one type for answer and event; every event but the last has a null here.";
}
interface ResponseGaps {
  readonly choices: "See ChoiceGaps and ChunkChoiceGaps.";
}
type Listed<Gaps> = { readonly [Key in keyof Gaps]: Gaps[Key] & string };

export type Tests = [
  Assert<AssignableBut<{}, CreateCompletionRequest, SdkRequest>>,
  Assert<AssignableBut<{}, SdkRequest, CreateCompletionRequest>>,
  Assert<AssignableBut<Listed<ResponseGaps>, CreateCompletionResponse, Completion>>,
  Assert<AssignableBut<{}, Completion, CreateCompletionResponse>>,
  Assert<AssignableBut<Listed<ChoiceGaps>, CompletionChoice, SdkChoice>>,
  Assert<AssignableBut<{}, SdkChoice, CompletionChoice>>,
  Assert<AssignableBut<Listed<FirstTokenGaps>, CompletionLogprobs, SdkChoice.Logprobs>>,
  Assert<AssignableBut<{}, SdkChoice.Logprobs, CompletionLogprobs>>,
  Assert<AssignableBut<Listed<ResponseGaps>, CreateCompletionStreamResponse, Completion>>,
  Assert<AssignableBut<{}, Completion, CreateCompletionStreamResponse>>,
  Assert<AssignableBut<Listed<ChunkChoiceGaps>, CompletionChunkChoice, SdkChoice>>,
  Assert<AssignableBut<{}, SdkChoice, CompletionChunkChoice>>,
];
