/** A model that a server offers. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";

/** The name of a model. Any string: a server names its own models, so upstream's list is never enforced. */
export const modelIdSchema = z.string().min(1);

export const modelSchema = openObject({
  id: modelIdSchema.describe("The name to send as `model` in a request."),
  created: unixTimeSchema,
  object: z.literal("model"),
  owned_by: z.string().describe("Who made or serves the model."),
  shutdown_date: z.string().nullish().describe("The day on which the model ends, as `YYYY-MM-DD`."),
}).meta({ id: "Model" });
export type Model = z.infer<typeof modelSchema>;
