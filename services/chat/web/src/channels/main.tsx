import { staffPage } from "@candor/ui/staff.tsx";
import { ChannelsPage } from "./page.tsx";
import "./channels.css";

staffPage(ChannelsPage);
