import { expect, test } from "vitest";
import { findClosestName } from "./closest-name.ts";

test.each([
  ["prot", "port"],
  ["chat.steam", "chat.stream"],
  ["CHAT.stream", "chat.stream"],
  ["nope", null],
  ["", null],
])("what was meant by %j is %j", (given, meant) => {
  expect(findClosestName(given, ["port", "host", "chat.stream", "chat.stop"])).toBe(meant);
});
