/** Operations that an account without credit may use, or that are never paid for. */

import { BILLED_CALLS, type BilledSlug } from "../../../checks/support/billed-calls.ts";
import { type Mutant, releaseFrom } from "../mutant.ts";

/** Chat has checks of its own, some of which pay in one way and ask in the other. */
const UNCOVERED: Readonly<Partial<Record<BilledSlug, readonly string[]>>> = {
  chat: ["billing.no-credit.refused", "billing.parallel.exact", "billing.stream.charged"],
  "chat-stream": ["billing.no-credit.stream", "billing.left.charged"],
};
const UNCHARGED: Readonly<Partial<Record<BilledSlug, readonly string[]>>> = {
  chat: ["billing.parallel.exact"],
  "chat-stream": ["billing.stream.charged", "billing.left.charged"],
};

export const billedOperationMutants: readonly Mutant[] = BILLED_CALLS.flatMap((billed) => {
  const { slug } = billed;
  return [
    releaseFrom(
      {
        id: `billing.not-covered-${slug}`,
        description: `${slug}: calls are let in whatever the account has left`,
        intended: UNCOVERED[slug] ?? [`billing.no-credit.${slug}`, `billing.charged.${slug}`],
      },
      "credits",
      billed,
    ),
    releaseFrom(
      {
        id: `billing.not-charged-${slug}`,
        description: `${slug}: answers cost nothing`,
        intended: UNCHARGED[slug] ?? [`billing.charged.${slug}`],
      },
      "charge",
      billed,
    ),
  ];
});
