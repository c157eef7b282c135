/** What the widget asks chat for. Every call can be repeated; what goes wrong is thrown as a `Problem`. */
import { client, data, type TokenSource } from "@candor/ui/api.ts";
import { follow } from "@candor/ui/live.ts";
import type { components, paths } from "../api.gen.d.ts";
import type { Message, Transcript } from "./conversation.ts";

type Schemas = components["schemas"];
export type Settings = Schemas["WidgetView"];
export type Admission = Schemas["VisitorGiven"];
export type OwnDialog = Schemas["OwnDialogView"];
/** How far each dialog has come, by its id. */
export type Versions = Schemas["DialogVersions"];
export type Api = ReturnType<typeof apiOf>;

const MOST_PAGES = 50;

/** The API of `channel` at chat's `origin`, for whose `token` it is. */
export function apiOf(origin: string, channel: string, locale: string, token: TokenSource) {
  const open = client<paths>(origin, async () => null);
  const own = client<paths>(origin, token);
  const at = { params: { path: { channel } } };

  return {
    settings: (): Promise<Settings> => data(open.GET("/v1/channels/{channel}/widget", at)),

    admit: (): Promise<Admission> =>
      data(open.POST("/v1/channels/{channel}/visitors", { ...at, body: { locale } })),

    /** Another token for whose `bearer` this is. */
    renew: (bearer: string): Promise<Admission> =>
      data(open.POST("/v1/visitors/me/token", { headers: { Authorization: `Bearer ${bearer}` } })),

    /** The newest first. */
    dialogs: async (): Promise<OwnDialog[]> => (await data(own.GET("/v1/visitors/me/dialogs"))).dialogs,

    /** A dialog, with those of its messages that came after the version `after`. */
    async read(dialog: string, after: number): Promise<Transcript> {
      const page = (query: { after: number } | { cursor: string }) =>
        data(own.GET("/v1/dialogs/{dialog}", { params: { path: { dialog }, query } }));
      let last = await page({ after });
      const messages = [...last.messages];
      for (let pages = 1; last.next_cursor && pages < MOST_PAGES; pages += 1) {
        last = await page({ cursor: last.next_cursor });
        messages.push(...last.messages);
      }
      return { ...last, messages };
    },

    open: (dialog: string) =>
      data(own.PUT("/v1/dialogs/{dialog}", { params: { path: { dialog } }, body: { locale } })),

    /** Undoes the close `close_seq`, or the last one. */
    reopen: (dialog: string, close_seq?: number) =>
      data(
        own.POST("/v1/dialogs/{dialog}/reopen", {
          params: { path: { dialog } },
          body: { close_seq: close_seq ?? null },
        }),
      ),

    async post(dialog: string, message: string, text: string): Promise<Message> {
      const path = { dialog, message };
      const { posted_at } = await data(
        own.PUT("/v1/dialogs/{dialog}/messages/{message}", { params: { path }, body: { text } }),
      );
      return { message, author: "client", name: null, posted_at, text: { state: "open", text } };
    },

    follow: (changed: (versions: Versions) => void, state: Parameters<typeof follow>[0]["state"]) =>
      follow<Versions>({ address: `${origin}/v1/visitors/me/changes`, token, changed, state }),
  };
}
