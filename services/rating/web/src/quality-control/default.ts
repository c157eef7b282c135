/** The default, loaded and saved as the settings of a channel are; supervisors read it, admins of every channel save it. */
import { data } from "@candor/ui/api.ts";
import type { Person } from "@candor/ui/session.ts";
import type { components } from "../api.gen.d.ts";
import { t } from "../texts.ts";
import { api, type Service, service } from "./editor.ts";
import { DEFAULT, type View } from "./settings.ts";

const PATH = "/v1/quality-control-default";

/** Without a dry run and a history: the default has neither. */
export const defaultService: Service = {
  ...service,
  read: async () => asView(await data(api.GET(PATH))),
  save: async (_, version, body) =>
    asView(await data(api.PUT(PATH, { params: { header: { "if-match": `"${version}"` } }, body }))),
};

function asView(found: components["schemas"]["DefaultView"]): View {
  const channel = { channel: DEFAULT, name: t("default.channel"), locales: [], default_locale: "en" };
  return { ...found, ...channel, recent_closes: 0, webhook_gone: false };
}

/** Whether somebody may change what concerns channels that aren't there yet, and all channels at once. */
export function isAdminOfAll({ roles, channels }: Pick<Person, "roles" | "channels">): boolean {
  return roles.includes("admin") && channels.includes("*");
}
