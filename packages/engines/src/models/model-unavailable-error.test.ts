import { AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { describeFailure } from "./model-unavailable-error.ts";

test.each([
  [new AiError("engine_unavailable", "it said no"), "it said no"],
  [Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }), "its host name cannot be resolved"],
  [
    new TypeError("fetch failed", { cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) }),
    "the connection was refused",
  ],
  [Object.assign(new Error("open /home/ada/secret"), { code: "EMFILE" }), "it failed with EMFILE"],
  [new TypeError("fetch failed", { cause: new Error("bad port") }), "it failed: bad port"],
  ["a string", "it failed for an unknown reason"],
])("the failure %s is described in a few words without a path", (thrown, expected) => {
  expect(describeFailure(thrown)).toBe(expected);
});
