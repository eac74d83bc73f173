// An OpenID provider that we did not write (npm oidc-provider), set up to stand
// where Pro Santé Connect stands: same paths, mutual TLS, CIBA by poll. The test
// gives the setting as one JSON document on standard input; the port is printed
// as JSON on the first line of standard output; the end of standard input ends
// the server.
import { createServer } from 'node:https';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline';
import Provider, { errors } from 'oidc-provider';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setting = JSON.parse((await lines.next()).value);

// The TLS server is first: the issuer holds its port.
const tls = { ...setting.tls, requestCert: true, rejectUnauthorized: false };
let handle = (req, res) => { res.writeHead(503); res.end(); };
const server = createServer(tls, (req, res) => handle(req, res));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
const base = `https://127.0.0.1:${port}`;
const realm = '/auth/realms/esante-wallet';
const at = (name) => `${realm}/protocol/openid-connect/${name}`;

const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const accounts = new Map(setting.people.map((p) => [p.claims.sub, p]));
const byHint = (hint) => setting.people.find((p) => p.hint === hint);
const peer = (ctx) => ctx.socket.getPeerCertificate();

const provider = new Provider(base + realm, {
  jwks: { keys: [{ ...signing, use: 'sig', alg: 'RS256', kid: 'peer-1' }] },
  clients: [{
    client_id: setting.client.id,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: setting.client.commonName,
    tls_client_certificate_bound_access_tokens: true,
    backchannel_token_delivery_mode: 'poll',
    grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token', 'authorization_code'],
    response_types: ['code'],
    redirect_uris: setting.client.redirects ?? [],
    require_auth_time: true,
  }],
  clientAuthMethods: ['tls_client_auth'],
  scopes: ['openid', 'scope_all'],
  acrValues: ['eidas1'],
  extraParams: ['channel', 'kc_idp_hint'],
  pkce: { required: () => true },
  claims: {
    openid: ['sub', 'acr', 'sid', 'auth_time'],
    scope_all: [...new Set(setting.people.flatMap((p) => Object.keys(p.claims)))].filter((name) => name !== 'sub'),
  },
  cookies: { keys: ['only for this run'], long: { sameSite: 'none' } },
  enableHttpPostMethods: true,
  findAccount: (ctx, sub) => accounts.has(sub) && { accountId: sub, claims: () => accounts.get(sub).claims },
  issueRefreshToken: () => true,
  rotateRefreshToken: () => true,
  ttl: {
    AccessToken: setting.accessLife, IdToken: 120, RefreshToken: 1800, Session: 14400, Grant: 14400, BackchannelAuthenticationRequest: setting.requestLife,
  },
  routes: {
    token: at('token'), userinfo: at('userinfo'), introspection: at('token/introspect'), revocation: at('revoke'), jwks: at('certs'),
    end_session: at('logout'), authorization: at('auth'), backchannel_authentication: at('ext/ciba/auth'),
  },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      certificateBoundAccessTokens: true,
      getCertificate: (ctx) => { const c = peer(ctx); return c?.raw && new X509Certificate(c.raw); },
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn' && peer(ctx).subject?.CN === expected,
    },
    ciba: {
      enabled: true,
      deliveryModes: ['poll'],
      processLoginHint: (ctx, hint) => byHint(hint)?.claims.sub,
      verifyUserCode: () => {},
      validateRequestContext: () => {},
      validateBindingMessage: (ctx, message) => {
        if (!/^[0-9]{2}$/.test(message ?? '')) throw new errors.InvalidBindingMessage('two digits expected');
      },
      triggerAuthenticationDevice: (ctx, request, account, client) => {
        const { decision } = accounts.get(account.accountId);
        if (decision === 'ignore') return;
        setTimeout(() => decide(request, account, client, decision), 50);
      },
    },
  },
});

// decide is the person with their telephone.
async function decide(request, account, client, decision) {
  if (decision === 'deny') {
    await provider.backchannelResult(request, new errors.AccessDenied('the person refused'));
    return;
  }
  const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  grant.addOIDCScope('openid scope_all');
  await grant.save();
  await provider.backchannelResult(request, grant, { acr: 'eidas1', amr: ['CARD'], authTime: Math.floor(Date.now() / 1000) });
}

// The service's own discovery document: elsewhere, and with the wallet's page.
provider.use(async (ctx, next) => {
  const own = ctx.path === '/.well-known/wallet-openid-configuration';
  if (own) ctx.path = '/.well-known/openid-configuration';
  await next();
  if (own && ctx.status === 200) ctx.body.authorization_endpoint = `https://localhost:${port}/auth`;
});

// interact is the login page: the browser of the test says who it is.
async function interact(req, res) {
  const { params } = await provider.interactionDetails(req, res);
  const hint = new URL(req.url, base).searchParams.get('person');
  const account = byHint(hint)?.claims.sub;
  if (!account) {
    await provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the person refused' });
    return;
  }
  const grant = new provider.Grant({ accountId: account, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  await provider.interactionFinished(req, res, { login: { accountId: account, acr: 'eidas1', amr: ['CARD'] }, consent: { grantId: await grant.save() } });
}

const callback = provider.callback();
handle = (req, res) => {
  if (req.url.startsWith('/interaction/')) {
    interact(req, res).catch((err) => { res.writeHead(400); res.end(err.message); });
    return;
  }
  // The wallet's page has another address than the engine's.
  if (req.url.startsWith('/auth?')) req.url = at('auth') + req.url.slice('/auth'.length);
  // The discovery document is below the realm, the other routes hold it.
  if (req.url.startsWith(`${realm}/.well-known/`)) req.url = req.url.slice(realm.length);
  callback(req, res);
};
console.log(JSON.stringify({ port }));

for await (const line of lines) { /* until the test closes it */ }
process.exit(0);
