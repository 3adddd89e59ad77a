/**
 * The formats of JSON Schema that are enforced, each as a regular expression. All others are annotations, as the
 * standard has it.
 *
 * @see https://json-schema.org/draft/2020-12/json-schema-validation#section-7
 */

const YEAR_LEAP = "(?:[02468][048]|[13579][26])00|\\d\\d(?:0[48]|[2468][048]|[13579][26])";
const DATE =
  "(?!0000)(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))" +
  `|(?:${YEAR_LEAP})-02-29)`;
const HOUR = "(?:[01]\\d|2[0-3])";
const TIME = `${HOUR}:[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-]${HOUR}:[0-5]\\d)`;

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const GROUP = "[\\da-fA-F]{1,4}";
/** Eight groups, of which `::` stands for one at least. */
const IPV6 = [
  `(?:${GROUP}:){7}(?:${GROUP}|:)`,
  ...[0, 1, 2, 3, 4, 5, 6].map((before) => {
    const head = before === 0 ? ":" : `(?:${GROUP}:){${before}}`;
    const tail = before === 6 ? GROUP : `(?:${GROUP}:){0,${6 - before}}${GROUP}`;
    return `${head}:(?:${tail})?`;
  }),
].join("|");

const SEGMENT = "(?:[A-Za-z\\d._~!$&'()*+,;=:@-]|%[\\da-fA-F]{2}){1,20}";
/** Kept small, so that it can be combined with a length limit. */
const SITE = "(?:[a-zA-Z\\d]{1,15}\\.){1,3}[a-zA-Z]{2,6}";

interface StringFormat {
  /** Exactly the strings of the format. */
  readonly exact: string;
  /** A superset of the format; null where it equals `exact`. */
  readonly wide: string | null;
}

const whole = (source: string) => `^(?:${source})$`;
const exactly = (source: string): StringFormat => ({ exact: whole(source), wide: null });
const mostly = (source: string, wide: string): StringFormat => ({ exact: whole(source), wide: whole(wide) });

export const STRING_FORMATS: ReadonlyMap<string, StringFormat> = new Map([
  ["date", exactly(DATE)],
  ["time", exactly(TIME)],
  ["date-time", exactly(`${DATE}T${TIME}`)],
  [
    "duration",
    exactly(
      "P(?:\\d{1,9}W|(?=[\\dT])(?:\\d{1,9}Y)?(?:\\d{1,9}M)?(?:\\d{1,9}D)?(?:T(?=\\d)(?:\\d{1,9}H)?(?:\\d{1,9}M)?(?:\\d{1,9}S)?)?)",
    ),
  ],
  ["uuid", exactly("[\\da-fA-F]{8}-(?:[\\da-fA-F]{4}-){3}[\\da-fA-F]{12}")],
  ["ipv4", exactly(IPV4)],
  ["ipv6", mostly(IPV6, "[\\da-fA-F:.]+")],
  ["hostname", mostly(SITE, "[^\\s/]+")],
  ["email", mostly(`[a-zA-Z\\d]{1,20}(?:[._+-][a-zA-Z\\d]{1,10})?@${SITE}`, "\\S+@\\S+")],
  [
    "uri",
    mostly(
      `https?://${SITE}(?::[1-9]\\d{1,3})?(?:/${SEGMENT}){0,4}/?(?:\\?${SEGMENT})?(?:#${SEGMENT})?`,
      "[A-Za-z][A-Za-z\\d+.-]*:\\S*",
    ),
  ],
]);
