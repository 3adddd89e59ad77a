/** Bounds on tokens that several modules of this folder share. */

/** Longer than any token that this service issues; hashing and parsing never see more. */
export const TOKEN_LENGTH_MAX = 8192;

/** The most that clocks may be set to differ: a revocation is kept for so long after its token's `exp`. */
export const CLOCK_TOLERANCE_SECONDS_MAX = 600;
