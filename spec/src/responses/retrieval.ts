/** What a stored response is asked for by: its id, and the parameters of its query. */
import { z } from "zod";
import { includeSchema } from "./options.ts";

export const responseIdSchema = z.string().min(1).describe("The id of a stored response.");

export const getResponseParameters = {
  include: z
    .array(includeSchema)
    .optional()
    .describe("Fields beyond the usual ones, each as `include[]=field`. Whatever is stored is in the answer anyway."),
};
