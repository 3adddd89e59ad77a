/** Output formats as fields of a chat request, and free text to compare them with. */

export interface OutputFormat {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export const FREE_TEXT: OutputFormat = { name: "free text", parameters: {} };

const text = { type: "string" };

/** Objects in arrays in objects, so long that it is not full before the answer is as long as is measured. */
const STORY = {
  type: "object",
  properties: {
    title: text,
    chapters: {
      type: "array",
      minItems: 16,
      items: {
        type: "object",
        properties: {
          place: {
            type: "object",
            properties: { name: text, floor: { type: "integer" } },
            required: ["name", "floor"],
          },
          mood: { enum: ["calm", "stormy", "bright"] },
          people: { type: "array", minItems: 2, items: text },
        },
        required: ["place", "mood", "people"],
      },
    },
  },
  required: ["title", "chapters"],
};

const STORY_TOOL = {
  type: "function",
  function: { name: "write_story", description: "Writes a story.", parameters: STORY },
};

export const OUTPUT_FORMATS: readonly OutputFormat[] = [
  { name: "json_object", parameters: { response_format: { type: "json_object" } } },
  {
    name: "json_schema, nested",
    parameters: { response_format: { type: "json_schema", json_schema: { name: "story", schema: STORY } } },
  },
  {
    name: "a tool that must be called",
    parameters: { tools: [STORY_TOOL], tool_choice: { type: "function", function: { name: "write_story" } } },
  },
  { name: "logprobs", parameters: { logprobs: true } },
  { name: "logprobs, top_logprobs 20", parameters: { logprobs: true, top_logprobs: 20 } },
];
