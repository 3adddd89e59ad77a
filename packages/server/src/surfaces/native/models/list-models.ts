/** The models of the service as the native surface describes them. */

import type { AiService, AuthorisedCall } from "@openai-compat/core";
import type { NativeModel } from "@openai-compat/spec";

export function listNativeModels(service: AiService, call: AuthorisedCall): NativeModel[] {
  return service.listModels(call).map(({ id, name, type, ownedBy, createdAtMs, isDefault }) => ({
    id,
    name,
    type,
    ownedBy,
    isDefault,
    createdAtMs,
  }));
}
