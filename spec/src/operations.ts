export type OperationId = "listModels" | "retrieveModel" | "createChatCompletion";
