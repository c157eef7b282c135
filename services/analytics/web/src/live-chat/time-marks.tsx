/** Marks on the time axis: what happened when, listed under the chart that shows them, added and removed by hand. */
import { client, data } from "@candor/ui/api.ts";
import { shortTime } from "@candor/ui/format.ts";
import { asProblem, type Problem, sentence } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { paths } from "../api.gen.d.ts";
import { t } from "../texts.ts";
import { address, dayIn, plusDays, range } from "./address.ts";
import type { PlacedMark } from "./charts/shapes/time-marks.ts";
import { clockIn, momentIn } from "./charts/shapes/time-marks.ts";
import type { TimeMark } from "./charts/shapes/types.ts";
import { marks } from "./data.ts";
import { channelName } from "./names.ts";
import { clock } from "./toolbar.tsx";

const LONGEST = 80;
const api = client<paths>("", token);
const problem = signal<Problem | null>(null);
/** What was removed last, as long as that can be undone. */
const removed = signal<TimeMark | null>(null);

/** Shows the marks at once as they will be read. */
function show(shown: readonly TimeMark[]): void {
  const before = marks.value.data;
  const inOrder = [...shown].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  marks.value = { ...marks.value, data: { complete: before?.complete ?? true, marks: inOrder } };
}

const others = (id: string): TimeMark[] => (marks.value.data?.marks ?? []).filter((each) => each.id !== id);

type Placing = Pick<TimeMark, "id" | "at" | "text" | "channels">;

/** Whether it was placed; else the problem is shown. */
async function place({ id, at, text, channels }: Placing): Promise<boolean> {
  return tried(async () => {
    const path = { mark: id };
    const body = { at, text, channels };
    const placed = await data(api.PUT("/v1/live-chat/marks/{mark}", { params: { path }, body }));
    removed.value = null;
    show([...others(id), placed]);
  });
}

async function remove(mark: TimeMark): Promise<void> {
  await tried(async () => {
    await data(api.DELETE("/v1/live-chat/marks/{mark}", { params: { path: { mark: mark.id } } }));
    removed.value = mark;
    show(others(mark.id));
  });
}

async function tried(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    problem.value = null;
    return true;
  } catch (error) {
    problem.value = asProblem(error);
    return false;
  }
}

export function TimeMarks({ placed }: { placed: readonly PlacedMark[] }): JSX.Element {
  const [isOpen, open] = useState(false);
  const add = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    open(false);
    add.current?.focus();
  };
  return (
    <section class="time-marks small" aria-label={t("marks.title")}>
      {placed.length > 0 && (
        <ol>
          {placed.map((each) => (
            <Line key={each.mark.id} {...each} />
          ))}
        </ol>
      )}
      {marks.value.data?.complete === false && <p class="quiet">{t("marks.incomplete")}</p>}
      <p class="time-marks-said no-print" role="status">
        {removed.value && <Undo mark={removed.value} done={() => add.current?.focus()} />}
      </p>
      {isOpen && <Adding close={close} />}
      {problem.value && (
        <p class="wrong" role="alert">
          {sentence(problem.value, t)}
        </p>
      )}
      <button
        ref={add}
        type="button"
        class="link no-print"
        aria-expanded={isOpen}
        onClick={() => open(!isOpen)}
      >
        {t("marks.add")}
      </button>
    </section>
  );
}

function Line({ mark, number }: PlacedMark): JSX.Element {
  const channels = mark.channels?.map(channelName).join(", ");
  const about = { name: mark.by.name, time: shortTime(mark.placed_at, clock.value, address.value.zone) };
  return (
    <li>
      <span class="flag" aria-hidden="true">
        {number}
      </span>
      <span title={t("marks.by", about)}>
        <time class="quiet" dateTime={mark.at}>
          {shortTime(mark.at, clock.value, address.value.zone)}
        </time>{" "}
        <span dir="auto">{mark.text}</span> {channels && <span class="quiet">{channels}</span>}
      </span>
      {mark.may_change && (
        <button
          type="button"
          class="link no-print"
          aria-label={t("marks.remove.what", { text: mark.text })}
          onClick={() => void remove(mark)}
        >
          {t("marks.remove")}
        </button>
      )}
    </li>
  );
}

function Undo({ mark, done }: { mark: TimeMark; done: () => void }): JSX.Element {
  const undo = useRef<HTMLButtonElement>(null);
  // The button that removed it is gone, and the focus with it.
  useEffect(() => undo.current?.focus(), [mark.id]);
  return (
    <>
      {t("marks.removed", { text: mark.text })}{" "}
      <button ref={undo} type="button" class="link" onClick={() => void place(mark).then(done)}>
        {t("marks.undo")}
      </button>
    </>
  );
}

/** Now, or noon of the last day of a period that is over. */
function suggested(): { date: string; time: string } {
  const { zone } = address.value;
  const now = new Date();
  const last = plusDays(range(address.value, now).to, -1);
  return last < dayIn(zone, now) ? { date: last, time: "12:00" } : clockIn(zone, now);
}

function Adding({ close }: { close: () => void }): JSX.Element {
  const { channel, zone } = address.value;
  const [first] = useState(suggested);
  const [id] = useState(() => crypto.randomUUID());
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = String(given.get("text")).trim();
    if (!text) return;
    const at = momentIn(zone, String(given.get("date")), String(given.get("time"))).toISOString();
    const channels = given.get("channels") === "chosen" ? [...channel] : null;
    if (await place({ id, at, text, channels })) close();
  };
  return (
    <form
      class="time-marks-add no-print"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <label class="field what">
        <span class="label">{t("marks.text")}</span>
        <input
          ref={field}
          class="input"
          name="text"
          required
          maxLength={LONGEST}
          placeholder={t("marks.text.example")}
          aria-describedby="marks-about"
          autoComplete="off"
        />
      </label>
      <label class="field">
        <span class="label">{t("marks.date")}</span>
        <input class="input" type="date" name="date" required defaultValue={first.date} />
      </label>
      <label class="field">
        <span class="label">{t("marks.time", { zone })}</span>
        <input class="input" type="time" name="time" required defaultValue={first.time} />
      </label>
      {channel.length > 0 && (
        <label class="field">
          <span class="label">{t("marks.channels")}</span>
          <select class="input" name="channels" defaultValue="chosen">
            <option value="chosen">{channel.map(channelName).join(", ")}</option>
            <option value="all">{t("marks.channels.all")}</option>
          </select>
        </label>
      )}
      <p class="quiet" id="marks-about">
        {t("marks.about")} {channel.length === 0 && t("marks.everyChannel")}
      </p>
      <p class="time-marks-actions">
        <button type="submit" class="button first">
          {t("marks.save")}
        </button>
        <button type="button" class="button" onClick={close}>
          {t("marks.cancel")}
        </button>
      </p>
    </form>
  );
}
