/** Calls to local models, for core's own tests: the request has the model's name, as on the wire. */

import type { AiService } from "../ai-service.ts";
import type { Calls } from "../call-kind.ts";
import type { AuthorisedCall } from "../call.ts";
import { chatCalls } from "../services/chat-service.ts";
import { completionCalls } from "../services/completion-service.ts";
import { embeddingCalls } from "../services/embedding-service.ts";

/** A request with the model's id, name or `default`. */
export type Named<Request> = Request & { readonly model: string };

export const serveChat = serveLocally(chatCalls);
export const serveCompletion = serveLocally(completionCalls);
export const serveEmbedding = serveLocally(embeddingCalls);

function serveLocally<Request, Run>(calls: Calls<Request, Run>) {
  return async (service: AiService, call: AuthorisedCall, { model, ...request }: Named<Request>): Promise<Run> => {
    const routed = service.route(call, calls, model);
    if (routed.route === "upstream") throw new Error("The model is not local.");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is left of a named request without its name
    return routed.run(request as Request);
  };
}
