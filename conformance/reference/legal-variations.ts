/**
 * Generated faults that are none: the reviewed list of places where the document lets a server do so, or where nothing
 * that a client could see changes. A pattern is an id with `*` for any run of characters. Each entry says why; one that
 * matches nothing is an error.
 */

export interface Exclusion {
  readonly pattern: string;
  readonly reason: string;
}

/** Parameters that steer nothing which an answer has to show. */
const HINTS = [
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prompt_cache_options",
  "metadata",
  "store",
  "service_tier",
  "moderation",
  "verbosity",
  "reasoning_effort",
  "prediction",
  "web_search_options",
  // Text is what a model writes anyway; how to speak says something about spoken answers alone.
  "modalities",
  "audio",
] as const;

/** What a form asks of the model: no answer has to show that it was read, and no model is judged. */
const HEARING_HINTS = [
  "chunking_strategy",
  "include",
  "keywords",
  "known_speaker_names",
  "known_speaker_references",
  "language",
  "languages",
  "prompt",
  "temperature",
] as const;

const AUDIO: readonly Exclusion[] = [
  ...["speech", "transcriptions"].flatMap((name) => [
    {
      pattern: `${name}.stream.framing.all-at-once`,
      reason: "a voice or a listener may be done with all of it before it says any: the document gives no times",
    },
    {
      pattern: `${name}.stream.event.done.dropped`,
      reason: "the document ends the stream with an event of its own, and has no sentinel after it",
    },
  ]),
  ...HEARING_HINTS.flatMap((name) => [
    {
      pattern: `trans*.parameter.${name}.ignored`,
      reason: `\`${name}\` is a hint to the model, or for models that the target need not have`,
    },
  ]),
  ...["response_format", "timestamp_granularities"].map((name) => ({
    pattern: `transcriptions.stream.parameter.${name}.ignored`,
    reason: "the events of a stream are the same for every format",
  })),
  {
    pattern: "speech.*.parameter.instructions.ignored",
    reason: "how a voice follows instructions is the model's: no answer has to show that they were read",
  },
  {
    pattern: "speech.*.text.request-non-ascii-*",
    reason: "what a voice makes of letters that its language lacks is the voice's",
  },
  {
    pattern: "trans*.text.answer-*",
    reason: "no recording is heard as text beyond ASCII by every model: nothing in these answers differs",
  },
  {
    pattern: "trans*.field.segments*.tokens*",
    reason: "the numbers of tokens are the model's own",
  },
  ...["seek", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob"].map((name) => ({
    pattern: `trans*.field.segments[].${name}.value`,
    reason: `any number of its range is a \`${name}\` that a model can have`,
  })),
  {
    pattern: "trans*.field.language.value",
    reason: "which language a model hears is the model's",
  },
  {
    pattern: "transcriptions.body.field.usage.absent",
    reason: "the document does not require `usage`",
  },
];

/** Of a request for a response: for the server's books, for its own cache, or a hint to the model. */
const RESPONSE_HINTS = [
  "user",
  "prompt_cache_retention",
  "prompt_cache_options",
  "service_tier",
  "moderation",
  "reasoning",
  "context_management",
  "stream_options",
] as const;

/** Null or absent where nothing was asked for: the document lets both be. */
const RESPONSE_NULLS = [
  "background",
  "completed_at",
  "max_output_tokens",
  "max_tool_calls",
  "previous_response_id",
  "prompt_cache_key",
  "reasoning",
  "safety_identifier",
  "service_tier",
] as const;

const RESPONSES: readonly Exclusion[] = [
  ...RESPONSE_HINTS.map((name) => ({
    pattern: `responses.*.parameter.${name}.ignored`,
    reason: `\`${name}\` is for the server's books, or a hint: no answer has to show that it was read`,
  })),
  ...["ignored", "refused"].map((operator) => ({
    pattern: `responses.*.parameter.prompt.${operator}`,
    reason: "a template is made by other means than this API, so that no check can name one",
  })),
  ...RESPONSE_NULLS.flatMap((name) =>
    ["absent", "null"].map((operator) => ({
      pattern: `responses.body.field.${name}.${operator}`,
      reason: `the document does not require \`${name}\`, or lets it be null`,
    })),
  ),
  {
    pattern: "responses.stream.field.*:logprobs[].*bytes*",
    reason: "the document has no bytes in the events of a text",
  },
  {
    pattern: "responses*usage.input_tokens_details.*.value*",
    reason: "how much of an input a server keeps in a cache, or writes to it, is the server's",
  },
  {
    pattern: "stored-chats-delete.body.framing.latin1",
    reason: "ids are ASCII, of which Latin-1 and UTF-8 make the same bytes",
  },
  ...["get", "update", "delete", "messages"].map((name) => ({
    pattern: `stored-chats-${name}.refusal.field.error.param.null`,
    reason: "`param` is nullable: a path has no parameters",
  })),
  {
    pattern: "stored-chats-list.refusal.field.error.param.null",
    reason: "`param` is nullable",
  },
];

