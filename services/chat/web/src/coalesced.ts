/** Runs one at a time; a call while it runs makes it run once more afterwards, and ends with that. */
export function coalesced(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  const whole = async (): Promise<void> => {
    try {
      do {
        again = false;
        await run();
      } while (again);
    } finally {
      running = null;
    }
  };
  return () => {
    again = true;
    running ??= whole();
    return running;
  };
}
