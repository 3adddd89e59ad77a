/** Cuts the text of an event stream into events, however it was cut into pieces. It knows no JSON. */

/** The most characters of one event; a longer one is refused before it fills the memory. */
const EVENT_CHARACTERS_MAX = 64 * 1024 * 1024;

export interface ServerSentEvent {
  /** The field `event`; null where there is none. */
  readonly event: string | null;
  /** The field `id` of this event itself; null where there is none. */
  readonly id: string | null;
  /** The lines of `data`, joined. */
  readonly data: string;
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
export class SseParser {
  readonly #charactersMax: number;
  /** The last line, as far as it has come. */
  #line = "";
  /** The last piece ended with a carriage return, to which a line feed may belong. */
  #endedWithReturn = false;
  #event: string | null = null;
  #id: string | null = null;
  #data: string | null = null;

  constructor(charactersMax = EVENT_CHARACTERS_MAX) {
    this.#charactersMax = charactersMax;
  }

  /**
   * Takes the next piece, without a byte order mark. @returns the events that it completes.
   * @throws RangeError when an event is longer than allowed.
   */
  push(piece: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    let start = this.#endedWithReturn && piece.startsWith("\n") ? 1 : 0;
    if (piece !== "") this.#endedWithReturn = false;
    let nextReturn = piece.indexOf("\r", start);
    for (;;) {
      let end = piece.indexOf("\n", start);
      let width = 1;
      if (nextReturn !== -1 && (end === -1 || nextReturn < end)) {
        width = nextReturn + 1 === end ? 2 : 1;
        end = nextReturn;
        nextReturn = piece.indexOf("\r", end + width);
        if (end + width === piece.length && width === 1) this.#endedWithReturn = true;
      }
      if (end === -1) break;
      this.#takeLine(this.#line + piece.slice(start, end), events);
      this.#line = "";
      start = end + width;
    }
    this.#line += piece.slice(start);
    if (this.#line.length + (this.#data?.length ?? 0) > this.#charactersMax) {
      throw new RangeError(`An event of the stream has more than ${this.#charactersMax} characters.`);
    }
    return events;
  }

  /** Takes the end. @returns the event that no blank line has completed; null where there is none. */
  end(): ServerSentEvent | null {
    const events: ServerSentEvent[] = [];
    this.#takeLine(this.#line, events);
    this.#takeLine("", events);
    return events[0] ?? null;
  }

  #takeLine(line: string, events: ServerSentEvent[]): void {
    if (line === "") {
      if (this.#data !== null) events.push({ event: this.#event, id: this.#id, data: this.#data });
      this.#event = null;
      this.#id = null;
      this.#data = null;
      return;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    if (name !== "data" && name !== "event" && name !== "id") return;
    const value = colon === -1 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
    if (name === "event") this.#event = value;
    else if (name === "id") this.#id = value;
    else this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
  }
}
