/**
 * `POST /realtime/client_secrets`: a short-lived credential that a web page opens sessions with. It is the maker's
 * account's, transcribes and nothing else, and lasts no longer than the credential that it was made with.
 */

import { AiError, applyPatch, createConfig, generateClientSecret } from "@openai-compat/core";
import type { ClientSecretStore, RealtimePatch } from "@openai-compat/core";
import {
  CLIENT_SECRET_SECONDS_DEFAULT,
  operations,
  realtimeCreateClientSecretRequestSchema,
} from "@openai-compat/spec";
import type { RealtimeCreateClientSecretResponse } from "@openai-compat/spec";
import { decodeBody } from "../decode-body.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { decodeSession } from "./decode-session.ts";
import { encodeSession } from "./encode-session.ts";
import { RealtimeRefusal } from "./realtime-refusal.ts";
import type { RealtimeSettings } from "./settings.ts";

export interface ClientSecretDependencies {
  readonly clientSecrets: ClientSecretStore;
  readonly settings: Pick<RealtimeSettings, "clientSecretsMax" | "sessionBytesMax">;
}

const RETRY_AFTER_MS = 10_000;

export function createClientSecretHandler({ clientSecrets, settings }: ClientSecretDependencies): OperationHandler {
  return async (call, { service, readJson }) => {
    await service.admitBody(call, operations.connectRealtime.id);
    const { value: body } = await readJson();
    const wire = decodeBody(realtimeCreateClientSecretRequestSchema, body);
    const patch = decodeConfiguration(wire.session ?? null);
    const configuration = wire.session ? encodeConfiguration(wire.session, settings.sessionBytesMax) : null;
    const { secret, record } = generateClientSecret({
      principal: call.principal,
      configuration,
      lifetimeMs: (wire.expires_after?.seconds ?? CLIENT_SECRET_SECONDS_DEFAULT) * 1000,
      nowMs: Date.now(),
    });
    if (!(await clientSecrets.insert(record, settings.clientSecretsMax))) throw tooMany(settings.clientSecretsMax);
    const answer: RealtimeCreateClientSecretResponse = {
      value: secret,
      expires_at: Math.floor(record.expiresAtMs / 1000),
      session: describeSession(patch),
    };
    return Response.json(answer, { headers: { "cache-control": "no-store" } });
  };
}

/** @throws AiError */
function decodeConfiguration(session: unknown): RealtimePatch | null {
  if (session === null) return null;
  try {
    return decodeSession(session);
  } catch (thrown) {
    if (!(thrown instanceof RealtimeRefusal)) throw thrown;
    const { message, param } = thrown.error;
    throw new AiError("unsupported_parameter", message, { param });
  }
}

function encodeConfiguration(session: object, bytesMax: number): string {
  const configuration = JSON.stringify(session);
  if (Buffer.byteLength(configuration) <= bytesMax) return configuration;
  throw new AiError("invalid_value", `The session is larger than this server accepts (${bytesMax} bytes).`, {
    param: "session",
  });
}

/** As its sessions will begin; none has yet, so it does not expire. */
function describeSession(patch: RealtimePatch | null) {
  const type = patch?.type ?? "realtime";
  const config = createConfig({ type, model: null, transcriptionModel: "default" });
  const id = `sess_${crypto.randomUUID().replaceAll("-", "")}`;
  return encodeSession({ id, expiresAtMs: 0, config: patch === null ? config : applyPatch(config, patch, "default") });
}

function tooMany(most: number): AiError {
  const message = `Your account has as many client secrets (${most}) as it may have at the same time. Try again later.`;
  return new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
}
