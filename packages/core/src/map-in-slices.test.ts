import { expect, test } from "vitest";
import { mapInSlices } from "./map-in-slices.ts";
import { createWorkSlices } from "./work-slices.ts";

test("all elements are mapped in order, and what is due runs in between", async () => {
  let ms = 0;
  const slices = createWorkSlices({ now: () => ms });
  const order: string[] = [];
  setImmediate(() => void order.push("due"));
  const square = (element: number) => {
    ms += 2;
    order.push(String(element));
    return element * element;
  };
  expect(await mapInSlices([1, 2, 3, 4, 5], square, slices)).toEqual([1, 4, 9, 16, 25]);
  expect(order).toEqual(["1", "2", "3", "due", "4", "5"]);
});

test("an abort ends it between two elements", async () => {
  const controller = new AbortController();
  let ms = 0;
  const slices = createWorkSlices({ signal: controller.signal, now: () => ms });
  const mapped: number[] = [];
  const pending = mapInSlices(
    [1, 2, 3],
    (element) => {
      ms += 5;
      mapped.push(element);
      controller.abort(new Error("gone"));
    },
    slices,
  );
  await expect(pending).rejects.toThrow("gone");
  expect(mapped).toEqual([1]);
});
