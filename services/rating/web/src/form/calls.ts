/** What the form asks of rating's API. */
import { client, data, type TokenSource } from "@candor/ui/api.ts";
import type { paths } from "../api.gen.d.ts";
import { setBy } from "./clock.ts";
import type { Form } from "./form.ts";
import type { Calls } from "./store.ts";

interface FormCalls extends Calls {
  mine: (locale: string | null) => Promise<Form[]>;
}

/** The calls, with a visitor's token where one is needed. */
export function calls(token: TokenSource = async () => null): FormCalls {
  const api = client<paths>("", token);
  api.use({ onResponse: ({ response }) => setBy(response) });
  const locale = navigator.languages[0] ?? null;
  return {
    mine: async (told) =>
      (await data(api.GET("/v1/forms/mine", { params: { query: { locale: told ?? locale } } }))).forms,
    read: (token) => data(api.POST("/v1/forms/read", { body: { token, locale } })),
    answer: (token, answer) => data(api.POST("/v1/forms/answer", { body: { token, locale, ...answer } })),
    decline: (token) => data(api.POST("/v1/forms/decline", { body: { token } })),
  };
}
