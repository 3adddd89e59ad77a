/** Values of command-line options: text to what it means, with an error that says what was expected. */

import { InvalidArgumentError, Option } from "commander";
import { CAPABILITY_VERBS } from "@openai-compat/core";
import type { GrantedCapability } from "@openai-compat/core";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `15m`, `12h`, `30d` to seconds. */
export function parseDurationSeconds(text: string): number {
  const match = /^(\d{1,7})([smhd])$/.exec(text);
  const unit = SECONDS[match?.[2] ?? ""];
  if (match === null || unit === undefined)
    throw new InvalidArgumentError("Expected a time such as 90s, 15m, 12h or 30d.");
  return Number(match[1]) * unit;
}

/** `PROMPT,READ`, `*`, or the empty text for nothing, to a grant in the domain `ai`. */
export function parseCapabilities(text: string): GrantedCapability[] {
  const verbs = text
    .split(",")
    .map((verb) => verb.trim().toUpperCase())
    .filter((verb) => verb !== "");
  const known: readonly string[] = ["*", ...CAPABILITY_VERBS];
  const unknown = verbs.find((verb) => !known.includes(verb));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is not one of ${known.join(", ")}.`);
  return verbs.length === 0 ? [] : [{ domain: "ai", pointers: ["*"], can: verbs }];
}

/** `--can`, for whatever grants capabilities. */
export function capabilitiesOption(): Option {
  const description = `what it may do: ${CAPABILITY_VERBS.join(", ")}, separated by commas, or * for all`;
  return new Option("--can <verbs>", description).argParser(parseCapabilities).default(parseCapabilities("*"), "*");
}

/** 0 to 65535. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("Expected a port, 0 to 65535.");
  return port;
}
