import { settings } from "@candor/ui/settings.ts";
import { staffPage } from "@candor/ui/staff.tsx";
import "./quality-control.css";
import { Shell } from "@candor/ui/components/shell.tsx";
import { t } from "../texts.ts";
import { ChannelList } from "./channel-list.tsx";
import { defaultService, isAdminOfAll } from "./default.ts";
import { Editor } from "./editor.ts";
import { EditorPage } from "./page.tsx";
import { DEFAULT } from "./settings.ts";

interface Told {
  /** Where people reach each service; empty if that isn't known. */
  urls?: Partial<Record<"chat" | "rating" | "analytics", string>>;
}

const { urls = {} } = settings<Told>();
const query = new URLSearchParams(location.search);
const channel = query.get("channel");
/** A channel may be called "default". */
const ofDefault = !channel && query.has("default");
/** Where the other settings of the channel are. */
const general = urls.chat && channel ? `${urls.chat}/channels?channel=${encodeURIComponent(channel)}` : null;
/** Where what became of a close is shown. */
const liveChat = urls.analytics ? `${urls.analytics}/live-chat` : null;
const editor = channel ? new Editor(channel) : ofDefault ? new Editor(DEFAULT, defaultService) : null;

staffPage(() => {
  document.title = t("title");
  const others = [
    { address: liveChat, text: t("nav.liveChat") },
    { address: urls.chat && `${urls.chat}/channels`, text: t("nav.channels") },
  ];
  const navigation = [
    ...others.flatMap(({ address, text }) => (address ? [{ address, text }] : [])),
    { address: "/quality-control", text: t("title"), current: true },
  ];
  return (
    <Shell navigation={navigation}>
      {(person) =>
        editor ? (
          <EditorPage
            editor={editor}
            general={general}
            liveChat={liveChat}
            readOnly={ofDefault && !isAdminOfAll(person)}
            isAdmin={person.roles.includes("admin")}
          />
        ) : (
          <ChannelList ofAll={isAdminOfAll(person)} />
        )
      }
    </Shell>
  );
});
