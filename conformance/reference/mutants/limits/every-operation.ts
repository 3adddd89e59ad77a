/** Operations on which the limit of requests, or the slots of a model, were forgotten. */

import { BILLED_CALLS } from "../../../checks/support/billed-calls.ts";
import { type Mutant, releaseFrom } from "../mutant.ts";

const realtimeMutant: Mutant = {
  id: "rate.forgotten-realtime",
  description: "realtime: sessions are not limited",
  intended: ["limits.rate.realtime"],
  mutate: ({ realtime }) => ({ realtime: { ...realtime, isLimited: () => false } }),
};

const operationMutants = BILLED_CALLS.flatMap((billed) => [
  releaseFrom(
    {
      id: `rate.forgotten-${billed.slug}`,
      description: `${billed.slug}: calls are not limited`,
      intended: [billed.slug === "chat" ? "limits.rate.refused" : `limits.rate.${billed.slug}`],
    },
    "limit",
    billed,
  ),
  releaseFrom(
    {
      id: `overload.forgotten-${billed.slug}`,
      description: `${billed.slug}: calls take no slot`,
      intended: [billed.slug === "chat" ? "limits.overload.refused" : `limits.overload.${billed.slug}`],
    },
    "slot",
    billed,
  ),
]);

export const limitedOperationMutants: readonly Mutant[] = [...operationMutants, realtimeMutant];
