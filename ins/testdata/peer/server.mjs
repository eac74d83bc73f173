// A SOAP server that we did not write (npm soap), in the place of INSi before
// our client. The test gives the setting as one JSON document on standard input:
// the TLS keys and what to answer to each operation. The port, then each request
// as the server understood it, are JSON lines on standard output; the end of
// standard input ends the server.
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import soap from 'soap';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setting = JSON.parse((await lines.next()).value);
const say = (what) => console.log(JSON.stringify(what));

const server = createServer({ ...setting.tls, requestCert: true, rejectUnauthorized: true }, (req, res) => { res.writeHead(404); res.end(); });
await new Promise((done) => server.listen(0, '127.0.0.1', done));

const operation = (name) => (args, callback, headers, req) => {
  say({ operation: name, args, headers, type: req.headers['content-type'], holder: req.socket.getPeerCertificate().subject.CN });
  const answer = setting.answers[name];
  if (answer.Fault) throw answer;
  return answer;
};
const port = Object.fromEntries(Object.keys(setting.answers).map((name) => [name, operation(name)]));
soap.listen(server, { path: '/lps', services: { ICIR: { ICIRService: port } }, xml: readFileSync('insi.wsdl', 'utf8'), forceSoap12Headers: true });
say({ port: server.address().port });

for await (const line of lines) setting.answers = JSON.parse(line);
process.exit(0);
