/** Every check of the suite, in the order in which reports show them. The only file of `src/` that knows the checks. */

import { checks } from "../checks/index.ts";
import type { Check } from "./check.ts";

export const allChecks: readonly Check[] = checks;
