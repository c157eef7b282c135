import "./live-chat.css";
import { staffPage } from "@candor/ui/staff.tsx";
import { LiveChat } from "./page.tsx";

staffPage(() => <LiveChat />);
