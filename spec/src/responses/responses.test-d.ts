/** Our types of responses against those of the official SDK. Every difference is listed with its reason. */
import type {
  CompactedResponse as SdkCompactedResponse,
  Response,
  ResponseCompactParams,
  ResponseCreateParams,
  ResponseCustomToolCall,
  ResponseFunctionToolCall,
  ResponseInputItem,
  ResponseOutputMessage,
  ResponseReasoningItem,
  ResponseStreamEvent as SdkStreamEvent,
  ResponseUsage as SdkUsage,
} from "openai/resources/responses/responses";
import type { Assert, AssignableBut } from "../shared/type-check.ts";
import type { CompactRequest, CompactedResponse } from "./compaction.ts";
import type { InputItem } from "./input-item.ts";
import type { OutputCustomToolCall, OutputFunctionCall, OutputMessage, OutputReasoning } from "./output-item.ts";
import type { CreateResponseRequest } from "./request.ts";
import type { ResponseObject, ResponseUsage } from "./response.ts";
import type { ResponseEvent, ResponseStreamEvent } from "./stream-event.ts";

/** The SDK splits its parameters by `stream` and lists its own models beside "any string"; the wire has one body. */
type SdkRequest = Omit<ResponseCreateParams, "stream" | "model"> & { stream?: boolean | null; model: string };

/** Its model may be null in the type; a request without a model is refused. */
type SdkCompactRequest = Omit<ResponseCompactParams, "model"> & { model: string };

/** But for outputs that name no call: what they answer can't be known. */
type SdkInputItem = Exclude<ResponseInputItem, ResponseInputItem.FunctionCallOutput>;

type WithStatus = {
  status: "the document's item has none, but other calls do";
};

type Image = { image: "how images are shown to a model of OpenAI's" };

/** Of programs and features that are OpenAI's own, which pass unread. */
type Unread = Image & { access_programs: "an admission to models that only OpenAI has" };

/** What only the SDK has: its own conveniences, and what a server may say about OpenAI's features. */
type ResponseOnly = Unread & {
  output_text: "the SDK's own sum of the texts; it is not on the wire";
  input_transformations: "of hosted reasoning";
  moderation: "of hosted moderation";
  prompt: "of templates, which are OpenAI's";
  prompt_cache_diagnostics: "of OpenAI's cache";
  prompt_cache_options: "of OpenAI's cache";
  prompt_cache_retention: "of OpenAI's cache";
  tool_usage: "of hosted tools";
  store: "the document has it in requests alone; Open Responses wants it in answers, too";
};

/** A call by a program that a hosted tool runs. */
type Hosted = {
  async: "of calls that a hosted tool waits for";
  caller: "of calls by a program of a hosted tool";
};

export type Tests = [
  Assert<
    AssignableBut<
      Unread & {
        input: "unknown fields of hosted items pass";
        prompt: "a template's variables are not looked into: it is refused";
        tools: "a hosted tool may be of any type";
        tool_choice: "may name a hosted tool of any type";
      },
      CreateResponseRequest,
      SdkRequest
    >
  >,
  Assert<
    AssignableBut<
      Unread & { input: "an output has to name the call that it answers: the SDK's type lets it be null" },
      SdkRequest,
      CreateResponseRequest
    >
  >,
  Assert<
    AssignableBut<{ item: "unknown fields of hosted items pass" }, { item: InputItem }, { item: ResponseInputItem }>
  >,
  Assert<AssignableBut<{}, { item: SdkInputItem }, { item: InputItem }>>,
  Assert<
    AssignableBut<
      ResponseOnly & {
        error: "a server may have codes of its own";
        incomplete_details: "a server may have reasons of its own";
        instructions: "items as in a request";
        output: "a server may have items of its own";
        tool_choice: "as in a request";
        tools: "as in a request";
        usage: "the SDK wants `cache_write_tokens`, which older servers do not send";
      },
      ResponseObject,
      Response
    >
  >,
  Assert<AssignableBut<ResponseOnly & { instructions: "items as in a request" }, Response, ResponseObject>>,
  Assert<AssignableBut<{ content: "annotations may be of any type" }, OutputMessage, ResponseOutputMessage>>,
  Assert<AssignableBut<{}, ResponseOutputMessage, OutputMessage>>,
  Assert<AssignableBut<Hosted, OutputFunctionCall, ResponseFunctionToolCall>>,
  Assert<AssignableBut<Hosted, ResponseFunctionToolCall, OutputFunctionCall>>,
  Assert<AssignableBut<Hosted & WithStatus, OutputCustomToolCall, ResponseCustomToolCall>>,
  Assert<AssignableBut<Hosted & WithStatus, ResponseCustomToolCall, OutputCustomToolCall>>,
  Assert<AssignableBut<{}, OutputReasoning, ResponseReasoningItem>>,
  Assert<AssignableBut<{}, ResponseReasoningItem, OutputReasoning>>,
  Assert<
    AssignableBut<
      { input_tokens_details: "the SDK wants `cache_write_tokens`, which older servers do not send" },
      ResponseUsage,
      SdkUsage
    >
  >,
  Assert<AssignableBut<{}, SdkUsage, ResponseUsage>>,
  Assert<
    AssignableBut<
      { event: "a part of it is a response, an item or a part" },
      { event: ResponseEvent },
      { event: SdkStreamEvent }
    >
  >,
  Assert<AssignableBut<{}, { event: SdkStreamEvent }, { event: ResponseStreamEvent }>>,
  Assert<
    AssignableBut<
      Image & {
        input: "unknown fields of hosted items pass";
        prompt_cache_options: "as in a response";
        service_tier: "as in a response";
      },
      CompactRequest,
      SdkCompactRequest
    >
  >,
  Assert<
    AssignableBut<
      Image & { input: "an output has to name the call that it answers: the SDK's type lets it be null" },
      SdkCompactRequest,
      CompactRequest
    >
  >,
  Assert<
    AssignableBut<
      Image & {
        output: "a message may be of a user: the SDK's type has those of the assistant alone";
        usage: "the SDK wants `cache_write_tokens`, which older servers do not send";
      },
      CompactedResponse,
      SdkCompactedResponse
    >
  >,
  Assert<
    AssignableBut<
      Image & { output: "lists show an id of each item: the SDK's type lets it be absent" },
      SdkCompactedResponse,
      CompactedResponse
    >
  >,
];
