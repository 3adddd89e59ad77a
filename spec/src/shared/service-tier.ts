/** The processing tier that a caller asks for and an answer reports. */
import { z } from "zod";

export const serviceTierSchema = z
  .enum(["auto", "default", "flex", "scale", "priority", "fast"])
  .meta({ id: "ServiceTier" });
export type ServiceTier = z.infer<typeof serviceTierSchema>;
