/** Pages of a list: what is asked for in the query, and what every page says. */
import { z } from "zod";

/** The most elements of a page. */
export const PAGE_LIMIT_MAX = 100;
export const PAGE_LIMIT_DEFAULT = 20;

export const pageParameters = {
  after: z.string().optional().describe("The id of the last element of the page before."),
  limit: z
    .int()
    .min(1)
    .max(PAGE_LIMIT_MAX)
    .optional()
    .describe(`The most elements of the page. Default: ${PAGE_LIMIT_DEFAULT}.`),
  order: z.enum(["asc", "desc"]).optional().describe("Whether the oldest or the newest element comes first."),
};

/** Beside `data`. The ids are `null` on an empty page. */
export const pageFields = {
  object: z.literal("list"),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
};
