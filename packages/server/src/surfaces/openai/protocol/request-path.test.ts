import { AiError } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { API_MOUNTS, resolveRoutePath } from "./request-path.ts";

test("an id of any characters survives in its own segment, below each mount", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), fc.constantFrom(...API_MOUNTS), (id, mount) => {
      const path = resolveRoutePath(`http://host.test${mount}//models/${encodeURIComponent(id)}/?q=/v1/x#f`);
      expect(path).toBe(`/v1/models/${encodeURIComponent(id)}`);
    }),
  );
});

test.each([
  ["http://host.test/v1", "/v1"],
  ["http://host.test/v1?x=1", "/v1"],
  ["http://host.test/", "/"],
  ["http://host.test/v1x/models", "/v1x/models"],
  ["http://host.test/healthz/", "/healthz"],
  ["http://host.test/v1/a/b%2Fc", "/v1/a/b%2Fc"],
])("%s is %s", (url, path) => {
  expect(resolveRoutePath(url)).toBe(path);
});

test("any URL is normalised or refused as the caller's error", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { href } = new URL(`http://host.test/v1/${text}`);
      try {
        expect(resolveRoutePath(href)).toMatch(/^\//);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(AiError);
      }
    }),
  );
});
