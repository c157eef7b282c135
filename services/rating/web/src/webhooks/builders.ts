/** Webhooks for tests. */
import type { Delivery, Webhook } from "./webhook.ts";

export function aWebhook(part: Partial<Webhook> = {}): Webhook {
  return {
    webhook: "crm",
    version: 1,
    url: "https://crm.example/candor",
    events: ["given", "changed"],
    channels: [],
    score_at_or_below: null,
    enabled: true,
    gone: false,
    both_until: null,
    delivered_at: null,
    failing_since: null,
    ...part,
  };
}

export function aDelivery(number: number, part: Partial<Delivery> = {}): Delivery {
  return {
    delivery: `crm/rating:d${number}:3`,
    message: `rating:d${number}:3`,
    type: "given",
    channel: "shop",
    dialog: `d${number}`,
    close_seq: 1,
    created_at: "2026-11-26T08:40:00Z",
    state: "delivered",
    attempts: 1,
    due_at: null,
    delivered_at: "2026-11-26T08:40:01Z",
    reason: null,
    status: null,
    ...part,
  };
}
