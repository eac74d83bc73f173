// A SOAP client that we did not write (npm soap), with MTOM, before our emulator
// of the DMP. The test gives the setting as one JSON document on standard input:
// the base address, the TLS keys, the VIHF, and the questions; each answer, as the
// client understood it, is one JSON line on standard output.
import { createInterface } from 'node:readline';
import { randomUUID } from 'node:crypto';
import soap from 'soap';

const { value } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const setting = JSON.parse(value);
const { key, cert, ca } = setting.tls;
const wsa = 'xmlns:w="http://www.w3.org/2005/08/addressing"';

async function connect(service, options) {
  const client = await soap.createClientAsync('dmp.wsdl', { forceSoap12Headers: true, disableCache: true, endpoint: `${setting.url}/${service}`, ...options });
  client.setSecurity(new soap.ClientSSLSecurity(Buffer.from(key), Buffer.from(cert), Buffer.from(ca)));
  return client;
}

// The HL7 message is in the default namespace.
const patients = await connect('patients', {
  overrideRootElement: { namespace: '', xmlnsAttributes: [{ name: 'xmlns', value: 'urn:hl7-org:v3' }, { name: 'ITSVersion', value: 'XML_1.0' }] },
});
const repository = await connect('repository', { parseResponseAttachments: true });

const operations = {
  async exists(client, { root, extension, lps }) {
    const device = (id, softwareName) => ({ attributes: { classCode: 'DEV', determinerCode: 'INSTANCE' }, id: { attributes: { root: id } }, softwareName });
    return client.existsAsync({
      id: { attributes: { root: `${lps}.1`, extension: randomUUID() } },
      creationTime: { attributes: { value: new Date().toISOString().replace(/\D/g, '').slice(0, 14) } },
      interactionId: { attributes: { root: '2.16.840.1.113883.1.6', extension: 'PRPA_IN201307UV02' } },
      processingCode: { attributes: { code: 'D' } },
      processingModeCode: { attributes: { code: 'T' } },
      acceptAckCode: { attributes: { code: 'AL' } },
      receiver: { attributes: { typeCode: 'RCV' }, device: device('1.2.250.1.213.4.1.1.1', 'DMP') },
      sender: { attributes: { typeCode: 'SND' }, device: device(lps, 'npm soap') },
      controlActProcess: {
        attributes: { classCode: 'CACT', moodCode: 'EVN' },
        reasonCode: { attributes: { code: 'TEST_EXST', codeSystem: '1.2.250.1.213.1.1.4.11', displayName: "Test d'existence de dossier" } },
        queryByParameter: {
          queryId: { attributes: { root: `${lps}.2`, extension: randomUUID() } },
          statusCode: { attributes: { code: 'new' } },
          parameterList: { patientIdentifier: { value: { attributes: { root, extension } }, semanticsText: 'Patient.id' } },
        },
      },
    });
  },

  // The metadata and the bytes are given; the package is the client's own. Its
  // content ids hold what must be escaped in a URL.
  async provide(client, { metadata, parts, omit }) {
    const attachments = parts.map((p) => ({ mimetype: 'text/xml', name: `${p.id}.xml`, contentId: `${p.id}+${randomUUID()}@npm soap`, body: Buffer.from(p.body, 'base64') }));
    const documents = parts.map((p, i) => `<x:Document id="${p.id}"><o:Include xmlns:o="http://www.w3.org/2004/08/xop/include" href="cid:${encodeURIComponent(attachments[i].contentId)}"/></x:Document>`);
    const _xml = `<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">${metadata}${documents.join('')}</x:ProvideAndRegisterDocumentSetRequest>`;
    return client.provideAsync({ _xml }, { forceMTOM: true, attachments: attachments.slice(0, attachments.length - (omit ?? 0)) });
  },

  async retrieve(client, { id }) {
    return client.retrieveAsync({ DocumentRequest: [{ RepositoryUniqueId: '1.2.250.1.213.4.1.1.1.2', DocumentUniqueId: id }] });
  },
};

for (const { operation, action, args } of setting.questions) {
  const client = operation === 'exists' ? patients : repository;
  client.clearSoapHeaders();
  client.addSoapHeader(`<w:Action ${wsa}>${action}</w:Action><w:MessageID ${wsa}>urn:uuid:${randomUUID()}</w:MessageID>` +
    `<w:ReplyTo ${wsa}><w:Address>http://www.w3.org/2005/08/addressing/anonymous</w:Address></w:ReplyTo><w:To ${wsa}/>${setting.security}`);
  try {
    const [result, , , , answer] = await operations[operation](client, args);
    const parts = (answer?.parts ?? []).map((p) => ({ headers: p.headers, body: p.body.toString('base64') }));
    console.log(JSON.stringify({ result, parts }));
  } catch (err) {
    console.log(JSON.stringify({ fault: err.root?.Envelope?.Body?.Fault ?? null, text: String(err.message) }));
  }
}
process.exit(0);
