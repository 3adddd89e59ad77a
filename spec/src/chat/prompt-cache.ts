/** Hints on what of a prompt a server should keep for the next call. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

/** Marks a content part as the end of a prefix that is worth keeping. */
export const promptCacheBreakpointSchema = openObject({
  mode: z.literal("explicit"),
  ttl: z.enum(["30m", "12h"]).nullish(),
}).meta({ id: "PromptCacheBreakpointParam" });

/** How the server should choose what it keeps, and for how long. */
export const promptCacheOptionsSchema = openObject({
  ttl: z.enum(["30m"]).nullish(),
  mode: z.enum(["implicit", "explicit"]).nullish(),
}).meta({ id: "PromptCacheOptionsParam" });