/** Operations on what a server keeps that take `include`. */
const INCLUDING = [
  "responses-get",
  "responses-input-items",
  "conversation-items",
  "conversation-items-list",
  "conversation-items-get",
] as const;

const KEPT: readonly Exclusion[] = [
  ...INCLUDING.map((name) => ({
    pattern: `${name}.body.query.include.ignored`,
    reason: "it names fields that a server may have no values of, or show anyway",
  })),
  {
    pattern: "responses-get.*.query.include_obfuscation.ignored",
    reason: "whether pieces of text are padded changes nothing that a client shows, and a server need not pad any",
  },
];

const REALTIME: readonly Exclusion[] = [
  ...["answered-401", "answered-403"].map((operator) => ({
    pattern: `realtime.credential.*.${operator}`,
    reason: "401 and 403 before the upgrade are the same for every client of a WebSocket",
  })),
  {
    pattern: "realtime.upgrade.status-*",
    reason: "a target that answers no request for an upgrade with 101 has no realtime, and need not have it",
  },
  {
    pattern: "realtime.rule.rate.dropped",
    reason: "a server may take another sample rate, which it tells in the session",
  },
  {
    pattern: "realtime.event.input_audio_buffer.speech_started.late",
    reason: "it still comes before the end of the speech: a detector may take as long",
  },
  ...["audio*", "include*", "model", "output_modalities*"].flatMap((name) =>
    ["absent", "null", "value"].map((operator) => ({
      pattern: `realtime.field.session.created:session.${name}.${operator}`,
      reason: "what a session begins with is the server's, and the document requires none of it",
    })),
  ),
  ...["audio*", "include*", "instructions", "model", "output_modalities*", "tool_choice*", "tools*"].flatMap((name) =>
    ["absent", "null"].map((operator) => ({
      pattern: `realtime.field.session.updated:session.${name}.${operator}`,
      reason: "the document requires none of it: what has no effect may be left out of the session",
    })),
  ),
  ...["created", "updated"].map((kind) => ({
    pattern: `realtime.field.session.${kind}:session.expires_at.earlier`,
    reason: "the end of an earlier session is a time ahead too",
  })),
  ...["earlier", "of-another", "value"].map((operator) => ({
    pattern: `realtime.field.*:event_id.${operator}`,
    reason: "an id is any text that is unique in its session, and a session has one such event",
  })),
  ...["speech_started:audio_start_ms", "speech_stopped:audio_end_ms"].map((place) => ({
    pattern: `realtime.field.input_audio_buffer.${place}.value`,
    reason: "a millisecond more is within what detectors differ by",
  })),
  ...["added", "done"].flatMap((kind) => [
    ...["item.object", "item.status", "item.content[].transcript"].map((name) => ({
      pattern: `realtime.field.conversation.item.${kind}:${name}.absent`,
      reason: `the document does not require \`${name}\``,
    })),
    {
      pattern: `realtime.event.conversation.item.${kind}.swapped`,
      reason: "a text is made beside the conversation: its deltas may come before the item is done",
    },
  ]),
  ...["absent", "null"].map((operator) => ({
    pattern: `realtime.field.error:error.param.${operator}`,
    reason: "the document does not require `param`",
  })),
  {
    pattern: "realtime.field.error:error.message.*",
    reason: "the document gives no words for the message of an error",
  },
  ...[
    "noise_reduction*",
    "transcription.prompt",
    "transcription.keywords",
    "transcription.languages",
    "transcription.delay",
  ].map((name) => ({
    pattern: `realtime.parameter.audio.input.${name}.ignored`,
    reason: "a hint to the model, which has its effect or none",
  })),
  ...["threshold", "create_response", "interrupt_response", "idle_timeout_ms", "eagerness"].map((name) => ({
    pattern: `realtime.parameter.audio.input.turn_detection.${name}.ignored`,
    reason: "a session that only transcribes answers nobody, and detectors differ: it has its effect or none",
  })),
  ...["include", "instructions", "output_modalities", "model", "audio.output*", "tracing", "tools", "tool_choice*"].map(
    (name) => ({
      pattern: `realtime.parameter.${name}.ignored`,
      reason: "for answers, or for models that give probabilities, which a target need not have",
    }),
  ),
  ...["parallel_tool_calls", "reasoning*", "max_output_tokens", "truncation*", "prompt*"].map((name) => ({
    pattern: `realtime.parameter.${name}.ignored`,
    reason: "for answers, which a target need not give",
  })),
];

