/** Which suite judged: its own version, that of the official SDK under it, and the specification's hash. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { DEFAULT_SDK } from "./official-sdk.ts";

export interface SuiteIdentity {
  readonly version: string;
  /**
   * The set of checks that a verdict is about: `full` for all of this version, `selection` for those chosen for one run, or
   * the name of a profile with its date.
   */
  readonly profile: string;
  readonly sdkVersion: string;
  /** SHA-256 of `openapi.json`, in hexadecimal; null where the document is not installed. */
  readonly specSha256: string | null;
}

/** The document lies beside the published bundle, or in the workspace's `spec/`. */
const DOCUMENT_URLS = [new URL("./openapi.json", import.meta.url), new URL("../../spec/openapi.json", import.meta.url)];

/** @param officialSdk the one that the run judges through */
export function readSuiteIdentity({ version: sdkVersion } = DEFAULT_SDK): SuiteIdentity {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const { version } = z.object({ version: z.string() }).parse(manifest);
  const document = DOCUMENT_URLS.find((url) => existsSync(url));
  const specSha256 = document === undefined ? null : createHash("sha256").update(readFileSync(document)).digest("hex");
  return { version, profile: "full", sdkVersion, specSha256 };
}
