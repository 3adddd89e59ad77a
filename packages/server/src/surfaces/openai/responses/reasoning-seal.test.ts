import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createReasoningSeal } from "./reasoning-seal.ts";

const secret = randomBytes(32);
const seal = createReasoningSeal(secret, "reasoning");

test("sealed reasoning shows nothing of it, is never the same twice, and opens for its account, on any replica", () => {
  const reasoning = "Hm, the sea — 海.";
  const sealed = seal.seal("ada", reasoning);
  expect(Buffer.from(sealed.slice(4), "base64url").includes("sea")).toBe(false);
  expect(seal.seal("ada", reasoning)).not.toBe(sealed);
  expect(createReasoningSeal(secret, "reasoning").open("ada", sealed)).toBe(reasoning);
});

test.each([
  ["another account", () => seal.open("bob", seal.seal("ada", "Hm."))],
  ["another key", () => createReasoningSeal(null, "reasoning").open("ada", seal.seal("ada", "Hm."))],
  ["a changed byte", () => seal.open("ada", flipLast(seal.seal("ada", "Hm.")))],
  ["another server's", () => seal.open("ada", "gAAAAABpFoo")],
  ["half of one", () => seal.open("ada", seal.seal("ada", "Hm.").slice(0, 12))],
])("what is of %s does not open", (_, open) => {
  expect(open()).toBeNull();
});

function flipLast(sealed: string): string {
  const bytes = Buffer.from(sealed.slice(4), "base64url");
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return sealed.slice(0, 4) + bytes.toString("base64url");
}
