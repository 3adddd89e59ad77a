/**
 * Checks of what a request may hold: each form of input that clients send is accepted, and each part of it reaches the
 * model.
 */

import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { expectThat } from "../../src/expect.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import {
  expectResponseAccepted,
  requireInputTokens,
  requireResponse,
  type ResponseFields,
  RESPONSES,
} from "../support/response-calls.ts";

const QUESTION = { role: "user", content: SHORT_PROMPT };
const TIME_TOOL = { type: "function", name: "time", parameters: { type: "object", properties: {} } };
const CALL = { type: "function_call", call_id: "call_zq7301", name: "time", arguments: "{}" };
const OUTPUT = { type: "function_call_output", call_id: "call_zq7301", output: "12:00" };
const CUSTOM_TOOL = { type: "custom", name: "note", description: "Writes a note." };
const CUSTOM_CALL = { type: "custom_tool_call", call_id: "call_zq7302", name: "note", input: "rain" };
const CUSTOM_OUTPUT = { type: "custom_tool_call_output", call_id: "call_zq7302", output: "noted" };
const REASONING = { type: "reasoning", id: "rs_zq7303", summary: [], content: null, encrypted_content: null };

interface Form {
  readonly slug: string;
  readonly level?: Level;
  readonly requirement: string;
  /** Which client sends it. */
  readonly breaks: string;
  readonly fields: ResponseFields;
}

const ofTool = (...items: readonly object[]): ResponseFields => ({ tools: [TIME_TOOL], input: [QUESTION, ...items] });

export const FORMS: readonly Form[] = [
  {
    slug: "easy-message",
    requirement: "A message without `type`, with a role and a text, is accepted.",
    breaks: "The official SDKs' examples, openai-agents and the Vercel AI SDK send messages so.",
    fields: { input: [QUESTION] },
  },
  {
    slug: "typed-message",
    requirement: "A message with its type and parts of `input_text` is accepted.",
    breaks: "Codex, LangChain and the Vercel AI SDK send messages so.",
    fields: { input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hello." }] }] },
  },
  {
    slug: "developer-message",
    requirement: "Messages of the roles `developer` and `system` are accepted.",
    breaks: "Codex sends its instructions as a developer message when it does not know the model.",
    fields: {
      input: [
        { type: "message", role: "developer", content: [{ type: "input_text", text: "Be brief." }] },
        { role: "system", content: "Be polite." },
        QUESTION,
      ],
    },
  },
  {
    slug: "assistant-message",
    requirement: "An earlier answer is accepted as it was sent: its id, its status and parts of `output_text`.",
    breaks: "openai-agents and Codex send the whole conversation again with each turn.",
    fields: {
      input: [
        QUESTION,
        {
          id: "msg_zq7304",
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "The sea is wide.", annotations: [], logprobs: [] }],
        },
        { role: "user", content: SHORT_PROMPT },
      ],
    },
  },
  {
    slug: "easy-assistant-message",
    requirement: "An earlier answer is accepted as a role and a text.",
    breaks: "Programs that keep a conversation as roles and texts, as the document's examples do.",
    fields: {
      input: [QUESTION, { role: "assistant", content: "The sea is wide." }, { role: "user", content: SHORT_PROMPT }],
    },
  },
  {
    slug: "function-call",
    requirement: "A call of a function without an id, and its output, are accepted.",
    breaks: "The Vercel AI SDK sends calls without their ids.",
    fields: ofTool(CALL, OUTPUT),
  },
  {
    slug: "function-call-with-id",
    requirement: "A call of a function with an id and a status, and its output with both, are accepted.",
    breaks: "openai-agents and Codex send calls so.",
    fields: ofTool(
      { ...CALL, id: "fc_zq7305", status: "completed" },
      { ...OUTPUT, id: "fco_zq7306", status: "completed" },
    ),
  },
  {
    slug: "function-output-parts",
    requirement: "The output of a function may be a list of parts.",
    breaks: "Codex and MCP clients send parts (ggml-org/llama.cpp#23465).",
    fields: ofTool(CALL, { ...OUTPUT, output: [{ type: "input_text", text: "12:00" }] }),
  },
  {
    slug: "parallel-calls",
    requirement: "Two calls after each other, and their outputs, are accepted.",
    breaks: "Agents that call tools in parallel send both calls before the outputs.",
    fields: ofTool(CALL, { ...CALL, call_id: "call_zq7307" }, OUTPUT, { ...OUTPUT, call_id: "call_zq7307" }),
  },
  {
    slug: "reasoning-item",
    requirement: "An item of reasoning is accepted with `content` and `encrypted_content` that are null.",
    breaks: "Codex sends reasoning so in each turn.",
    fields: { input: [QUESTION, REASONING, { role: "assistant", content: "The sea is wide." }, QUESTION] },
  },
  {
    slug: "custom-tool-call",
    level: "should",
    requirement: "A call of a custom tool, and its output, are accepted.",
    breaks: "Codex with a model of OpenAI's names, and LangChain, send such items (ollama/ollama#17673).",
    fields: { tools: [CUSTOM_TOOL], input: [QUESTION, CUSTOM_CALL, CUSTOM_OUTPUT] },
  },
  {
    slug: "empty-text-options",
    requirement: "`text` may be an empty object.",
    breaks: "LangChain sends it with every request.",
    fields: { text: {} },
  },
  {
    slug: "included-encrypted-reasoning",
    requirement: "`include` may ask for the encrypted reasoning of any model.",
    breaks: "Codex asks for it in every request, whatever the model.",
    fields: { include: ["reasoning.encrypted_content"] },
  },
  {
    slug: "empty-include",
    requirement: "`include` may be an empty list.",
    breaks: "openai-agents sends it.",
    fields: { include: [] },
  },
  {
    slug: "unknown-keys",
    requirement: "Keys that the server does not know are ignored.",
    breaks: "Codex sends `client_metadata`, and each version of the SDKs sends new keys.",
    fields: { client_metadata: { session: "zq-7308" }, prompt_cache_key: "zq-7309", conformance_unknown: 1 },
  },
  {
    slug: "null-is-omitted",
    requirement: "An optional key that is null counts as left out.",
    breaks: "Typed clients write null for what they leave out.",
    fields: {
      instructions: null,
      temperature: null,
      tools: null,
      text: null,
      metadata: null,
      previous_response_id: null,
    },
  },
  {
    slug: "store-false",
    requirement: "A request with `store: false` is answered.",
    breaks: "Codex sends it with every request.",
    fields: { store: false },
  },
  {
    slug: "reasoning-summary",
    requirement: "`reasoning` with a summary is accepted by a model that does not reason.",
    breaks: "Codex sends `reasoning.summary` whatever the model.",
    fields: { reasoning: { summary: "auto" } },
  },
  {
    slug: "hosted-tools-are-skipped",
    requirement: "A tool that the server can't run is left out, not refused, when the model may choose.",
    breaks: "Codex offers `web_search` in every request (ggml-org/llama.cpp#20156).",
    fields: { tools: [TIME_TOOL, { type: "web_search", external_web_access: true }], tool_choice: "auto" },
  },
  {
    slug: "namespace-tools",
    requirement: "A namespace of functions is accepted among the tools.",
    breaks: "Codex offers one in every request; MCP servers come as namespaces.",
    fields: {
      tools: [{ type: "namespace", name: "clock", description: "Times.", tools: [{ ...TIME_TOOL, strict: false }] }],
      tool_choice: "auto",
    },
  },
  {
    slug: "schema-dialect",
    requirement: "The parameters of a function may name their dialect with `$schema`.",
    breaks: "The Vercel AI SDK writes `$schema` into every tool.",
    fields: {
      tools: [
        {
          ...TIME_TOOL,
          strict: false,
          parameters: { $schema: "http://json-schema.org/draft-07/schema#", ...TIME_TOOL.parameters },
        },
      ],
      tool_choice: "auto",
    },
  },
];

