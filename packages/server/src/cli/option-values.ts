/** Values of command-line options: text to what it means, with an error that says what was expected. */

import { InvalidArgumentError, Option } from "commander";
import { CAPABILITY_DOMAINS, CAPABILITY_VERBS } from "@openai-compat/core";
import type { CapabilityDomain, GrantedCapability } from "@openai-compat/core";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `15m`, `12h`, `30d` to seconds. */
export function parseDurationSeconds(text: string): number {
  const match = /^(\d{1,7})([smhd])$/.exec(text);
  const unit = SECONDS[match?.[2] ?? ""];
  if (match === null || unit === undefined)
    throw new InvalidArgumentError("Expected a time such as 90s, 15m, 12h or 30d.");
  return Number(match[1]) * unit;
}

/**
 * `PROMPT,READ`, `*`, `operator:READ`, or the empty text for nothing, to a grant for each domain. A verb without a domain is
 * one of the domain `ai`, and so is `*`: operators are named.
 */
export function parseCapabilities(text: string): GrantedCapability[] {
  const named = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map(parseCapability);
  return CAPABILITY_DOMAINS.flatMap((domain) => {
    const can = named.flatMap((capability) => (capability.domain === domain ? [capability.verb] : []));
    return can.length === 0 ? [] : [{ domain, pointers: ["*"], can }];
  });
}

function parseCapability(item: string): { readonly domain: CapabilityDomain; readonly verb: string } {
  const [, domainText = DEFAULT_DOMAIN, verbText = ""] = /^(?:([^:]*):)?(.*)$/.exec(item) ?? [];
  const domain = CAPABILITY_DOMAINS.find((known) => known === domainText.trim().toLowerCase());
  const domains = CAPABILITY_DOMAINS.join(", ");
  if (domain === undefined) throw new InvalidArgumentError(`"${domainText}" is no domain: there are ${domains}.`);
  const verb = verbText.trim().toUpperCase();
  const known: readonly string[] = ["*", ...CAPABILITY_VERBS];
  if (!known.includes(verb)) throw new InvalidArgumentError(`"${verb}" is not one of ${known.join(", ")}.`);
  return { domain, verb };
}

const DEFAULT_DOMAIN: CapabilityDomain = "ai";

/** As `--can` takes it. */
export function printCapabilities(grants: readonly GrantedCapability[]): string {
  return grants
    .flatMap(({ domain, can }) => can.map((verb) => (domain === DEFAULT_DOMAIN ? verb : `${domain}:${verb}`)))
    .join(",");
}

/** `--can`, for whatever grants capabilities. */
export function capabilitiesOption(): Option {
  const description =
    `what it may do: ${CAPABILITY_VERBS.join(", ")}, separated by commas, or * for all of them; for operators of the ` +
    "server, who manage accounts, keys and credits, operator:READ or operator:*";
  return new Option("--can <verbs>", description).argParser(parseCapabilities).default(parseCapabilities("*"), "*");
}

/** 0 to 65535. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("Expected a port, 0 to 65535.");
  return port;
}
