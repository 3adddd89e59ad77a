/** Labels that a caller attaches to an object. */
import { z } from "zod";

/** The most labels that one object carries. */
export const METADATA_PAIRS_MAX = 16;

/** Up to 16 labels; keys of up to 64 and values of up to 512 characters. */
export const metadataSchema = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_PAIRS_MAX, {
    error: `Too many properties: expected at most ${METADATA_PAIRS_MAX}`,
  })
  .meta({ id: "Metadata", maxProperties: METADATA_PAIRS_MAX });
export type Metadata = z.infer<typeof metadataSchema>;
