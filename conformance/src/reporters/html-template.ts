/**
 * HTML as tagged templates: every value is escaped for text and for a quoted attribute, unless it is a template itself.
 * The tag is not called `html`, because a formatter would lay such templates out, and spaces count in `pre` and in what is
 * hashed for the content security policy.
 */

export class Html {
  readonly text: string;

  /** @param text markup that holds nothing of others; use `markup` for everything else */
  constructor(text: string) {
    this.text = text;
  }
}

type HtmlValue = string | number | Html | readonly Html[];

/** Attributes that hold a value must be in double quotes. */
export function markup(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const parts = strings.map((string, index) => {
    const value = values[index];
    return value === undefined ? string : string + encodeValue(value);
  });
  return new Html(parts.join(""));
}

export const NOTHING = new Html("");

function encodeValue(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === "string") return escapeHtml(value);
  return typeof value === "number" ? String(value) : value.map(({ text }) => text).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // A parser turns it into a line feed where it is not escaped.
  "\r": "&#13;",
};

/** A NUL can't be in a page, not even escaped. */
function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll("\u0000", "\ufffd")
    .replaceAll(/[&<>"'\r]/g, (character) => ENTITIES[character] ?? character);
}
