/**
 * Keeps secrets out of everything that leaves the process. Reports are built from redacted text only, so that a reporter
 * can't leak what it never saw.
 */

export type Redact = (text: string) => string;

const REPLACEMENT = "[redacted]";

/**
 * Text that starts like a secret for this many characters is taken for it: excerpts cut secrets short. A shorter key
 * (`none`, `test`) is a placeholder, and replacing it everywhere would garble the report.
 */
export const SECRET_LENGTH_MIN = 8;

/** A JSON Web Token, signed or not: those which checks derive from a key carry its claims too. */
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g;

/** Replaces every secret, also where it is escaped for JSON or a URL, or cut short. */
export function createRedactor(secrets: readonly string[]): Redact {
  const long = secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN);
  const forms = new Set(long.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeForUrl(secret)]));
  const longestFirst = [...forms].sort((left, right) => right.length - left.length);
  return (text) => longestFirst.reduce(replaceBeginnings, text.replaceAll(JSON_WEB_TOKEN, REPLACEMENT));
}

function replaceBeginnings(text: string, secret: string): string {
  const beginning = secret.slice(0, SECRET_LENGTH_MIN);
  let redacted = "";
  let from = 0;
  for (let at = text.indexOf(beginning); at !== -1; at = text.indexOf(beginning, from)) {
    redacted += text.slice(from, at) + REPLACEMENT;
    from = at + commonLength(text, at, secret);
  }
  return redacted + text.slice(from);
}

function commonLength(text: string, at: number, secret: string): number {
  let length = 0;
  while (length < secret.length && text[at + length] === secret[length]) length += 1;
  return length;
}

/** `encodeURIComponent` throws on lone surrogates. */
function encodeForUrl(secret: string): string {
  return encodeURIComponent(secret.toWellFormed());
}
