import { AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { defineParameterRules, unsupportedParameter } from "./parameter-rules.ts";

interface EchoRequest {
  readonly text: string;
  readonly label?: string;
  readonly volume?: number;
  readonly voice?: string;
}

const check = defineParameterRules<EchoRequest>({
  text: "honoured",
  label: "no effect",
  volume: ({ volume }) => (volume === 11 ? new AiError("invalid_value", "Too loud.", { param: "volume" }) : null),
  voice: ({ voice }) => (voice === undefined ? null : unsupportedParameter("voice")),
});

test("what is honoured, has no effect or is used rightly passes", () => {
  expect(() => check({ text: "a", label: "b", volume: 10 })).not.toThrow();
});

test("of several refusals, the first in the table's order is thrown", () => {
  expect(() => check({ voice: "v", volume: 11, text: "a" })).toThrow(
    expect.objectContaining({ code: "invalid_value", param: "volume" }),
  );
  expect(() => check({ voice: "v", text: "a" })).toThrow(
    expect.objectContaining({
      code: "unsupported_parameter",
      param: "voice",
      message: "Unsupported parameter: 'voice' is not supported by this server.",
    }),
  );
});
