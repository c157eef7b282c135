/** What happened, what was kept, and what to do: for what is stale, unsaved or broken. */
import type { ComponentChildren, JSX } from "preact";
import { type Problem, sentence } from "../problems.ts";
import { t } from "../texts.ts";
import { Icon } from "./icons.tsx";

interface Shown {
  kind: "warn" | "bad" | "note";
  title: string;
  children?: ComponentChildren;
  actions?: ComponentChildren;
}

export function Banner({ kind, title, children, actions }: Shown): JSX.Element {
  return (
    <div class={`banner ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <Icon name={kind === "note" ? "info" : "alert"} />
      <div>
        <strong>{title}</strong>
        {children && <p>{children}</p>}
      </div>
      {actions}
    </div>
  );
}

interface Refused {
  problem: Problem;
  title: string;
  /** The room's own texts, for problems that only it knows. */
  own?: (key: never, args?: Record<string, string | number | boolean>) => string;
  again?: () => void;
}

/** A problem as a banner, with the id by which the platform team finds the request. */
export function ProblemBanner({ problem, title, own, again }: Refused): JSX.Element {
  const button = again && (
    <button type="button" class="button" onClick={again}>
      {t("tryAgain")}
    </button>
  );
  return (
    <Banner kind="bad" title={title} actions={button}>
      {sentence(problem, own)}
      {problem.status >= 500 && problem.instance && <> {t("requestId", { id: problem.instance })}</>}
    </Banner>
  );
}