export const LEGAL_VARIATIONS: readonly Exclusion[] = [
  ...HINTS.flatMap((name) => [
    {
      pattern: `chat.*.parameter.${name}.ignored*`,
      reason: `\`${name}\` is for the server's books, or a hint: no answer has to show that it was read`,
    },
  ]),
  {
    pattern: "completions.*.parameter.user.ignored*",
    reason: "`user` is for the server's books: no answer has to show that it was read",
  },
  {
    pattern: "embeddings.body.parameter.user.ignored",
    reason: "`user` is for the server's books: no answer has to show that it was read",
  },
  ...AUDIO,
  ...RESPONSES,
  ...KEPT,
  ...REALTIME,
  { pattern: "*.refusal.field.error.message.value", reason: "the document gives no words for the message of an error" },
  {
    pattern: "*.body.parameter.stream.ignored*",
    reason: "`stream: false` is the default: a request without it is the same",
  },
  {
    pattern: "completions.*.parameter.suffix.refused",
    reason: "the reference refuses `suffix` by name itself: nothing changes",
  },
  {
    pattern: "*.body.parameter.stream_options.*",
    reason: "the document wants it beside `stream: true` alone: without one it may be refused, and has no effect",
  },
  {
    pattern: "*completed_at.earlier*",
    reason: "it counts seconds, and the answers of a check end within the same one: no value is wrong",
  },
  {
    pattern: "*created_at.earlier*",
    reason: "`created_at` counts seconds, and what a check makes is made within the same one: no value is wrong",
  },
  {
    pattern: "*created.earlier*",
    reason: "`created` counts seconds, and the answers of a check are made within the same one: no value is wrong",
  },
  {
    pattern: "*.credential.client-secret.answered-403",
    reason:
      "the document says of a client secret that it opens sessions, and not which of 401 and 403 anything else is",
  },
  {
    pattern: "models-*.body.framing.latin1",
    reason: "names of models are ASCII, of which Latin-1 and UTF-8 make the same bytes",
  },
  {
    pattern: "embeddings.body.framing.latin1",
    reason: "vectors and counts are ASCII, of which Latin-1 and UTF-8 make the same bytes",
  },
  { pattern: "*.logprobs.content[].*bytes.null*", reason: "`bytes` is nullable: tokens may have none" },
  {
    pattern: "chat.stream.field.*:choices[].logprobs.absent*",
    reason: "the document does not require `logprobs` in the choice of a chunk",
  },
  {
    pattern: "*.stream.field.*:usage.absent*",
    reason:
      "an empty `usage` is null or absent: the type of the official SDK has both, and the numbers come in an event of their own",
  },
  ...["*.stream.field.usage:choices.value", "chat.stream.field.finish:choices[].delta.value*"].map((pattern) => ({
    pattern,
    reason: "it is empty where it stands: there is no other value of its type to become",
  })),
  {
    pattern: "*.refusal.header.retry-after-ms.absent",
    reason: "`retry-after` says the same in seconds, and is the header that RFC 9110 has; the SDK reads either",
  },
  {
    pattern: "*.stream.header.cache-control.absent",
    reason:
      "the answer to a POST is not stored without a lifetime of its own (RFC 9111 section 3): no header is needed",
  },
  ...["absent*", "null*", "earlier*"].map((operator) => ({
    pattern: `chat.stream.field.start:choices[].delta.content.${operator}`,
    reason: "the first delta holds no text: '', null and absent are the same to who puts texts together",
  })),
  ...["function.arguments", "custom.input"].flatMap((member) =>
    ["absent*", "null*"].map((operator) => ({
      pattern: `chat.stream.field.call:choices[].delta.tool_calls[].${member}.${operator}`,
      reason: "the first piece of a call holds no input yet: '', null and absent are the same to who puts it together",
    })),
  ),
  {
    pattern: "chat.stream.field.call:choices[].delta.tool_calls[].id.value*",
    reason: "a server gives its calls the ids that it likes; that they differ is checked",
  },
  {
    pattern: "chat.body.field.choices[].message.tool_calls[].id.earlier",
    reason:
      "each call has the id that was made for the one before: after the first answer they all differ as they should",
  },
  {
    pattern: "chat.stream.field.error:error.message.value*",
    reason: "the document gives no words for the message of an error",
  },
  {
    pattern: "chat.stream.field.error:error.code.*",
    reason: "`code` is nullable, and the document names no codes for what breaks in the middle of a stream",
  },
  {
    pattern: "models-retrieve.refusal.field.error.param.null",
    reason: "`param` is nullable: a path has no parameters",
  },
  {
    pattern: "chat.stream.event.error.doubled",
    reason: "clients stop at the first error: the official SDK throws it and reads no more",
  },
];
