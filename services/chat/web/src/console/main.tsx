import { staffPage } from "@candor/ui/staff.tsx";
import { ConsolePage } from "./page.tsx";
import "./console.css";

staffPage(ConsolePage);
