import { expect, test } from "vitest";
import { parseBaseUrl, resolveUpstreamSettings } from "./upstream-settings.ts";

test("a base URL is taken apart, with or without a path", () => {
  expect(parseBaseUrl("http://127.0.0.1:9000/v1/")).toEqual({ origin: "http://127.0.0.1:9000", basePath: "/v1" });
  expect(parseBaseUrl("https://Example.COM")).toEqual({ origin: "https://example.com", basePath: "" });
});

test("what can't be a base URL is refused without being repeated", () => {
  for (const url of [
    "",
    "example.com/v1",
    "ftp://example.com",
    "http://me:secret@example.com",
    "http://e.com/?key=secret",
  ]) {
    expect(() => parseBaseUrl(url)).toThrow(/base URL/);
    expect(() => parseBaseUrl(url)).not.toThrow(/secret/);
  }
});

test("settings that can't work are refused, and no key is repeated", () => {
  const settings = { model: "m", operations: [] };
  expect(() => resolveUpstreamSettings({ ...settings, baseUrls: [] })).toThrow(/at least one base URL/);
  const withKey = { ...settings, baseUrls: ["http://a"], apiKey: "sk-secret\n" };
  expect(() => resolveUpstreamSettings(withKey)).toThrow(/visible ASCII/);
  expect(() => resolveUpstreamSettings(withKey)).not.toThrow(/secret/);
});
