/** The frame of staff pages: head with navigation, who works here, language and colours; and what stands in for a page. */
import type { ComponentChildren, JSX } from "preact";
import { choose, LOCALES, locale } from "../i18n.ts";
import { sentence } from "../problems.ts";
import { scheme, toggleScheme } from "../scheme.ts";
import { followLink, type Person, session } from "../session.ts";
import { t } from "../texts.ts";
import { Menu } from "./controls.tsx";
import { Icon, Mark } from "./icons.tsx";

export interface NavigationEntry {
  address: string;
  text: string;
  current?: boolean;
}

interface Frame {
  navigation: readonly NavigationEntry[];
  /** Stands before language and colours, such as a button for the shortcuts. */
  tools?: ComponentChildren;
  children: (person: Person) => ComponentChildren;
}

/** Shows its children to whoever is signed in; before that, what keeps the page closed. */
export function Shell({ navigation, tools, children }: Frame): JSX.Element {
  const now = session.value;
  return (
    <>
      <a class="skip" href="#content">
        {t("nav.skip")}
      </a>
      <header class="head">
        <span class="brand">
          <Mark /> <span>Candor</span>
        </span>
        <nav aria-label={t("nav.pages")}>
          {navigation.map((each) => (
            <a
              href={each.address}
              key={each.address}
              aria-current={each.current ? "page" : undefined}
              onClick={followLink}
            >
              {each.text}
            </a>
          ))}
        </nav>
        <div class="end">
          {tools}
          <LanguageMenu />
          <SchemeButton />
          {now.state === "signed-in" && <PersonMenu person={now.person} signOut={now.signOut} />}
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {now.state === "signed-in" ? children(now.person) : <SignInState />}
      </main>
    </>
  );
}

/** What a page shows that nobody is signed in to, or that is not for them. */
export function SignInState(): JSX.Element | null {
  const now = session.value;
  switch (now.state) {
    case "starting":
    case "signed-in":
      return null;
    case "not-set-up":
      return (
        <div class="center">
          <h1>{t("signIn.title")}</h1>
          <p>{t("signIn.notSetUp")}</p>
        </div>
      );
    case "signed-out":
      return (
        <div class="center">
          <h1>{t("signIn.title")}</h1>
          <p>{t(now.signIn ? "signIn.text" : "signIn.development")}</p>
          {now.signIn && (
            <button type="button" class="button first" onClick={now.signIn}>
              {t("signIn.button")}
            </button>
          )}
        </div>
      );
    case "failed":
      return (
        <div class="center">
          <h1>{t(now.problem.status === 403 ? "forbidden.title" : "failed.title")}</h1>
          <p role="alert">{sentence(now.problem)}</p>
          <button
            type="button"
            class="button"
            onClick={now.problem.status === 403 ? now.signOut : () => location.reload()}
          >
            {t(now.problem.status === 403 ? "who.signOut" : "tryAgain")}
          </button>
        </div>
      );
  }
}

export function LanguageMenu(): JSX.Element {
  return (
    <Menu
      label={`${t("language")}: ${locale.value}`}
      button={<span class="small">{locale.value}</span>}
      buttonClass="button plain icon"
    >
      {(close) =>
        LOCALES.map((each) => (
          <button
            type="button"
            class="item"
            key={each}
            lang={each}
            aria-checked={each === locale.value}
            role="menuitemradio"
            onClick={() => choose(each).then(close)}
          >
            {t(`language.${each}`)}
          </button>
        ))
      }
    </Menu>
  );
}

export function SchemeButton(): JSX.Element {
  const dark = scheme.value === "dark";
  const text = t(dark ? "scheme.light" : "scheme.dark");
  return (
    <button type="button" class="button plain icon" aria-label={text} title={text} onClick={toggleScheme}>
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}

export function PersonMenu({
  person,
  signOut,
}: {
  person: Person;
  signOut: () => Promise<void>;
}): JSX.Element {
  const name = person.name ?? person.sub;
  const all = person.channels.includes("*");
  return (
    <Menu
      label={name}
      button={
        // No text: whoever says what they see would have to say these letters.
        <span class="avatar" data-initials={initials(name)} />
      }
      buttonClass="button plain icon"
    >
      {() => (
        <>
          <div class="about">
            <div>{name}</div>
            <div class="small quiet">
              {all ? t("who.allChannels") : t("who.channels", { count: person.channels.length })}
            </div>
          </div>
          <button type="button" class="item" onClick={signOut}>
            {t("who.signOut")}
          </button>
        </>
      )}
    </Menu>
  );
}

/** "AL" for "Ann Lee": the first letters of the first and the last word, whole characters. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u);
  const first = [...(words[0] ?? "")][0] ?? "";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}
