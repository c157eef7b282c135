/** The preview: the form's own page in a frame, told by message what is not saved yet; it sends nothing. */
import { Segments } from "@candor/ui/components/controls.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { type Scheme, scheme } from "@candor/ui/scheme.ts";
import { type Signal, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Previewed } from "../form/widget.ts";
import { t } from "../texts.ts";
import { MOMENTS, type PreviewMoment, previewForm } from "./preview-form.ts";
import { type Colours, localesOf, type Settings, type View } from "./settings.ts";

type Size = "phone" | "desktop";

/** What is shown in the preview. */
export class PreviewChoice {
  readonly locale: Signal<string | null> = signal(null);
  readonly moment: Signal<PreviewMoment> = signal("question");
  readonly size: Signal<Size> = signal("phone");
  readonly theme: Signal<Scheme> = signal(scheme.value);

  show(locale: string, moment: PreviewMoment): void {
    this.locale.value = locale;
    this.moment.value = moment;
  }
}

interface Shown {
  view: View;
  settings: Settings;
  choice: PreviewChoice;
  /** What the form makes of its accent; null for Candor's own. */
  colours: Colours | null;
  unsaved: boolean;
}

export function Preview({ view, settings, choice, colours, unsaved }: Shown): JSX.Element {
  const frame = useRef<HTMLIFrameElement>(null);
  const locales = localesOf(view, settings);
  const locale = choice.locale.value ?? view.default_locale;
  const moment = choice.moment.value;
  const theme = choice.theme.value;
  const told: Previewed = {
    ...previewForm(view, settings, locale, moment, new Date(), colours),
    theme,
  };
  const latest = useRef(told);
  latest.current = told;
  const tell = (): void =>
    frame.current?.contentWindow?.postMessage({ candor: "form", preview: latest.current }, location.origin);
  useEffect(tell, [settings, locale, moment, theme, colours]);
  useEffect(() => {
    const asked = (event: MessageEvent<{ candor?: string; wants?: string } | null>): void => {
      if (event.source === frame.current?.contentWindow && event.data?.wants === "preview") tell();
    };
    addEventListener("message", asked);
    return () => removeEventListener("message", asked);
  }, []);
  return (
    <aside class="preview" aria-labelledby="heading-preview">
      <div class="title">
        <h2 id="heading-preview">{t("preview")}</h2>
        <span class="small quiet">{t(unsaved ? "preview.unsaved" : "preview.saved")}</span>
      </div>
      <Moments moment={choice.moment} />
      <div class="choices">
        <Segments
          label={t("preview.locale")}
          value={locale}
          options={locales.map((value) => ({ value, text: value }))}
          onChange={(value) => (choice.locale.value = value)}
        />
        <Segments
          label={t("preview.size")}
          value={choice.size.value}
          options={(["phone", "desktop"] as const).map((value) => ({ value, text: t(`preview.${value}`) }))}
          onChange={(value) => (choice.size.value = value)}
        />
        <Segments
          label={t("preview.theme")}
          value={theme}
          options={[
            { value: "light", text: <Icon name="sun" />, name: t("preview.light") },
            { value: "dark", text: <Icon name="moon" />, name: t("preview.dark") },
          ]}
          onChange={(value) => (choice.theme.value = value)}
        />
      </div>
      <div class={`stage ${choice.size.value}`}>
        <iframe ref={frame} title={t("preview.title")} src="/form?preview" />
      </div>
    </aside>
  );
}

function Moments({ moment }: { moment: Signal<PreviewMoment> }): JSX.Element {
  const keys = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next =
      MOMENTS[(MOMENTS.indexOf(moment.value) + step + MOMENTS.length) % MOMENTS.length] ?? "question";
    moment.value = next;
    (event.currentTarget as HTMLElement).querySelectorAll("button")[MOMENTS.indexOf(next)]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={t("preview.moment")} tabIndex={-1} onKeyDown={keys}>
      {MOMENTS.map((each) => (
        <button
          type="button"
          role="tab"
          key={each}
          aria-selected={each === moment.value}
          tabIndex={each === moment.value ? 0 : -1}
          onClick={() => (moment.value = each)}
        >
          {t(`moment.${each}`)}
        </button>
      ))}
    </div>
  );
}
