/**
 * The codes that this server closes a realtime connection with (RFC 6455, section 7.4, and OpenAI's own). What the
 * protocol itself demands, 1009 for a message that is too large for one, the transport sends.
 */

export const CLOSE_CODES = {
  normal: 1000,
  /** The session's time is over, or the server stops: another one may be opened. */
  goingAway: 1001,
  /** What the client may do has ended: its credential, its credits. An `error` event said why. */
  policy: 1008,
  /** The server failed. */
  internal: 1011,
  /** The client does not keep up, or the server has no room. */
  tryAgainLater: 1013,
  /** OpenAI's, for the shapes of the beta. */
  beta: 4000,
} as const;
