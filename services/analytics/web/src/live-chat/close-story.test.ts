import { beforeEach, expect, test, vi } from "vitest";
import { leaveStory, needStory, readStory, story } from "./close-story.ts";

const content = JSON.stringify({ urls: { rating: "https://rating.example" } });
vi.stubGlobal("navigator", { onLine: true });
vi.stubGlobal("document", { querySelector: () => ({ content }) });

/** Answers what is asked now, by hand. */
let asked: { url: string; answer: (body: object, status?: number) => void }[];

beforeEach(() => {
  leaveStory();
  asked = [];
  const fetched = (request: Request): Promise<Response> =>
    new Promise((done) => {
      const answer = (body: object, status = 200) => done(Response.json(body, { status }));
      asked.push({ url: request.url, answer });
    });
  vi.stubGlobal("fetch", vi.fn(fetched));
});

const settled = () =>
  vi.waitFor(() => expect([story.value.data, story.value.problem]).not.toEqual([null, null]));
const told = (close: string) => ({ close, rules: [], timeline: [] });
const request = (at: number) => vi.waitFor(() => asked[at] ?? Promise.reject(new Error("not asked")));

test("a story is asked for once, at rating, however many need it", async () => {
  needStory("d1.1");
  needStory("d1.1");
  (await request(0)).answer(told("d1.1"));
  await settled();
  needStory("d1.1");
  expect(asked.map(({ url }) => url)).toEqual(["https://rating.example/v1/closes/d1.1/story"]);
  expect(story.value).toMatchObject({ data: told("d1.1"), problem: null });
});

test("what comes late of another close is not shown with this one", async () => {
  needStory("d1.1");
  const late = await request(0);
  needStory("d2.1");
  (await request(1)).answer(told("d2.1"));
  await settled();
  late.answer(told("d1.1"));
  await new Promise((done) => setTimeout(done));
  expect(story.value.data).toEqual(told("d2.1"));
});

test("nothing of the close before is shown while another is read, or once it is left", async () => {
  needStory("d1.1");
  (await request(0)).answer(told("d1.1"));
  await settled();
  needStory("d2.1");
  expect(story.value.data).toBeNull();
  (await request(1)).answer({ type: "/problems/forbidden" }, 403);
  await settled();
  leaveStory();
  expect(story.value).toEqual({ data: null, readAt: null, problem: null });
  await readStory();
  expect(asked).toHaveLength(2);
});

test("what could not be read says so and is asked for again", async () => {
  needStory("d1.1");
  (await request(0)).answer({ type: "/problems/unavailable" }, 503);
  await settled();
  expect(story.value.problem?.code).toBe("unavailable");
  needStory("d1.1");
  (await request(1)).answer(told("d1.1"));
  await vi.waitFor(() => expect(story.value.problem).toBeNull());
  const again = readStory();
  (await request(2)).answer({ type: "/problems/unavailable" }, 503);
  await again;
  expect([story.value.data, story.value.problem?.status]).toEqual([told("d1.1"), 503]);
});

test("a failure that comes late is not told of another close", async () => {
  needStory("d1.1");
  const late = await request(0);
  needStory("d2.1");
  (await request(1)).answer(told("d2.1"));
  await settled();
  late.answer({ type: "/problems/unavailable" }, 503);
  await new Promise((done) => setTimeout(done));
  expect(story.value.problem).toBeNull();
});
