// Signing in with the issuer that the server names, where it names one (OAuth 2.1 code flow with PKCE).
// The token lives in this tab's session alone; the page itself holds no data, and every data route checks it.

const KEY = "sluice-session";
const EARLY = 60;
const FRESH = 120;

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function store(value) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch {
    // then a reload signs in again
  }
}

const now = () => Date.now() / 1000;

class Session {
  constructor() {
    this.login = null;
    this.kept = stored();
  }

  /** Read how to sign in, and take the answer of the issuer if this is one. */
  async begin() {
    const response = await fetch("login.json", { cache: "no-store" });
    const { data } = await response.json();
    if (!data.issuer) return;
    this.login = data;
    this.oauth = await import("./vendor/oauth4webapi.js");
    const here = new URL(location.href);
    if (here.searchParams.has("code") || here.searchParams.has("error")) await this.finish(here);
  }

  async token() {
    if (!this.login) return null;
    if (this.refused) throw new Error("This page does not accept your sign-in: ask whoever runs it.");
    if (this.kept.token && this.kept.until - EARLY > now()) return this.kept.token;
    this.leaving ??= this.leave(); // once, however many requests want the token
    await this.leaving;
    return new Promise(() => {}); // the browser is on its way to the issuer
  }

  /** The data was refused with this token. A fresh one that is refused would be refused again. */
  forget() {
    if (!this.kept.token) return; // several requests went out with it
    this.refused = now() - (this.kept.since ?? 0) < FRESH;
    this.kept = {};
    store(this.kept);
  }

  async server() {
    const issuer = new URL(this.login.issuer);
    const found = await this.oauth.discoveryRequest(issuer);
    return this.oauth.processDiscoveryResponse(issuer, found);
  }

  async leave() {
    const server = await this.server();
    const verifier = this.oauth.generateRandomCodeVerifier();
    const state = this.oauth.generateRandomState();
    store({ verifier, state, hash: location.hash });
    const target = new URL(server.authorization_endpoint);
    const asked = {
      client_id: this.login.client_id,
      redirect_uri: this.redirect(),
      response_type: "code",
      scope: this.login.scope ?? "openid",
      code_challenge: await this.oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
    };
    if (this.login.audience) asked.audience = this.login.audience;
    for (const [name, value] of Object.entries(asked)) target.searchParams.set(name, value);
    location.assign(target);
  }

  async finish(here) {
    const { verifier, state, hash } = this.kept;
    const client = { client_id: this.login.client_id };
    const server = await this.server();
    const checked = this.oauth.validateAuthResponse(server, client, here, state ?? this.oauth.expectNoState);
    const response = await this.oauth.authorizationCodeGrantRequest(
      server, client, this.oauth.None(), checked, this.redirect(), verifier ?? "",
    );
    const granted = await this.oauth.processAuthorizationCodeResponse(server, client, response);
    this.kept = { token: granted.access_token, since: now(), until: now() + (granted.expires_in ?? 300) };
    store(this.kept);
    history.replaceState(null, "", this.redirect() + (hash ?? ""));
  }

  redirect() {
    return location.origin + location.pathname;
  }
}

export const session = new Session();
