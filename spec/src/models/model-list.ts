/** The answer of `GET /models`: every model at once, without pages. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { modelSchema } from "./model.ts";

export const listModelsResponseSchema = openObject({
  object: z.literal("list"),
  data: z.array(modelSchema),
}).meta({ id: "ListModelsResponse" });
export type ListModelsResponse = z.infer<typeof listModelsResponseSchema>;
