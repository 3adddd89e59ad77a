import { apiKeyStoreContract } from "@openai-compat/core/store-contract";
import { createMemoryStore } from "./memory.ts";

apiKeyStoreContract("the store in memory", createMemoryStore);