const formChecks = FORMS.map(({ slug, level = "must", requirement, breaks, fields }) =>
  defineCheck({
    ...RESPONSES,
    id: `responses.input.${slug}`,
    level,
    requirement,
    reference: "OpenAPI CreateResponse; openai-node resources/responses/responses.ts",
    breaks,
    async run(context) {
      await expectResponseAccepted(context, fields);
    },
  }),
);

/** Many tokens in any vocabulary. */
export const WORDS = "The night is long, the rain is cold, and the wind comes over the hills. ".repeat(6).trim();
const LEAST_TOKENS = 24;

interface Carrier {
  readonly slug: string;
  readonly what: string;
  /** A request in which this text is the only thing that differs. */
  readonly compose: (text: string) => ResponseFields;
}

export const CARRIERS: readonly Carrier[] = [
  { slug: "instructions", what: "`instructions`", compose: (instructions) => ({ instructions }) },
  { slug: "text", what: "an input that is a text", compose: (input) => ({ input }) },
  { slug: "user", what: "a user's message", compose: (content) => ({ input: [{ role: "user", content }] }) },
  {
    slug: "parts",
    what: "every part of a message",
    compose: (text) => ({
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Read this." },
            { type: "input_text", text },
          ],
        },
      ],
    }),
  },
  ...["system", "developer", "assistant"].map((role) => ({
    slug: role,
    what: `a message of the role \`${role}\``,
    compose: (content: string) => ({ input: [QUESTION, { role, content }, { role: "user", content: SHORT_PROMPT }] }),
  })),
  {
    slug: "function-output",
    what: "the output of a function",
    compose: (output) => ofTool(CALL, { ...OUTPUT, output }),
  },
  {
    slug: "function-output-parts",
    what: "each part of the output of a function",
    compose: (text) =>
      ofTool(CALL, {
        ...OUTPUT,
        output: [
          { type: "input_text", text: "It says:" },
          { type: "input_text", text },
        ],
      }),
  },
];

const carrierChecks = CARRIERS.map(({ slug, what, compose }) =>
  defineCheck({
    ...RESPONSES,
    id: `responses.input.counts-${slug}`,
    requirement: `The text of ${what} reaches the model, and is counted among the tokens of the input.`,
    reference: "OpenAPI ResponseUsage.input_tokens; lmstudio-ai/lmstudio-bug-tracker#1154",
    breaks: "The model answers without knowing what it was told, and nothing says so.",
    async run(context) {
      const short = requireInputTokens(await requireResponse(context, compose("Rain.")));
      const long = requireInputTokens(await requireResponse(context, compose(WORDS)));
      expectThat(long - short >= LEAST_TOKENS, {
        observer: "wire",
        expected: `at least ${LEAST_TOKENS} more input tokens for ${WORDS.length} characters more`,
        actual: `${short} and ${long} input tokens`,
      });
    },
  }),
);

export const responseInputChecks: readonly Check[] = [...formChecks, ...carrierChecks];
