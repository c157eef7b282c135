/** What the widget asks chat for. Every call can be repeated; what goes wrong is thrown as a `Problem`. */
import type { TokenSource } from "@candor/ui/api.ts";
import { follow } from "@candor/ui/live.ts";
import { Problem } from "@candor/ui/problems.ts";
import type { components } from "../api.gen.d.ts";
import { caller } from "./call.ts";
import type { Message, Transcript } from "./conversation.ts";

type Schemas = components["schemas"];
export type Settings = Schemas["WidgetView"];
export type Admission = Schemas["VisitorGiven"];
export type OwnDialog = Schemas["OwnDialogView"];
/** How far each dialog has come, by its id. */
export type Versions = Schemas["DialogVersions"];
export type Api = ReturnType<typeof apiOf>;

const MOST_PAGES = 60;

/** Who comes, as far as the page knows: people who are signed in there need not say it in the chat. */
export interface Contact {
  name?: string;
  email?: string;
}

/** The API of `channel` at chat's `origin`, for whose `token` it is; `contact` is whose that shall be. */
export function apiOf(
  origin: string,
  channel: string,
  locale: () => string,
  token: TokenSource,
  contact: Contact = {},
) {
  const anybody = caller(origin, async () => null);
  const own = caller(origin, token);
  const place = `/v1/channels/${encodeURIComponent(channel)}`;

  return {
    settings: () => anybody<Settings>("GET", `${place}/widget`),

    async admit(): Promise<Admission> {
      const admitted = (who: Contact) =>
        anybody<Admission>("POST", `${place}/visitors`, { locale: locale(), ...who });
      try {
        return await admitted(contact);
      } catch (error) {
        // What the page says wrong of somebody must not keep them from writing.
        if (!(error instanceof Problem) || error.status !== 422) throw error;
        return admitted({});
      }
    },

    /** Another token for whose `bearer` this is. */
    renew: (bearer: string) => caller(origin, async () => bearer)<Admission>("POST", "/v1/visitors/me/token"),

    /** The newest first. */
    dialogs: async () => (await own<Schemas["OwnDialogList"]>("GET", "/v1/visitors/me/dialogs")).dialogs,

    /** A dialog, with those of its messages that came after the version `after`. */
    async read(dialog: string, after: number): Promise<Transcript> {
      const page = (from: string) => own<Schemas["TranscriptView"]>("GET", `/v1/dialogs/${dialog}?${from}`);
      let last = await page(`after=${after}`);
      const messages = [...last.messages];
      for (let pages = 1; last.next_cursor && pages < MOST_PAGES; pages += 1) {
        last = await page(`cursor=${encodeURIComponent(last.next_cursor)}`);
        messages.push(...last.messages);
      }
      return { ...last, messages };
    },

    open: (dialog: string) =>
      own<Schemas["OpeningView"]>("PUT", `/v1/dialogs/${dialog}`, { locale: locale() }),

    /** Undoes the close with this number. */
    reopen: (dialog: string, close_seq: number) =>
      own<Schemas["ReopeningView"]>("POST", `/v1/dialogs/${dialog}/reopen`, { close_seq }),

    async post(dialog: string, message: string, text: string): Promise<Message> {
      const address = `/v1/dialogs/${dialog}/messages/${message}`;
      const { posted_at } = await own<Schemas["MessageView"]>("PUT", address, { text });
      return {
        message,
        author: "client",
        name: null,
        kind: "person",
        posted_at,
        text: { state: "open", text },
      };
    },

    follow: (changed: (versions: Versions) => void, state: Parameters<typeof follow>[0]["state"]) =>
      follow<Versions>({ address: `${origin}/v1/visitors/me/changes`, token, changed, state }),
  };
}
