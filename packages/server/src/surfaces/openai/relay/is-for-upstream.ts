/** Who serves a chat request: looked up before the request is decoded, because an upstream decodes its own. */

import type { AiService, ModelType } from "@openai-compat/core";
import type { JsonBody } from "../../../http/read-body.ts";

/** False for a model that is not there, and for a body without one: the usual way then says what is wrong. */
export function isForUpstream({ value }: JsonBody, service: AiService, type: ModelType): boolean {
  if (typeof value !== "object" || value === null || !("model" in value)) return false;
  return typeof value.model === "string" && service.isRelayed(value.model, type);
}
