/** An item as lists show it: each has an id, whatever it was sent with. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { pageFields, pageParameters } from "../shared/page.ts";
import { messageContentPartSchema, toolOutputSchema } from "./content-part.ts";
import { includeSchema } from "./options.ts";
import { reasoningTextSchema, summaryTextSchema } from "./output-item.ts";

const status = z.enum(["in_progress", "completed", "incomplete"]);
const id = z.string();
const call = { id, call_id: z.string(), status: status.nullish() };

export const itemMessageSchema = openObject({
  id,
  type: z.literal("message"),
  role: z.enum(["unknown", "user", "assistant", "system", "critic", "discriminator", "developer", "tool"]),
  content: z.array(
    z.union([
      messageContentPartSchema,
      openObject({ type: z.enum(["text", "summary_text", "reasoning_text", "computer_screenshot"]) }),
    ]),
  ),
  phase: z.enum(["commentary", "final_answer"]).nullish(),
  status,
}).meta({ id: "Message" });

/** Items of hosted tools, and of a server of its own. */
const otherItemSchema = openObject({
  id,
  type: z
    .string()
    .regex(
      /^(?!(?:message|(?:function|custom_tool)_call(?:_output)?|reasoning|compaction|item_reference)$)[\w-]{1,64}$/,
    ),
});

export const itemSchema = z
  .union([
    z.discriminatedUnion("type", [
      itemMessageSchema,
      openObject({ ...call, type: z.literal("function_call"), name: z.string(), arguments: z.string() }),
      openObject({ ...call, type: z.literal("function_call_output"), output: toolOutputSchema }),
      openObject({ ...call, type: z.literal("custom_tool_call"), name: z.string(), input: z.string() }),
      openObject({ ...call, type: z.literal("custom_tool_call_output"), output: toolOutputSchema }),
      openObject({
        id,
        type: z.literal("reasoning"),
        summary: z.array(summaryTextSchema).nullish(),
        content: z.array(reasoningTextSchema).nullish(),
        encrypted_content: z.string().nullish(),
        status: status.nullish(),
      }),
      openObject({ id, type: z.literal("compaction"), encrypted_content: z.string() }),
    ]),
    otherItemSchema,
  ])
  .meta({ id: "ItemResource" });
export type Item = z.infer<typeof itemSchema>;

export const itemListSchema = openObject({ ...pageFields, data: z.array(itemSchema) }).meta({ id: "ResponseItemList" });
export type ItemList = z.infer<typeof itemListSchema>;

/** Of a query: fields of items that are left out unless they are named. */
export const includeParameter = {
  include: z.array(includeSchema).optional().describe("Fields of items that are shown only when they are named here."),
};

export const itemPageParameters = { ...pageParameters, ...includeParameter };
