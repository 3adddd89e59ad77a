/** What bounds the native surface. */

import { z } from "zod";
import { count } from "../../settings/units.ts";

export const nativeSchema = z.strictObject({
  batchCallsMax: count.default(10).describe("Calls in one batch of the native surface; a larger batch gets 400."),
});

export type NativeSettings = z.output<typeof nativeSchema>;
