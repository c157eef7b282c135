/** Whom one can be: each opens their page in a tab of its own, signed in. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { type Person, people, tokenOf } from "./data.ts";

const failed = signal<Problem | null>(null);
const copied = signal<string | null>(null);

export function EnterAs(): JSX.Element {
  return (
    <section aria-labelledby="enter">
      <h2 id="enter">{t("enter.title")}</h2>
      <p class="quiet">{t("enter.text")}</p>
      {failed.value && <ProblemBanner problem={failed.value} title={t("enter.failed")} />}
      <ul class="people">
        {people.value.map((person) => (
          <li key={person.id}>
            <div>
              <b>{t(`role.${person.role}` as "role.admin")}</b> {person.name}{" "}
              <span class="quiet">· {where(person)}</span>
              <div class="quiet">{t(`does.${person.role}` as "does.admin")}</div>
            </div>
            {person.role !== "visitor" && (
              <button
                type="button"
                class="button icon plain"
                aria-label={t("enter.copy", { name: person.name })}
                title={t("enter.copy", { name: person.name })}
                onClick={() => attempt(() => copy(person))}
              >
                <Icon name={copied.value === person.id ? "check" : "copy"} />
              </button>
            )}
            <button type="button" class="button" onClick={() => attempt(() => open(person))}>
              {t(`open.${person.role}` as "open.admin")}
            </button>
          </li>
        ))}
      </ul>
      <p class="unseen" role="status">
        {copied.value && t("enter.copied")}
      </p>
    </section>
  );
}

function where({ channel_names: names }: Person): string {
  return names.length ? t("enter.only", { channels: names.join(", ") }) : t("enter.everywhere");
}

async function attempt(work: () => Promise<void>): Promise<void> {
  failed.value = null;
  try {
    await work();
  } catch (error) {
    failed.value = asProblem(error);
  }
}

async function open(person: Person): Promise<void> {
  // Opened at once: after a wait the browser would take it for an advertisement.
  const tab = window.open("about:blank", "_blank");
  // Health needs no token, and is no page that takes it out of the address.
  const token = person.role === "platform" ? null : await tokenOf(person);
  const address = token ? `${person.address}#token=${token}` : person.address;
  if (tab) tab.location.href = address;
  else location.href = address;
}

async function copy(person: Person): Promise<void> {
  await navigator.clipboard.writeText((await tokenOf(person)) ?? "");
  copied.value = person.id;
  setTimeout(() => {
    copied.value = null;
  }, 2_000);
}
