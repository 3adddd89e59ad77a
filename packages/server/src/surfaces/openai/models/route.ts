/** `GET /models` and `GET /models/{model}`. */

import type { OperationHandler } from "../operation-handler.ts";
import { encodeModel, encodeModelList } from "./encode.ts";

export const listModels: OperationHandler = (call, { service }) =>
  Response.json(encodeModelList(service.listModels(call)));

export const retrieveModel: OperationHandler = (call, { service, pathParameter }) =>
  Response.json(encodeModel(service.retrieveModel(call, pathParameter("model"))));
