// An OpenID Connect provider on loopback: node provider.mjs <folder that holds node_modules>
//
// Standard input, one JSON object a line. The first is the configuration:
//   port      of 127.0.0.1
//   keys      private JWKs with kid and alg; of several keys of an algorithm the first signs
//   alg       signs access tokens and ID tokens
//   audience  `aud` of access tokens
//   resource  the resource indicator (an absolute URI) that stands for the audience
//   scopes    the scopes that the resource knows
//   accounts  {login: claims}; `sub` identifies, all others go into the access token as well
//   client    {id, pages}: public, authorization code with PKCE, redirects to http://127.0.0.1:<any port>/callback
//   machine   {id, secret, claims}: client credentials; `claims` go into its access tokens
//   lifetime  seconds that tokens live
//   pages     addresses of the client named `client.pages`, a web one, after signing in and out
// Each later line is {keys, alg}: those keys replace the ones before.
// Every line is answered by one on standard output: {issuer, kids}. All else goes to standard error.
// It ends on SIGTERM, and when standard input ends: with whoever started it.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

console.info = console.warn = console.log = console.error;
const installed = createRequire(`${process.argv[2]}/`).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(installed).href);

const CALLBACK = "http://127.0.0.1/callback"; // RFC 8252, 7.3: with any port
const COOKIES = ["of the tests alone"];

function browser(id, pages) {
  return {
    client_id: id,
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: pages,
    post_logout_redirect_uris: pages,
  };
}

function askToSignOut(ctx, form) {
  const button = '<button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>';
  ctx.body = `<!doctype html><title>Sign out</title>${form}${button}`;
}

function configuration({ accounts, alg, audience, client, keys, lifetime, machine, pages, resource, scopes }) {
  const people = Object.values(accounts);
  const names = new Set(people.flatMap(Object.keys));
  const seconds = () => lifetime;
  return {
    jwks: { keys },
    clients: [
      {
        client_id: client.id,
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        redirect_uris: [CALLBACK],
        id_token_signed_response_alg: alg,
      },
      // Native clients are never signed in without a word, pages are.
      ...(pages.length ? [{ ...browser(client.pages, pages), id_token_signed_response_alg: alg }] : []),
      {
        client_id: machine.id,
        client_secret: machine.secret,
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: alg,
      },
    ],
    claims: { openid: ["sub"], profile: [...names].filter((name) => name !== "sub") },
    conformIdTokenClaims: false, // the claims of `profile` stand in the ID token, as most providers do it
    clientBasedCORS: () => true,
    cookies: { keys: COOKIES },
    extraTokenClaims: (_ctx, token) =>
      token.accountId ? people.find(({ sub }) => sub === token.accountId) : machine.claims,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true, logoutSource: askToSignOut },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience,
          scope: scopes.join(" "),
          accessTokenFormat: "jwt",
          jwt: { sign: { alg } },
        }),
      },
    },
    findAccount: (_ctx, id) => {
      const claims = people.find(({ sub }) => sub === id);
      return claims && { accountId: id, claims: () => claims };
    },
    issueRefreshToken: () => true, // to pages too, which renew a sign-in with it
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    ttl: {
      AccessToken: seconds, ClientCredentials: seconds, IdToken: seconds,
      AuthorizationCode: 60, Grant: 600, Interaction: 600, RefreshToken: 600, Session: 600,
    },
  };
}

// Whoever `login_hint` names is signed in and consents; a stranger is denied. Without one a page asks who it is.
async function signIn(provider, { accounts, resource }, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const chosen = params.login_hint ?? new URL(request.url, provider.issuer).searchParams.get("login");
  if (chosen === null || chosen === undefined) {
    const links = Object.keys(accounts).map((login) => `<a href="?login=${login}">${login}</a>`);
    response.writeHead(200, { "content-type": "text/html" });
    return response.end(`<!doctype html><title>Sign in</title>${links.join(" ")}`);
  }
  const account = Object.hasOwn(accounts, chosen) && accounts[chosen];
  if (!account) {
    const denied = { error: "access_denied", error_description: "nobody of this name" };
    return provider.interactionFinished(request, response, denied, { mergeWithLastSubmission: false });
  }
  const grant = new provider.Grant({ accountId: account.sub, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(resource, params.scope);
  const result = { login: { accountId: account.sub }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result);
}

let configured;
let provider;
let serve;

function configure(changes) {
  configured = { ...configured, ...changes };
  // A provider reads its keys once: other keys are another provider at the same address.
  provider = new Provider(`http://127.0.0.1:${configured.port}`, configuration(configured));
  provider.on("server_error", (_ctx, error) => console.error(error));
  serve = provider.callback();
  const kids = configured.keys.map(({ kid }) => kid);
  process.stdout.write(`${JSON.stringify({ issuer: provider.issuer, kids })}\n`);
}

const server = createServer((request, response) => {
  if (!request.url.startsWith("/sign-in/")) return serve(request, response);
  return signIn(provider, configured, request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});

function end() {
  server.close(() => process.exit(0));
  server.closeAllConnections();
}

process.on("SIGTERM", end);
const lines = createInterface({ input: process.stdin });
lines.on("close", end);
lines.on("line", (line) => {
  const changes = JSON.parse(line);
  if (configured) return configure(changes);
  return server.listen(changes.port, "127.0.0.1", () => configure(changes));
});
