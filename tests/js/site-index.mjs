// The CloudFront function that leads an address to a key of the site's bucket, taken from template.yaml as it is deployed.
//
// As a program it reads addresses from standard input, one a line, and prints for each what the CDN does: `key KEY` or
// `redirect ADDRESS`. tests/integration/cdn.rs gives it the address of every published object.
import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const template = readFileSync(new URL('../../template.yaml', import.meta.url), 'utf8');
const code = /^      FunctionCode: \|\n((?: {8}.*\n|\n)+)/m.exec(template)[1];

export const handler = new Function(`${code}; return handler;`)();

export const ask = (uri) => handler({ request: { uri, method: 'GET', headers: {} } });

const describe = (answer) =>
  answer.statusCode === undefined ? `key ${answer.uri.slice(1)}` : `redirect ${answer.headers.location.value}`;

if (argv[1] === fileURLToPath(import.meta.url)) {
  const addresses = readFileSync(0, 'utf8').split('\n').filter(Boolean);
  console.log(addresses.map((address) => describe(ask(address))).join('\n'));
}
