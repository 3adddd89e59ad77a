/** Every failure of the service as tRPC's error. */

import { AI_ERROR_CODES, AiError } from "@openai-compat/core";
import { nativeErrorDataSchema } from "@openai-compat/spec";
import { TRPCError } from "@trpc/server";
import { expect, test } from "vitest";
import { ERROR_STATUSES } from "../../http/error-status.ts";
import { encodeErrorCode } from "../openai/protocol/encode-error.ts";
import { decodeTrpcError, encodeNativeError } from "./map-error.ts";

/** On which clients of tRPC connect again: 500, 502, 503 and 504 share it. */
const RETRYABLE = -32_603;

const PLACE = { requestId: "req_1", path: "prompt", isSubscription: false };

test.each(AI_ERROR_CODES)("%s has a number of tRPC, and status, type and code of /v1", (code) => {
  const shape = encodeNativeError(new AiError(code, "Why.", { param: "a", retryAfterMs: 5 }), PLACE);
  expect(shape.code).toBeLessThan(-32_000);
  expect(shape.message).toBe("Why.");
  expect(nativeErrorDataSchema.parse(shape.data)).toMatchObject({
    ...encodeErrorCode(code),
    httpStatus: ERROR_STATUSES[code],
    param: "a",
    requestId: "req_1",
    retryAfterMs: 5,
  });
});

test.each(AI_ERROR_CODES)(
  "a subscription that ends with %s is begun again by clients of tRPC only where nothing is charged twice",
  (code) => {
    const shape = encodeNativeError(new AiError(code, "Why."), { ...PLACE, isSubscription: true });
    expect(shape.code === RETRYABLE).toBe(code === "shutting_down");
  },
);

test.each([
  ["BAD_REQUEST", "invalid_request"],
  ["PARSE_ERROR", "invalid_request"],
  ["NOT_FOUND", "route_not_found"],
  ["METHOD_NOT_SUPPORTED", "method_not_allowed"],
  ["UNSUPPORTED_MEDIA_TYPE", "unsupported_media_type"],
  ["INTERNAL_SERVER_ERROR", "internal"],
] as const)("tRPC's own %s is %s", (code, expected) => {
  expect(decodeTrpcError(new TRPCError({ code, message: "Why." }))).toMatchObject({ code: expected });
});

test("what nobody foresaw discloses nothing", () => {
  const error = decodeTrpcError(new TRPCError({ code: "INTERNAL_SERVER_ERROR", cause: new Error("secret") }));
  expect(JSON.stringify(encodeNativeError(error, PLACE))).not.toContain("secret");
});
