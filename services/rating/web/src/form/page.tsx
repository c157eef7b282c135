/** What the form's page shows, moment by moment. */
import { shortTime } from "@candor/ui/format.ts";
import type { Problem } from "@candor/ui/problems.ts";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { now, tickUntil } from "./clock.ts";
import { paint } from "./colours.ts";
import { endOf, type Form, momentOf } from "./form.ts";
import { ownLanguage, Refusal } from "./parts.tsx";
import { Question } from "./question.tsx";
import type { FormStore } from "./store.ts";
import { t } from "./texts.ts";
import { Thanks } from "./thanks.tsx";
import { tell } from "./widget.ts";

interface Shown {
  store: FormStore;
  inWidget: boolean;
}

export function FormPage({ store, inWidget }: Shown): JSX.Element | null {
  const form = store.form.value;
  const failure = store.failure.value;
  const main = useRef<HTMLElement>(null);
  const moment = form && momentOf(form, now.value, store.open.value);

  useLayoutEffect(() => paint(form?.colours ?? null), [form?.colours]);
  useEffect(() => tickUntil(form && endOf(form, now.value)), [form]);
  useFocusOfHeading(main, moment);
  useEffect(() => {
    if (!main.current) return;
    const watch = new ResizeObserver(([entry]) =>
      tell({ height: Math.ceil(entry?.borderBoxSize[0]?.blockSize ?? 0) }),
    );
    watch.observe(main.current);
    return () => watch.disconnect();
  }, [form === null && inWidget]);

  if (!form && inWidget) return null;
  return (
    <main ref={main} class={form?.scale.name === "points" ? "wide" : undefined}>
      {form ? (
        <>
          {!inWidget && <Channel name={form.channel_name} />}
          {form.test && <p class="test">{t("test")}</p>}
          <Body store={store} form={form} inWidget={inWidget} />
        </>
      ) : failure ? (
        <Failure problem={failure} />
      ) : (
        <Skeleton />
      )}
    </main>
  );
}

function Body({ store, form, inWidget }: Shown & { form: Form }): JSX.Element {
  const at = now.value;
  const time = (when: string): string => shortTime(when, at);
  switch (momentOf(form, at, store.open.value)) {
    case "question":
      return <Question store={store} form={form} />;
    case "thanks":
      return <Thanks store={store} form={form} inWidget={inWidget} />;
    case "declined":
      return (
        <Sentences title={t("declined.title")} refusal={store.refusal.value}>
          <p>{t("declined.text", { time: time(form.expires_at ?? "") })}</p>
          <button type="button" class="second" onClick={() => store.answerAgain()}>
            {t("declined.rate")}
          </button>
        </Sentences>
      );
    case "expired": {
      const until = form.expired_at ?? form.expires_at;
      const declined = form.state === "declined";
      return (
        <Sentences title={t("expired.title")} refusal={store.refusal.value}>
          {form.texts.expired && <p {...ownLanguage(form)}>{form.texts.expired}</p>}
          <p>
            {until
              ? t(declined ? "expired.declined" : "expired.text", { time: time(until) })
              : t("expired.plain")}
          </p>
        </Sentences>
      );
    }
    case "withdrawn":
      return (
        <Sentences title={t("withdrawn.title")}>
          <p>{t("withdrawn.text")}</p>
        </Sentences>
      );
    case "erased":
      return (
        <Sentences title={t("erased.title")}>
          <p>{t("erased.text")}</p>
        </Sentences>
      );
  }
}

interface Said {
  title: string;
  refusal?: Problem | null;
  children?: ComponentChildren;
}

function Sentences({ title, refusal, children }: Said): JSX.Element {
  return (
    <>
      <h1 tabIndex={-1}>{title}</h1>
      {refusal && <Refusal problem={refusal} />}
      {children}
    </>
  );
}

function Channel({ name }: { name: string }): JSX.Element {
  return (
    <p class="channel">
      <span aria-hidden="true">{[...name][0]?.toLocaleUpperCase()}</span>
      <bdi>{name}</bdi>
    </p>
  );
}

function Failure({ problem }: { problem: Problem }): JSX.Element {
  if (problem.status === 404) {
    return (
      <Sentences title={t("unknown.title")}>
        <p>{t("unknown.text")}</p>
      </Sentences>
    );
  }
  return (
    <Sentences title={t("failed.title")}>
      <p role="alert">{t(`problem.${problem.code}` as "problem.offline") || t("problem.unavailable")}</p>
      <button type="button" class="second" onClick={() => dispatchEvent(new Event("candor-again"))}>
        {t("failed.again")}
      </button>
    </Sentences>
  );
}

function Skeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-hidden="true">
      <i />
      <i />
      <div class="scale stars">
        {[1, 2, 3, 4, 5].map((each) => (
          <b key={each} />
        ))}
      </div>
    </div>
  );
}

/** After what somebody did, the heading of what came of it gets the focus; never when the page is opened. */
function useFocusOfHeading(main: { current: HTMLElement | null }, moment: string | null): void {
  const before = useRef(moment);
  useEffect(() => {
    const changed = before.current !== null && before.current !== moment;
    before.current = moment;
    const lost = document.activeElement === document.body;
    if (changed && lost && document.hasFocus()) main.current?.querySelector("h1")?.focus();
  }, [moment]);
}
