// A SOAP client that we did not write (npm soap) before our emulator of INSi.
// The test gives the setting as one JSON document on standard input: the address,
// the TLS keys, the headers and the questions; each answer, as the client
// understood it, is one JSON line on standard output.
import { createInterface } from 'node:readline';
import { randomUUID } from 'node:crypto';
import soap from 'soap';

const { value } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const setting = JSON.parse(value);
const { key, cert, ca } = setting.tls;

const client = await soap.createClientAsync('insi.wsdl', { forceSoap12Headers: true, endpoint: setting.url });
client.setSecurity(new soap.ClientSSLSecurity(Buffer.from(key), Buffer.from(cert), Buffer.from(ca)));
for (const { operation, args } of setting.questions) {
  client.clearSoapHeaders();
  client.addSoapHeader(setting.headers.replaceAll('ACTION', `urn:ServiceIdentiteCertifiee:1.0.0:${operation}`).replaceAll('UUID', () => randomUUID()));
  try {
    const [result] = await client[`${operation}Async`](args);
    console.log(JSON.stringify({ result }));
  } catch (err) {
    console.log(JSON.stringify({ fault: err.root?.Envelope?.Body?.Fault ?? null, text: String(err.message) }));
  }
}
process.exit(0);
