import { rateLimitStoreContract } from "@openai-compat/core/store-contract";
import { createMemoryRateLimits } from "./rate-limits.ts";

rateLimitStoreContract("the memory rate limits", createMemoryRateLimits);
