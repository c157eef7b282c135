/** The settings of one channel while they are changed: nothing that was typed is lost, whoever saves in between. */
import { client, data } from "@candor/ui/api.ts";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { batch, computed, signal } from "@preact/signals";
import type { paths } from "../api.gen.d.ts";
import {
  type Channel,
  type Colours,
  DEMANDS,
  type DryRun,
  DURATIONS,
  differences,
  type Entry,
  LISTS,
  type Part,
  rebased,
  type Settings,
  sectionOf,
  sent,
  type View,
} from "./settings.ts";

export const api = client<paths>("", token);

/** What the page asks of the service; each throws a `Problem`. */
export const service = {
  channels: async (): Promise<Channel[]> => (await data(api.GET("/v1/quality-control"))).channels,
  read: (channel: string): Promise<View> =>
    data(api.GET("/v1/quality-control/{channel}", { params: { path: { channel } } })),
  save: (channel: string, version: number, body: Settings): Promise<View> =>
    data(
      api.PUT("/v1/quality-control/{channel}", {
        params: { path: { channel }, header: { "if-match": `"${version}"` } },
        body,
      }),
    ),
  restore: (channel: string, version: number, old: number): Promise<View> =>
    data(
      api.POST("/v1/quality-control/{channel}/restore", {
        params: { path: { channel }, header: { "if-match": `"${version}"` } },
        body: { version: old },
      }),
    ),
  secret: async (channel: string): Promise<string> =>
    (
      await data(
        api.GET("/v1/quality-control/{channel}/form-webhook/secret", { params: { path: { channel } } }),
      )
    ).secret,
  rotate: async (channel: string): Promise<string> =>
    (
      await data(
        api.POST("/v1/quality-control/{channel}/form-webhook/rotate", { params: { path: { channel } } }),
      )
    ).secret,
  sendTest: async (channel: string, to: string, locale: string): Promise<void> => {
    await data(
      api.POST("/v1/quality-control/{channel}/test", {
        params: { path: { channel } },
        body: { to, locale },
      }),
    );
  },
  tryOut: (channel: string, settings: Settings): Promise<DryRun> =>
    data(
      api.POST("/v1/quality-control/{channel}/dry-run", {
        params: { path: { channel } },
        body: { settings, closes: 200 },
      }),
    ),
  colours: (channel: string, accent: string): Promise<Colours> =>
    data(
      api.GET("/v1/quality-control/{channel}/colours", { params: { path: { channel }, query: { accent } } }),
    ),
  versions: (
    channel: string,
    cursor: string | null,
  ): Promise<{ versions: Entry[]; next_cursor: string | null }> =>
    data(
      api.GET("/v1/quality-control/{channel}/versions", {
        params: { path: { channel }, query: { cursor, limit: 10 } },
      }),
    ),
  version: async (channel: string, version: number): Promise<Settings> =>
    (
      await data(
        api.GET("/v1/quality-control/{channel}/versions/{version}", {
          params: { path: { channel, version } },
        }),
      )
    ).settings,
};
export type Service = typeof service;

/** Somebody saved since the settings were read: who and when, and what the settings were before. */
export interface Meanwhile {
  who: string;
  when: string;
  version: number;
  before: Settings;
}

export class Editor {
  readonly view = signal<View | null>(null);
  /** As they are on the page. */
  readonly settings = signal<Settings | null>(null);
  readonly failure = signal<Problem | null>(null);
  readonly saving = signal(false);
  readonly refusal = signal<Problem | null>(null);
  readonly meanwhile = signal<Meanwhile | null>(null);
  /** The sentence for a part whose field does not hold what can be saved. */
  readonly wrong = signal<Partial<Record<Part, string>>>({});
  /** What the form makes of its accent; null for Candor's own. */
  readonly colours = signal<Colours | null>(null);
  /** When it was saved last on this page. */
  readonly saved = signal(0);

  readonly changed = computed((): Part[] => {
    const view = this.view.value;
    const settings = this.settings.value;
    return view && settings ? differences(view.settings, settings) : [];
  });
  readonly changedSections = computed(() => new Set(this.changed.value.map(sectionOf)));
  /** Also what was typed that can't be saved. */
  readonly unsaved = computed(
    () => this.changed.value.length > 0 || Object.keys(this.wrong.value).length > 0,
  );

  readonly channel: string;
  readonly #service: Service;

  constructor(channel: string, calls: Service = service) {
    this.channel = channel;
    this.#service = calls;
  }

  async load(): Promise<void> {
    try {
      this.#take(await this.#service.read(this.channel));
      this.failure.value = null;
    } catch (error) {
      this.failure.value = asProblem(error);
    }
  }

  change(change: (settings: Settings) => Settings, ...parts: Part[]): void {
    if (!this.settings.value) return;
    this.settings.value = change(this.settings.value);
    this.right(...parts);
  }

