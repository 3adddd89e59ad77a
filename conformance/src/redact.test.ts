import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, SECRET_LENGTH_MIN } from "./redact.ts";
import { listSecrets } from "./target.ts";

const secret = fc.string({ minLength: 12, maxLength: 40 }).filter((text) => !"[redacted]".includes(text.slice(0, 1)));

test("neither a secret nor a beginning of it survives, raw, in JSON or in a URL", () => {
  fc.assert(
    fc.property(secret, fc.string(), fc.nat(40), (canary, around, cut) => {
      const redact = createRedactor([canary]);
      const length = Math.max(SECRET_LENGTH_MIN, cut);
      for (const form of [canary, JSON.stringify(canary).slice(1, -1), encodeURIComponent(canary)]) {
        const redacted = redact(`${around} ${form.slice(0, Math.max(length, SECRET_LENGTH_MIN))}`);
        expect(redacted).not.toContain(form.slice(0, SECRET_LENGTH_MIN));
      }
    }),
  );
});

test("text without secrets stays as it is", () => {
  expect(createRedactor(["sk-abcdefgh"])("status 401, body {}")).toBe("status 401, body {}");
});

test("a placeholder key shorter than a secret is not replaced all over the report", () => {
  expect(createRedactor(["none"])("none of them")).toBe("none of them");
});

test("a token derived from a key is redacted although it is no key itself", () => {
  const redacted = createRedactor([])('{"auth":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."} rest');
  expect(redacted).toBe('{"auth":"[redacted]"} rest');
});

test("every key of a target and the secret of its upstream are secrets", () => {
  const keys = { full: "sk-full-0000", small_credit: "sk-small-1111", rate_limited: "sk-limited-2222" };
  const target = { baseUrl: "http://h/v1", keys, models: {}, fixtures: { upstream_secret: "canary-4711" } };
  const redact = createRedactor(listSecrets(target));
  expect(redact("sk-full-0000 sk-small-1111 sk-limited-2222 canary-4711")).toBe(Array(4).fill("[redacted]").join(" "));
});
