// A relying party that we did not write (npm openid-client), in the place of
// our client before our emulator. The test gives the setting as one JSON
// document on standard input and reads what happened, one JSON document a line.
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import * as oidc from 'openid-client';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setting = JSON.parse((await lines.next()).value);
const say = (what) => console.log(JSON.stringify(what));

// fetch of Node cannot present a certificate.
function mutual(url, { method, headers, body }) {
  return new Promise((done, fail) => {
    const req = request(url, { method, headers: Object.fromEntries(new Headers(headers)), ...setting.tls }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', fail);
      res.on('end', () => done(new Response(res.statusCode === 204 ? null : Buffer.concat(parts), { status: res.statusCode, headers: res.headers })));
    });
    req.on('error', fail);
    req.end(body == null ? undefined : String(body));
  });
}

const config = await oidc.discovery(new URL(setting.discovery), setting.client, undefined, oidc.TlsClientAuth(), { [oidc.customFetch]: mutual });
oidc.enableNonRepudiationChecks(config); // checks the signature of ID tokens too

// code is the login in a browser: the test is the browser, is given the address
// and gives back where it was sent.
async function code() {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = oidc.randomNonce();
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: setting.redirect, scope: 'openid scope_all', acr_values: 'eidas1', state: expectedState, nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  });
  say({ address: address.href });
  const back = new URL(JSON.parse((await lines.next()).value));
  return oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 300 });
}

async function login(person) {
  if (setting.redirect) return code();
  const pending = await oidc.initiateBackchannelAuthentication(config, {
    scope: 'openid scope_all', acr_values: 'eidas1', login_hint: person, binding_message: '07', channel: 'MOBILE',
  });
  return oidc.pollBackchannelAuthenticationGrant(config, pending);
}

for (const person of setting.people) {
  try {
    const tokens = await login(person);
    const { sub } = tokens.claims();
    const info = await oidc.fetchUserInfo(config, tokens.access_token, sub);
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    const before = await oidc.tokenIntrospection(config, next.access_token);
    await oidc.tokenRevocation(config, next.refresh_token, { token_type_hint: 'refresh_token' });
    const after = await oidc.tokenIntrospection(config, next.access_token);
    say({ person, claims: tokens.claims(), info, expires: tokens.expires_in, refreshed: next.access_token !== tokens.access_token, before, after });
  } catch (err) {
    say({ person, error: err.error ?? err.code ?? err.message, text: err.error_description, status: err.status });
  }
}
process.exit(0);
