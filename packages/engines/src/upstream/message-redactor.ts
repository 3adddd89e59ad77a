/**
 * Redacts an upstream's messages before they are passed on: bounded, on one line, and without its addresses, its name
 * for the model or our key. It decides nothing about errors.
 */

import type { UpstreamAddress } from "./upstream-settings.ts";

export interface MessageRedactor {
  /** For the caller. @param modelId replaces the upstream's name of the model */
  redactForCaller(text: string, modelId: string): string;
  /** For logs: addresses and model stay, the key is removed. */
  redactForLog(text: string): string;
}

export interface MessageRedactorOptions {
  readonly addresses: readonly UpstreamAddress[];
  readonly model: string;
  readonly apiKey: string | null;
}

/** Length of a message; the rest is cut off. */
const MESSAGE_CHARACTERS_MAX = 1000;

/** All URLs are removed: they may name a machine behind the upstream. */
const ANY_URL = /[a-z][a-z\d+.-]*:\/\/[^\s"'`<>)]+/gi;

export function createMessageRedactor(options: MessageRedactorOptions): MessageRedactor {
  const { apiKey } = options;
  const hosts = options.addresses.flatMap(({ origin }) => {
    const { host, hostname } = new URL(origin);
    return [host, hostname];
  });
  const anyHost = matchAny(hosts);
  const anyModel = matchWord(options.model);
  const withoutKey = (text: string) => (apiKey === null ? text : text.replaceAll(apiKey, "[key]"));
  return {
    redactForCaller(text, modelId) {
      const withoutAddresses = withoutKey(text).replaceAll(ANY_URL, "[address]").replaceAll(anyHost, "[address]");
      return shorten(withoutAddresses.replaceAll(anyModel, () => modelId));
    },
    redactForLog: (text) => shorten(withoutKey(text)),
  };
}

function matchAny(words: readonly string[]): RegExp {
  const longestFirst = [...words].sort((left, right) => right.length - left.length);
  return new RegExp(longestFirst.map(escapePattern).join("|"), "gi");
}

/** As a whole word only: a model called `a` must not change every `a`. */
function matchWord(word: string): RegExp {
  return new RegExp(`(?<![\\w-])${escapePattern(word)}(?![\\w-])`, "gi");
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function shorten(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length > MESSAGE_CHARACTERS_MAX ? `${line.slice(0, MESSAGE_CHARACTERS_MAX)}…` : line;
}
