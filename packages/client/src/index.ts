/** The typed client of OpenAI-compatible servers. Importing it loads no zod: the shapes are loaded by the first call. */

export { createClient } from "./create-client.ts";
export type { Client } from "./create-client.ts";
export type {
  NativeCallOptions,
  NativeClient,
  NativeFunction,
  NativeInput,
  NativeOutput,
  NativeSubscription,
} from "./ai/native-types.ts";
export { ClientError } from "./client-error.ts";
export type { ClientErrorDetails, ClientErrorKind } from "./client-error.ts";
export type { ClientOptions, Fetch, RetryOptions, TokenRequest, TokenSource } from "./client-options.ts";
export type { BinaryAnswer } from "./v1/binary-answer.ts";
export type { RealtimeInput, RealtimeOptions } from "./v1/connect-realtime.ts";
export type { RealtimeSession } from "./v1/realtime-session.ts";
export type { Stream } from "./v1/stream.ts";
export type { FilePath, NamedBytes, Upload } from "./v1/upload.ts";
export type { CallOptions } from "./v1/call-options.ts";
export type { V1, V1Answer, V1Event, V1Input } from "./v1/v1-types.ts";
