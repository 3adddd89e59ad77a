/** `stream_id` of a message: the events that answer it carry it, too, and a lane goes on from its own last response. */

import { AiError } from "@openai-compat/core";

const LENGTH_MAX = 512;

/** Fields that events of the lane have beside their own. */
export interface Lane {
  readonly stream_id?: string;
}

/** Of messages that name none. */
export const NO_LANE: Lane = {};

/** @throws AiError `invalid_value` */
export function readLane({ stream_id: id }: Readonly<Record<string, unknown>>): Lane {
  if (id === undefined || id === null) return NO_LANE;
  if (typeof id === "string" && id !== "" && id.length <= LENGTH_MAX) return { stream_id: id };
  const message = `Invalid 'stream_id': expected a text of 1 to ${LENGTH_MAX} characters.`;
  throw new AiError("invalid_value", message, { param: "stream_id" });
}
