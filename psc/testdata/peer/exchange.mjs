// The authorization server of an API that we did not write (npm oidc-provider),
// in the place of one of the trust space: it exchanges tokens of Pro Santé
// Connect (RFC 8693), which it introspects there over mutual TLS, for tokens of
// its own that are bound to the certificate of the caller (RFC 8705). The test
// gives the setting as one JSON document on standard input; the port is printed
// as JSON on the first line of standard output; the end of standard input ends
// the server.
import { createServer, request } from 'node:https';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline';
import Provider, { errors } from 'oidc-provider';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setting = JSON.parse((await lines.next()).value);

const tls = { ...setting.tls, requestCert: true, rejectUnauthorized: false };
let handle = (req, res) => { res.writeHead(503); res.end(); };
const server = createServer(tls, (req, res) => handle(req, res));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

// ask introspects a token at Pro Santé Connect (RFC 7662).
function ask(token) {
  const body = new URLSearchParams({ client_id: setting.introspection.client, token }).toString();
  return new Promise((done, fail) => {
    const req = request(setting.introspection.url, {
      method: 'POST', ...setting.introspection.tls, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length },
    }, (res) => {
      let text = '';
      res.on('data', (part) => { text += part; });
      res.on('end', () => done(JSON.parse(text)));
    });
    req.on('error', fail);
    req.end(body);
  });
}

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const peer = (ctx) => { const c = ctx.socket.getPeerCertificate(); return c?.raw && new X509Certificate(c.raw); };
const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const api = { scope: 'sign', audience: setting.audience, accessTokenFormat: setting.opaque ? 'opaque' : 'jwt', jwt: { sign: { alg: 'RS256' } } };
const people = new Map();

const provider = new Provider(`https://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...signing, use: 'sig', alg: 'RS256', kid: 'api-1' }] },
  clients: [{
    client_id: setting.client.id,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: setting.client.commonName,
    tls_client_certificate_bound_access_tokens: true,
    grant_types: [exchange],
    response_types: [],
    redirect_uris: [],
  }],
  clientAuthMethods: ['tls_client_auth'],
  scopes: ['openid', 'sign'],
  cookies: { keys: ['only for this run'] },
  findAccount: (ctx, sub) => people.has(sub) && { accountId: sub, claims: () => ({ sub }) },
  extraTokenClaims: (ctx, token) => ({ SubjectNameID: people.get(token.accountId), azp: token.clientId }),
  ttl: { AccessToken: 14400 },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: { enabled: true, defaultResource: () => setting.audience, getResourceServerInfo: () => api },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      certificateBoundAccessTokens: true,
      getCertificate: peer,
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn' && ctx.socket.getPeerCertificate().subject?.CN === expected,
    },
  },
});

const params = ['subject_token', 'subject_token_type', 'scope', 'audience', 'subject_issuer', 'requested_token_type', 'actor_token', 'actor_token_type'];
provider.registerGrantType(exchange, async (ctx) => {
  const given = ctx.oidc.params;
  if (!given.subject_token || given.subject_token_type !== 'urn:ietf:params:oauth:token-type:access_token') {
    throw new errors.InvalidRequest('subject_token and its type expected');
  }
  if (given.scope !== 'sign') throw new errors.InvalidScope('scope sign expected', given.scope);
  const told = await ask(given.subject_token);
  if (!told.active || !told.SubjectNameID) throw new errors.InvalidGrant('subject_token');
  if (Date.now() / 1000 - told.iat > 120) throw new errors.InvalidGrant('subject_token too old');
  people.set(told.sub, told.SubjectNameID);
  const token = new provider.AccessToken({
    client: ctx.oidc.client, accountId: told.sub, gty: 'token_exchange', scope: 'sign', expiresIn: 14400,
    extra: { SubjectNameID: told.SubjectNameID, azp: ctx.oidc.client.clientId },
  });
  token.resourceServer = new provider.ResourceServer(setting.audience, api);
  token.setThumbprint('x5t', peer(ctx));
  ctx.body = {
    access_token: await token.save(), issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer', expires_in: 14400, scope: 'sign',
  };
}, params);

handle = provider.callback();
console.log(JSON.stringify({ port }));

for await (const line of lines) { /* until the test closes it */ }
process.exit(0);
