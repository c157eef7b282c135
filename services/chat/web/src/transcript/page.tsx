/** What was written in a dialog, for whoever supervises its channel; that they read it is on record. */
import { Banner, ProblemBanner } from "@candor/ui/components/banner.tsx";
import { type NavigationEntry, Shell } from "@candor/ui/components/shell.tsx";
import { exactTime, moment } from "@candor/ui/format.ts";
import { mayPass } from "@candor/ui/problems.ts";
import { type Person, session } from "@candor/ui/session.ts";
import { settings } from "@candor/ui/settings.ts";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t as shared } from "../texts.ts";
import { type Entry, type Message, type Transcript, timeline } from "../timeline.ts";
import { channelName, next, problem, read, transcript } from "./reading.ts";
import { t } from "./texts.ts";

const query = new URLSearchParams(location.search);
/** The close from whose review somebody came; 0 if from none. */
const close = Number(query.get("close") ?? 0);
const zone = zoneOf(query.get("zone"));

/** The zone of Live Chat, if it is one; else the reader's. */
function zoneOf(asked: string | null): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    new Intl.DateTimeFormat("en", { timeZone: asked ?? own });
    return asked ?? own;
  } catch {
    return own;
  }
}

export function TranscriptPage(): JSX.Element {
  document.title = `${t("title")} · Candor`;
  const now = session.value;
  const isOpen = now.state === "signed-in" && mayRead(now.person);
  return (
    <Shell navigation={isOpen ? navigation() : []}>
      {(person) => (mayRead(person) ? <Opened /> : <Forbidden person={person} />)}
    </Shell>
  );
}

/** Live Chat, from where one comes, refuses operators, whatever else they are. */
function mayRead({ roles }: Person): boolean {
  return ["supervisor", "admin"].some((role) => roles.includes(role)) && !roles.includes("operator");
}

function navigation(): NavigationEntry[] {
  const { urls } = settings<{ urls: Record<"analytics", string> }>();
  return [{ address: `${urls.analytics}/live-chat`, text: t("nav.liveChat") }];
}

function Forbidden({ person }: { person: Person }): JSX.Element {
  return (
    <div class="center">
      <h1>{t("forbidden.title")}</h1>
      <p>{t("forbidden.text", { name: person.name ?? person.sub, role: person.roles.join(", ") })}</p>
    </div>
  );
}

function Opened(): JSX.Element {
  const dialog = query.get("dialog");
  useEffect(() => {
    if (dialog)
      void read(dialog).then(() => document.getElementById(`reopened-${close - 1}`)?.scrollIntoView());
  }, []);
  const found = transcript.value;
  return (
    <div class="transcript">
      <h1>{t("title")}</h1>
      {found && <Facts found={found} />}
      {!dialog && (
        <p>
          {t("choose")}{" "}
          {navigation().map(({ address, text }) => (
            <a key={address} href={address}>
              {text}
            </a>
          ))}
        </p>
      )}
      {dialog && !found && !problem.value && <Bones />}
      {found && <Written found={found} />}
      {dialog && problem.value && (
        <ProblemBanner
          problem={problem.value}
          title={t(found ? "failed.more" : "failed")}
          own={shared}
          {...(mayPass(problem.value) ? { again: () => void read(dialog) } : {})}
        />
      )}
      {dialog && next.value && !problem.value && <More dialog={dialog} />}
    </div>
  );
}

function Facts({ found }: { found: Transcript }): JSX.Element {
  const count = found.messages.length;
  return (
    <>
      <p class="facts">
        <strong dir="auto">{channelName.value}</strong>
        <span>{t("opened", { time: exactTime(found.opened_at, zone) })}</span>
        {!next.value && count > 0 && <span>{t("shown", { count })}</span>}
        <span>{t("zone", { zone })}</span>
      </p>
      <p class="small quiet">{t("recorded")}</p>
    </>
  );
}

function Written({ found }: { found: Transcript }): JSX.Element {
  const day = (at: string): string => moment(at, { dateStyle: "full" }, zone);
  return (
    <>
      {found.messages.some(({ text }) => text.state === "erased") && (
        <Banner kind="note" title={t("erased.title")}>
          {t("erased.text")}
        </Banner>
      )}
      {found.messages.length === 0 && <p class="quiet">{t("none")}</p>}
      <ol>
        {timeline(found, day).map((entry) => (
          <Line key={entry.key} entry={entry} locale={found.locale} />
        ))}
      </ol>
    </>
  );
}

function Line({ entry, locale }: { entry: Entry; locale: string | null }): JSX.Element {
  switch (entry.kind) {
    case "day":
      return <li class="day small quiet">{moment(entry.at, { dateStyle: "full" }, zone)}</li>;
    case "message":
      return <Said message={entry.message} locale={locale} />;
    case "closed": {
      const { close_seq: number, closed_by: by } = entry.ending;
      return (
        <Happened at={entry.at}>
          {t(`closed.${by}`)} ·{" "}
          <span class="quiet">{t(number === close ? "closed.this" : "closed.number", { number })}</span>
        </Happened>
      );
    }
    case "reopened":
      return (
        <Happened at={entry.at} id={entry.key.replace(" ", "-")}>
          {t("reopened")}
        </Happened>
      );
  }
}

interface Happening {
  at: string;
  id?: string;
  children: ComponentChildren;
}

const Happened = ({ at, id, children }: Happening): JSX.Element => (
  <li class="event" id={id}>
    <Time at={at} />
    <span>{children}</span>
  </li>
);

const Time = ({ at }: { at: string }): JSX.Element => (
  <time class="quiet" dateTime={at} title={exactTime(at, zone)}>
    {moment(at, { timeStyle: "medium" }, zone)}
  </time>
);

function Said({ message, locale }: { message: Message; locale: string | null }): JSX.Element {
  const { author, operator, name, kind, posted_at, text } = message;
  const isClient = author === "client";
  return (
    <li class={`message ${author}`} id={`message-${message.message}`} tabIndex={-1}>
      <Time at={posted_at} />
      <strong dir="auto">
        {isClient ? t("client") : (name ?? operator)}
        {kind && kind !== "person" && <small class="quiet"> {t(`kind.${kind}`)}</small>}
      </strong>
      {text.state === "open" ? (
        <p dir="auto" lang={isClient ? (locale ?? undefined) : undefined}>
          {text.text}
        </p>
      ) : (
        <p class="gone">{t(`text.${text.state}`)}</p>
      )}
    </li>
  );
}

function More({ dialog }: { dialog: string }): JSX.Element {
  const more = async (): Promise<void> => {
    const before = transcript.peek()?.messages.length ?? 0;
    await read(dialog);
    const first = transcript.peek()?.messages[before];
    if (first) document.getElementById(`message-${first.message}`)?.focus();
  };
  return (
    <button type="button" class="button no-print" onClick={() => void more()}>
      {t("more")}
    </button>
  );
}

function Bones(): JSX.Element {
  return (
    <div aria-busy="true">
      <span class="unseen">{t("reading")}</span>
      {[42, 64, 30, 55].map((width) => (
        <div class="message" key={width}>
          <span class="skeleton">00:00</span>
          <span class="skeleton">Client</span>
          <p class="skeleton" style={{ "--w": `${width}%` }}>
            .
          </p>
        </div>
      ))}
    </div>
  );
}