  right(...parts: Part[]): void {
    if (!parts.some((part) => part in this.wrong.value)) return;
    const left = Object.entries(this.wrong.value).filter(([part]) => !parts.includes(part as Part));
    this.wrong.value = Object.fromEntries(left);
  }

  isWrong(part: Part, sentence: string): void {
    this.wrong.value = { ...this.wrong.value, [part]: sentence };
  }

  discard(): void {
    batch(() => {
      this.settings.value = this.view.value?.settings ?? null;
      this.wrong.value = {};
      this.refusal.value = null;
      this.meanwhile.value = null;
    });
  }

  /** Saves; `fieldSentence` says what is wrong with a field. */
  async save(fieldSentence: (code: string) => string): Promise<void> {
    const { view, settings } = this;
    if (!view.value || !settings.value || Object.keys(this.wrong.value).length > 0) return;
    if (this.changed.value.length === 0) return;
    const [version, body] = [view.value.version, sent(settings.value)];
    await this.#sent(() => this.#service.save(this.channel, version, body), fieldSentence, settings.value);
  }

  /** Asks what the form makes of the accent; until that is known, its colours are those before. */
  async derive(accent: string | null): Promise<void> {
    try {
      const colours = accent === null ? null : await this.#service.colours(this.channel, accent);
      if (this.settings.value?.accent === accent) this.colours.value = colours;
    } catch {
      // It is asked again with the next change; saving needs no colours.
    }
  }

  /** Makes an older version hold again; what is changed and not saved stays so. */
  async restore(old: number): Promise<void> {
    const version = this.view.value?.version;
    if (version)
      await this.#sent(
        () => this.#service.restore(this.channel, version, old),
        () => "",
      );
  }

  /** Saves what is saved once more: that switches a webhook on whose endpoint was gone. */
  async saveAgain(): Promise<void> {
    const saved = this.view.value;
    if (saved)
      await this.#sent(
        () => this.#service.save(this.channel, saved.version, saved.settings),
        () => "",
      );
  }

  /** `base` are the settings that are sent; what is changed while they are stays, unsaved. */
  async #sent(
    call: () => Promise<View>,
    fieldSentence: (code: string) => string,
    base?: Settings,
  ): Promise<void> {
    if (this.saving.value) return;
    batch(() => {
      this.saving.value = true;
      this.refusal.value = null;
    });
    try {
      const next = await call();
      batch(() => {
        this.#take(next, base);
        this.meanwhile.value = null;
        this.saved.value = Date.now();
      });
    } catch (error) {
      await this.#refused(asProblem(error), fieldSentence);
    } finally {
      this.saving.value = false;
    }
  }

  async #refused(problem: Problem, fieldSentence: (code: string) => string): Promise<void> {
    const fields = problem.fields.flatMap(({ field, code }): [Part, string][] => {
      const part = partOf(field);
      return part ? [[part, fieldSentence(code)]] : [];
    });
    if (problem.code === "webhook-url-missing") fields.push(["form_webhook", fieldSentence(problem.code)]);
    if (problem.code === "threshold-not-on-scale") fields.push(["satisfied", fieldSentence(problem.code)]);
    if (problem.code === "alert-on-satisfied") fields.push(["alert", fieldSentence(problem.code)]);
    if (fields.length > 0) this.wrong.value = Object.fromEntries(fields);
    else this.refusal.value = problem;
    const old = this.view.value;
    if (problem.code !== "saved-meanwhile" || !old) return;
    const { who, when, version } = problem.facts;
    try {
      const theirs = await this.#service.read(this.channel);
      batch(() => {
        this.meanwhile.value = {
          who: String(who),
          when: String(when),
          version: Number(version),
          before: this.meanwhile.value?.before ?? old.settings,
        };
        this.refusal.value = null;
        this.#take(theirs);
      });
    } catch (error) {
      this.refusal.value = asProblem(error);
    }
  }

  /** Takes what is saved now; what was changed since `base` is put onto it. */
  #take(next: View, base: Settings | undefined = this.view.value?.settings): void {
    const mine = this.settings.value;
    batch(() => {
      this.view.value = next;
      this.settings.value = base && mine ? rebased(base, mine, next.settings) : next.settings;
    });
  }
}

/** The parts that are fields of a request, whatever is wrong inside of them. */
const WHOLE = [
  "enabled",
  ...DURATIONS,
  "comment",
  ...LISTS,
  "names_operator",
  "accent",
  "reminder",
  "ways",
  "alert",
  "form_webhook",
] as const;

/** The part that a field of a request is, by its path such as `body.texts.fr.question`. */
export function partOf(field: string): Part | null {
  const [, first, second, third] = field.split(".");
  if (first === "texts") return second && third ? `texts.${second}.${third}` : null;
  if (first === "eligibility") {
    if (second === undefined || second === "once_within") return "eligibility.reopened";
    return DEMANDS.some((name) => name === second) ? (`eligibility.${second}` as Part) : null;
  }
  if (first === "scale") return second === "satisfied_from" ? "satisfied" : "scale";
  return WHOLE.find((part) => part === first) ?? null;
}
