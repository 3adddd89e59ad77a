/** The errors of operations that ask a model. */

/** The errors of an operation that sends a body to a model. */
export const MODEL_ERRORS = [400, 401, 403, 404, 408, 413, 415, 429, 500, 503] as const;
/** The same where a server may have no model of the kind. */
export const OPTIONAL_MODEL_ERRORS = [400, 401, 403, 404, 408, 413, 415, 429, 500, 501, 503] as const;
