/** The catalogue of mutants. */

import { authMutants } from "./auth.ts";
import { chatCompletionMutants } from "./chat-completion.ts";
import { chatRequestMutants } from "./chat-requests.ts";
import { chatStreamMutants } from "./chat-stream.ts";
import { errorMutants } from "./errors.ts";
import { httpMutants } from "./http.ts";
import { modelMutants } from "./models.ts";
import type { Mutant } from "./mutant.ts";
import { sseMutants } from "./sse.ts";

export const mutants: readonly Mutant[] = [
  ...modelMutants,
  ...chatCompletionMutants,
  ...chatRequestMutants,
  ...chatStreamMutants,
  ...sseMutants,
  ...authMutants,
  ...errorMutants,
  ...httpMutants,
];
