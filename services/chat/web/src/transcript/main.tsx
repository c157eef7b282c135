import { staffPage } from "@candor/ui/staff.tsx";
import { TranscriptPage } from "./page.tsx";
import "./transcript.css";

staffPage(TranscriptPage);
