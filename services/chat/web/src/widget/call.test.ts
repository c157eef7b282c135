import { afterEach, expect, test, vi } from "vitest";
import { caller } from "./call.ts";

afterEach(() => vi.unstubAllGlobals());

/** A call as a visitor of a service that answers with these, in turn; `bearers` are those that it was sent. */
function calling(...responses: Response[]) {
  const bearers: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_: string, { headers }: { headers: Record<string, string> }) => {
    bearers.push(headers.Authorization ?? null);
    return responses.shift();
  });
  vi.stubGlobal("navigator", { onLine: true });
  const call = caller("https://chat.example", async (again) => (again ? "new" : "old"));
  return { bearers, answer: call<object>("GET", "/v1/visitors/me/dialogs") };
}

const refused = (status: number): Response => Response.json({ type: "/problems/token-expired" }, { status });

test("a call whose token is refused is made once more, with another", async () => {
  const { bearers, answer } = calling(refused(401), Response.json({ dialogs: [] }));
  expect(await answer).toEqual({ dialogs: [] });
  expect(bearers).toEqual(["Bearer old", "Bearer new"]);
});

test("a call that is refused again says why", async () => {
  const { bearers, answer } = calling(refused(401), refused(401));
  await expect(answer).rejects.toMatchObject({ code: "token-expired", status: 401 });
  expect(bearers).toHaveLength(2);
});

test("what is no answer of chat's is a problem that may pass", async () => {
  const { answer } = calling(new Response("<html>Sign in to this network"));
  await expect(answer).rejects.toMatchObject({ code: "unavailable", status: 0 });
});
