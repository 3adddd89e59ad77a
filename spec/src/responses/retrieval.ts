/** What a stored response is asked for by: its id, and the parameters of its query. */
import { z } from "zod";
import { includeSchema } from "./options.ts";

export const responseIdSchema = z.string().min(1).describe("The id of a stored response.");

export const getResponseParameters = {
  include: z
    .array(includeSchema)
    .optional()
    .describe("Fields beyond the usual ones, each as `include[]=field`. Whatever is stored is in the answer anyway."),
  stream: z.boolean().optional().describe("Whether to stream the events of a response with `background: true`."),
  starting_after: z.int().min(0).optional().describe("The number of the last event that the caller has already."),
  include_obfuscation: z.boolean().optional().describe("Whether pieces of text are padded. Default: false."),
};
