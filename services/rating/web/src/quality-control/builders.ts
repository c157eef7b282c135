/** Settings for tests. */
import { NONE, type Settings, type View } from "./settings.ts";

export function someSettings(part: Partial<Settings> = {}): Settings {
  return {
    enabled: true,
    scale: { name: "stars", satisfied_from: 4 },
    comment: { mode: "required", required_at_or_below: 2 },
    tags: [],
    follow_ups: [],
    names_operator: false,
    texts: { en: { ...NONE, question: "How was it?" }, fr: { ...NONE, question: "Alors ?" } },
    delay: 900,
    expiry: 259_200,
    edit_window: 604_800,
    offer_window: 86_400,
    cool_down: 2_592_000,
    eligibility: {
      closed_by: ["operator", "client"],
      needs_reply: true,
      least_client_messages: 0,
      least_operator_messages: 0,
      least_text: 0,
      skips_spam: true,
      skips_labels: [],
      share: 100,
      reopened: "each_close",
      once_within: 0,
    },
    ways: [{ way: "widget", after: 0 }],
    reminder: null,
    alert: null,
    accent: null,
    form_webhook: null,
    ...part,
  };
}

export function aView(version = 12, settings: Settings = someSettings()): View {
  const builtIn = {
    low_end: "Very bad",
    high_end: "Very good",
    comment: "More?",
    thanks: "Thank you.",
    expired: null,
  };
  return {
    version,
    saved_at: "2026-11-03T15:20:00Z",
    saved_by: { id: "clara", name: "Clara Moen" },
    restores: null,
    from_default: null,
    settings,
    channel: "bot",
    name: "Study bot",
    locales: ["en", "fr"],
    default_locale: "en",
    scales: [
      { name: "thumbs", lowest: 1, highest: 2 },
      { name: "faces", lowest: 1, highest: 3 },
      { name: "stars", lowest: 1, highest: 5 },
      { name: "points", lowest: 0, highest: 10 },
    ],
    built_in_texts: {
      en: { question: "How was your conversation?", ...builtIn },
      fr: { question: "Comment ?", ...builtIn, thanks: "Merci." },
    },
    mail_available: true,
    recent_closes: 207,
    webhook_gone: false,
  };
}
