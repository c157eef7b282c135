/** What the charts are made from, as the API has it. */
import type { components } from "../../../api.gen.d.ts";
import type { Channels, Distribution, Hours, Operators, Patterns, Summary } from "../../data.ts";

export type { Channels, Distribution, Hours, Operators, Patterns, Summary };

type Schemas = components["schemas"];
export type Bucket = Schemas["Bucket"];
export type Share = Schemas["Share"];
export type FunnelPosition = Schemas["FunnelPosition"];
export type ScaleDistribution = Schemas["ScaleDistribution"];
export type TimeMark = Schemas["TimeMark"];
export type OperatorRow = Schemas["OperatorRow"];
export type ChannelRow = Schemas["ChannelRow"];
export type FormVersion = Schemas["FormVersion"];
export type FormVersions = Schemas["FormVersions"];
/** The numbers of the whole, which every row is seen against. */
export type Whole = Pick<Summary, "closed" | "given" | "satisfied" | "csat" | "response_rate">;

/** How a value lies against the whole: clearly (outside of 99.8 %), slightly (outside of 95 %), or not apart. */
export type Standing = "above" | "below" | "slightly-above" | "slightly-below" | null;

const STANDINGS: Record<FunnelPosition, Standing> = {
  above_998: "above",
  below_998: "below",
  above_95: "slightly-above",
  below_95: "slightly-below",
  inside: null,
};

export const standingOf = (funnel: FunnelPosition | null): Standing => (funnel ? STANDINGS[funnel] : null);
