import { expect, test } from "vitest";
import { cacheDirectory } from "./cache-directory.ts";

test.each([
  ["linux", {}, "/home/ada/.cache/openai-compat"],
  ["linux", { XDG_CACHE_HOME: "/caches" }, "/caches/openai-compat"],
  ["linux", { XDG_CACHE_HOME: "relative" }, "/home/ada/.cache/openai-compat"],
  ["linux", { OPENAI_COMPAT_CACHE: "/models", XDG_CACHE_HOME: "/caches" }, "/models"],
  ["linux", { OPENAI_COMPAT_CACHE: "" }, "/home/ada/.cache/openai-compat"],
  ["darwin", { XDG_CACHE_HOME: "/caches" }, "/home/ada/Library/Caches/openai-compat"],
  ["win32", { LOCALAPPDATA: "C:\\Users\\ada\\AppData\\Local" }, "C:\\Users\\ada\\AppData\\Local\\openai-compat"],
  ["win32", { OPENAI_COMPAT_CACHE: "D:\\models" }, "D:\\models"],
] as const)("on %s with %j the cache is %s", (platform, environment, expected) => {
  expect(cacheDirectory({ platform, environment, homeDirectory: "/home/ada" })).toBe(expected);
});
