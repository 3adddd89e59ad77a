/**
 * Keeps secrets out of everything that leaves the process. Reports are built from redacted text only, so that a
 * reporter can't leak what it never saw.
 */

export type Redact = (text: string) => string;

const REPLACEMENT = "[redacted]";

/**
 * Text that starts like a secret for this many characters may be one, because excerpts cut secrets short. A shorter key
 * (`none`, `test`) is a placeholder, and replacing it everywhere would garble the report.
 */
export const SECRET_LENGTH_MIN = 8;

/** A JSON Web Token, signed or not: those which checks derive from a key carry its claims too. */
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g;

/** A client secret of a realtime session as OpenAI makes them; others are known by value (`issued-secrets.ts`). */
const CLIENT_SECRET = /\bek_[\w.-]{6,}/g;

/**
 * Replaces every secret, also where it is escaped for JSON, a URL or a page, or cut short. The list may grow: what the
 * server issues is added to it.
 */
export function createRedactor(secrets: readonly string[]): Redact {
  let known = -1;
  let forms: readonly string[] = [];
  return (text) => {
    if (known !== secrets.length) forms = composeForms(secrets);
    known = secrets.length;
    const shaped = text.replaceAll(CLIENT_SECRET, REPLACEMENT).replaceAll(JSON_WEB_TOKEN, REPLACEMENT);
    return forms.reduce(replaceBeginnings, shaped);
  };
}

/** The longest first. */
function composeForms(secrets: readonly string[]): readonly string[] {
  const long = secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN);
  const forms = long
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeForUrl(secret)])
    .flatMap((form) => [form, encodeForPage(form)]);
  return [...new Set(forms)].sort((left, right) => right.length - left.length);
}

function replaceBeginnings(text: string, secret: string): string {
  const beginning = secret.slice(0, SECRET_LENGTH_MIN);
  let redacted = "";
  let from = 0;
  for (let at = text.indexOf(beginning); at !== -1; at = text.indexOf(beginning, from)) {
    const length = commonLength(text, at, secret);
    const isSecret = isRevealing(secret, length) || isCutSecret(secret, length, text[at + length] ?? "");
    redacted += text.slice(from, at) + (isSecret ? REPLACEMENT : text.slice(at, at + length));
    from = at + length;
  }
  return redacted + text.slice(from);
}

/** A text that holds half of a secret comes from something that has it. */
function isRevealing(secret: string, length: number): boolean {
  return length >= Math.max(SECRET_LENGTH_MIN, secret.length / 2);
}

const NAME_CHARACTER = /[\p{L}\p{N}_/-]/u;
/** Words of letters that end where a word of the secret ends: `upstream` of `upstream-secret-4711` is no secret yet. */
const WORDS = /^(?:\p{L}{2,}[^\p{L}\p{N}])*(?:\p{L}{2,})?$/u;

/** What stands for the rest of a text that was cut or masked. */
const CUT_MARKS = ["…", "*"];

/** A shorter beginning is one only where the text is cut after it; else it is a name that starts the same. */
function isCutSecret(secret: string, length: number, next: string): boolean {
  if (CUT_MARKS.includes(next)) return true;
  if (NAME_CHARACTER.test(next)) return false;
  const endsWithinWord = /\p{L}/u.test(secret[length - 1] ?? "") && /[\p{L}\p{N}]/u.test(secret[length] ?? "");
  return endsWithinWord || !WORDS.test(secret.slice(0, length));
}

function commonLength(text: string, at: number, secret: string): number {
  let length = 0;
  while (length < secret.length && text[at + length] === secret[length]) length += 1;
  return length;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function encodeForPage(secret: string): string {
  return secret.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** `encodeURIComponent` throws on lone surrogates. */
function encodeForUrl(secret: string): string {
  return encodeURIComponent(secret.toWellFormed());
}
