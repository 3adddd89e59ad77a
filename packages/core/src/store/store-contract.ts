/**
 * The suites that every store passes, one door for the packages that implement them. Import it from a test file only.
 */

export { apiKeyStoreContract } from "./api-key-store-contract.ts";
export { clientSecretStoreContract } from "./client-secret-store-contract.ts";
export { creditStoreContract } from "./credit-store-contract.ts";
export { modelStoreContract } from "./model-store-contract.ts";
export { responseRunStoreContract } from "./response-run-store-contract.ts";
export { responseStoreContract } from "./response-store-contract.ts";
export { taskStoreContract } from "./task-store-contract.ts";
export { tokenRevocationStoreContract } from "./token-revocation-store-contract.ts";
export { rateLimitStoreContract } from "./rate-limit-store-contract.ts";
