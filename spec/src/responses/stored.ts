/** Stored responses: those that were not made with `store: false`. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

/** OpenAI's document has no shape for it; its examples and its servers differ in `object`. */
export const responseDeletedSchema = openObject({
  id: z.string(),
  object: z.enum(["response", "response.deleted"]),
  deleted: z.boolean(),
}).meta({ id: "DeletedResponse" });
export type ResponseDeleted = z.infer<typeof responseDeletedSchema>;
