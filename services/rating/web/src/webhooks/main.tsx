import { Shell } from "@candor/ui/components/shell.tsx";
import { settings } from "@candor/ui/settings.ts";
import { staffPage } from "@candor/ui/staff.tsx";
import "../quality-control/quality-control.css";
import "./webhooks.css";
import { isAdminOfAll } from "../quality-control/default.ts";
import { t as room } from "../texts.ts";
import { Forbidden, WebhooksPage } from "./page.tsx";
import { t } from "./texts.ts";

interface Told {
  /** Where people reach each service; empty if that isn't known. */
  urls?: Partial<Record<"chat" | "analytics", string>>;
}

const { urls = {} } = settings<Told>();
/** Where what became of a close is shown. */
const liveChat = urls.analytics ? `${urls.analytics}/live-chat` : null;

staffPage(() => {
  document.title = t("title");
  const others = [
    { address: liveChat, text: room("nav.liveChat") },
    { address: urls.chat && `${urls.chat}/channels`, text: room("nav.channels") },
  ];
  const navigation = [
    ...others.flatMap(({ address, text }) => (address ? [{ address, text }] : [])),
    { address: "/quality-control", text: room("title"), current: true },
  ];
  return (
    <Shell navigation={navigation}>
      {(person) => (isAdminOfAll(person) ? <WebhooksPage liveChat={liveChat} /> : <Forbidden />)}
    </Shell>
  );
});
