/** The engine kind `scripted`: fixed texts without a model. */

import { z } from "zod";

export const scriptedSettings = z.strictObject({
  kind: z.literal("scripted").describe("Fixed texts without a model, for tests."),
});
