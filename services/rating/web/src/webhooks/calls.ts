/** What the page asks of the service; each throws a `Problem`. */
import { client, data } from "@candor/ui/api.ts";
import { token } from "@candor/ui/session.ts";
import type { components, paths } from "../api.gen.d.ts";
import type { DeliveryState, Draft, Webhook } from "./webhook.ts";

type Schemas = components["schemas"];

const api = client<paths>("", token);
const of = (webhook: string) => ({ path: { webhook } });
const basedOn = (version: number) => (version > 0 ? { header: { "if-match": `"${version}"` } } : {});

export const service = {
  list: async (): Promise<Webhook[]> => (await data(api.GET("/v1/webhooks"))).webhooks,
  channels: async (): Promise<Schemas["ChannelEntry"][]> =>
    (await data(api.GET("/v1/quality-control"))).channels,
  read: (id: string): Promise<Webhook> => data(api.GET("/v1/webhooks/{webhook}", { params: of(id) })),
  /** `version` is the one that was read, 0 for a new webhook. */
  save: (id: string, version: number, body: Draft): Promise<Webhook> =>
    data(api.PUT("/v1/webhooks/{webhook}", { params: { ...of(id), ...basedOn(version) }, body })),
  delete: async (id: string): Promise<void> => {
    await data(api.DELETE("/v1/webhooks/{webhook}", { params: of(id) }));
  },
  secret: async (id: string): Promise<string> =>
    (await data(api.GET("/v1/webhooks/{webhook}/secret", { params: of(id) }))).secret,
  rotate: async (id: string, version: number): Promise<string> =>
    (await data(api.POST("/v1/webhooks/{webhook}/rotate", { params: { ...of(id), ...basedOn(version) } })))
      .secret,
  deliveries: (
    id: string,
    state: DeliveryState | null,
    cursor: string | null,
    limit: number,
  ): Promise<Schemas["DeliveryPage"]> => {
    const query = { ...(state ? { state } : {}), ...(cursor ? { cursor } : {}), limit };
    return data(api.GET("/v1/webhooks/{webhook}/deliveries", { params: { ...of(id), query } }));
  },
  redeliver: (id: string, delivery: string): Promise<Schemas["DeliveryView"]> =>
    data(api.POST("/v1/webhooks/{webhook}/deliveries/redeliver", { params: of(id), body: { delivery } })),
  redeliverFailed: async (id: string): Promise<number> =>
    (await data(api.POST("/v1/webhooks/{webhook}/deliveries/redeliver-failed", { params: of(id) })))
      .redelivered,
};
export type Service = typeof service;
