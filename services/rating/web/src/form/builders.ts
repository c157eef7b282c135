/** A form for tests. */
import type { Form } from "./form.ts";

export const NOW = new Date("2026-11-26T09:00:00Z");

export function aForm(part: Partial<Form> = {}): Form {
  return {
    form: "d1.1",
    token: "d1.1.secret",
    dialog: "d1",
    close_seq: 1,
    channel_name: "Course A",
    opened_at: "2026-11-26T08:31:00Z",
    closed_at: "2026-11-26T08:59:00Z",
    locale: "en",
    direction: "ltr",
    texts: {
      question: "How was it?",
      low_end: "Very bad",
      high_end: "Very good",
      comment: "Anything to add?",
      thanks: "Thank you.",
      expired: null,
    },
    scale: { name: "stars", lowest: 1, highest: 5 },
    comment: { mode: "required", required_at_or_below: 2, max_length: 20 },
    tags: [],
    follow_ups: [],
    operator_name: null,
    colours: null,
    state: "pending",
    expires_at: "2026-11-29T09:00:00Z",
    editable_until: null,
    edit_window: 900,
    expired_at: null,
    cancelled_reason: null,
    answer: null,
    test: false,
    ...part,
  };
}
