/**
 * What the specification documents and no check exercises, each with the reason. Reviewed by hand; a row that matches
 * nothing uncovered is stale, and an error.
 */

export interface CoverageExclusion {
  /** Of items as `coverage.ts` names them. */
  readonly pattern: RegExp;
  readonly reason: string;
  /** Whether it may match nothing: what it is about is still being built. Default false. */
  readonly isEarly?: boolean;
}

export const COVERAGE_EXCLUSIONS: readonly CoverageExclusion[] = [
  {
    pattern: /^\w*(?:Response|Conversation|InputItem|InputToken)\w* /i,
    reason: "The Responses API: its checks come with its operations.",
    isEarly: true,
  },
  {
    pattern: /^(?!create)\w+ChatCompletions?(?:Messages)? (?:400|404|413|415|429)$/,
    reason:
      "Of stored chats the refusals that have nothing to do with being stored are judged on createChatCompletion.",
  },
  {
    pattern: /^\S+ 408$/,
    reason: "A body has to be sent more slowly than the server waits, and no target says how long that is.",
  },
  {
    pattern: /^\S+ 500$/,
    reason: "The server's own fault: no request may lead to it, and each check fails where one does.",
  },
  {
    pattern: /^\S+ 501$/,
    reason: "A target without the operation makes its checks not-testable (weak-models.test.ts).",
  },
  {
    pattern: /^(?!createChatCompletion)\S+ 503$/,
    reason: "Overload is 429 or 503, as the server likes, and the reference server says 429 (limits.overload.*).",
  },
  {
    pattern: /^(?:createCompletion|createEmbedding|createSpeech|create-realtime-client-secret) 413$/,
    reason: "The fixture `body_bytes_max` is the limit of a chat request (limits.body.refused).",
  },
  {
    pattern: /^(?:createCompletion|createEmbedding|createSpeech|create-realtime-client-secret) 415$/,
    reason: "A content type that is no JSON is a hole for web pages, judged on chat alone (errors.input.content-type).",
  },
  {
    pattern: /^(?:listModels|retrieveModel|create-realtime-client-secret) 429$/,
    reason: "They use no model: whether they count against a rate limit is the server's choice.",
  },
  {
    pattern: /^realtime server (?:response|mcp_call|mcp_list_tools|output_audio_buffer|rate_limits)\b/,
    reason: "Answers of a model in a session: the suite opens sessions for transcription alone.",
  },
  {
    pattern: /^realtime server conversation\.item\.(?:deleted|retrieved|truncated)$/,
    reason: "Answers to those messages.",
  },
  {
    pattern: /^realtime server conversation\.(?:created|item\.created)$/,
    reason: "Events of the beta protocol, which the present one replaced (realtime.beta.*, realtime.turn.item-events).",
  },
  {
    pattern: /^realtime server conversation\.item\.input_audio_transcription\.failed$/,
    reason: "No audio makes a sound server fail; realtime.turn.ends-once accepts it as an end.",
  },
  {
    pattern: /^realtime server conversation\.item\.input_audio_transcription\.segment$/,
    reason: "Of models that tell speakers apart, which no role of a target names.",
  },
  {
    pattern: /^realtime server input_audio_buffer\.(?:dtmf_event_received|timeout_triggered)$/,
    reason: "Of telephone calls, and of an idle timeout before an answer of a model.",
  },
];
