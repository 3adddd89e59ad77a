/** `response.steer`: input for a response that runs. One message is read at a time, so it always comes too late. */

/** @returns the event that gives the input back */
export function refuseSteer({ input, previous_response_id }: Readonly<Record<string, unknown>>): object {
  const message = "This server can't steer a response. Send the input by a 'response.create' that goes on from it.";
  return {
    type: "response.steer.failed",
    sequence_number: 0,
    steer: { input, previous_response_id },
    error: { type: "invalid_request_error", code: "steering_not_supported", message },
  };
}
