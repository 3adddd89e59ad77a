/** The codes that this server closes a realtime connection with (RFC 6455, section 7.4, and OpenAI's own). */

export const CLOSE_CODES = {
  /** The server stops. */
  goingAway: 1001,
  /** What the client may do has ended: its credential, its credits, its time. An `error` event said why. */
  policy: 1008,
  /** The server failed. */
  internal: 1011,
  /** OpenAI's, for the shapes of the beta. */
  beta: 4000,
} as const;
