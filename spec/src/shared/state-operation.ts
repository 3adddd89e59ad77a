/** What the operations on what an account has stored have in common. */

/** The errors of such an operation, and of one that also reads a body. */
const STATE_ERRORS = [400, 401, 403, 404, 429, 500, 503] as const;
export const STATE_BODY_ERRORS = [400, 401, 403, 404, 408, 413, 415, 429, 500, 503] as const;

/** Who may prompt may keep, see and delete what came of it. */
export const STATE = {
  request: null,
  responseByFormat: {},
  streamEvent: null,
  capability: { domain: "ai", can: "PROMPT" },
  extension: false,
  errorStatuses: STATE_ERRORS,
} as const;
