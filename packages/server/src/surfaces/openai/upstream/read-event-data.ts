/** The data of an upstream's server-sent events, one by one, up to `[DONE]` or the end. */

import { StringDecoder } from "node:string_decoder";

const LINE_BREAK = /\r\n|\n|\r/;

export interface EventDataReader extends AsyncIterableIterator<string, undefined> {
  return(): Promise<IteratorResult<string, undefined>>;
}

/** Not a generator: one that was never started would not close the bytes. */
export function readEventData(chunks: AsyncIterable<Uint8Array>): EventDataReader {
  const iterator = chunks[Symbol.asyncIterator]();
  const decoder = new StringDecoder("utf8");
  const waiting: string[] = [];
  let rest = "";
  let data: string[] = [];
  let isOver = false;
  const takeLine = (line: string) => {
    if (line === "") {
      if (data.length > 0) waiting.push(data.join("\n"));
      data = [];
    } else if (line.startsWith("data:")) data.push(line.slice("data:".length).replace(/^ /, ""));
  };
  const takeText = (text: string) => {
    // A carriage return at the end may be the half of a line break.
    const lines = (rest + text).split(LINE_BREAK);
    rest = lines.pop() ?? "";
    for (const line of lines) takeLine(line);
  };
  const reader: EventDataReader = {
    async next() {
      for (;;) {
        const event = waiting.shift();
        if (event === "[DONE]") isOver = true;
        else if (event !== undefined && !isOver) return { value: event };
        if (isOver && waiting.length === 0) {
          await drain(iterator);
          return { done: true, value: undefined };
        }
        if (isOver) continue;
        const { done, value } = await iterator.next();
        if (done !== true) takeText(decoder.write(Buffer.from(value)));
        else {
          takeText(`${decoder.end()}\n\n`);
          isOver = waiting.length === 0;
          if (!isOver) waiting.push("[DONE]");
        }
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => reader,
  };
  return reader;
}

/** What follows is nothing but the end, which settles the call. */
async function drain(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next());
}
