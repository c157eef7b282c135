/** Said while there is no network: what was changed stays. */
import { Banner } from "@candor/ui/components/banner.tsx";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "./texts.ts";

export function Offline(): JSX.Element | null {
  const offline = useSignal(!navigator.onLine);
  useEffect(() => {
    const look = (): void => {
      offline.value = !navigator.onLine;
    };
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  if (!offline.value) return null;
  return (
    <Banner kind="warn" title={t("offline.title")}>
      {t("offline.text")}
    </Banner>
  );
}
