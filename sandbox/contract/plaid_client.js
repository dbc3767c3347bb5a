// Drives the sandbox with Plaid's own client for Node, changed in nothing but its address: link token, public token,
// exchange, accounts, Stripe bank account token, a signed webhook, removal. The webhook is checked with Node's own
// cryptography, as https://plaid.com/docs/api/webhooks/webhook-verification/ says.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Configuration, PlaidApi } from 'plaid';

const { PLAID_API_BASE, PLAID_CLIENT_ID, PLAID_SECRET } = process.env;
const plaid = new PlaidApi(new Configuration({
  basePath: PLAID_API_BASE, baseOptions: { headers: { 'PLAID-CLIENT-ID': PLAID_CLIENT_ID, 'PLAID-SECRET': PLAID_SECRET } },
}));
const refused = (call, code, status = 400) => assert.rejects(call, (e) => {
  assert.equal(e.response.status, status);
  assert.equal(e.response.data.error_code, code);
  assert.equal(e.response.data.request_id.length, 15);
  return true;
});

let arrived;
const hook = new Promise((resolve) => { arrived = resolve; });
const endpoint = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  response.end();
  arrived({ body: Buffer.concat(parts), token: request.headers['plaid-verification'] });
}).listen(0, '127.0.0.1');
await once(endpoint, 'listening');
const webhook = `http://127.0.0.1:${endpoint.address().port}/`;

const ask = { client_name: 'Northwind Studio', language: 'en', country_codes: ['US'], products: ['auth'], user: { client_user_id: 'cus_1' }, webhook };
const { data: link } = await plaid.linkTokenCreate(ask);
assert.match(link.link_token, /^link-sandbox-[0-9a-f-]{36}$/);
await refused(plaid.linkTokenCreate({ ...ask, colour: 'red' }), 'UNKNOWN_FIELDS');
await refused(new PlaidApi(new Configuration({ basePath: PLAID_API_BASE })).linkTokenCreate({ ...ask, client_id: PLAID_CLIENT_ID, secret: 'wrong' }), 'INVALID_API_KEYS');

const { data: created } = await plaid.sandboxPublicTokenCreate({ institution_id: 'ins_127989', initial_products: ['auth'], options: { webhook } });
const { data: { access_token } } = await plaid.itemPublicTokenExchange({ public_token: created.public_token });
assert.match(access_token, /^access-sandbox-[0-9a-f-]{36}$/);
await refused(plaid.itemPublicTokenExchange({ public_token: created.public_token }), 'INVALID_PUBLIC_TOKEN');

const { data: { accounts, item } } = await plaid.accountsGet({ access_token });
assert.equal(accounts[0].mask, '6789');
assert.equal(item.institution_id, 'ins_127989');
const account_id = accounts[0].account_id;
const { data: processor } = await plaid.processorStripeBankAccountTokenCreate({ access_token, account_id });
assert.match(processor.stripe_bank_account_token, /^btok_\w{24}$/);
await refused(plaid.processorStripeBankAccountTokenCreate({ access_token, account_id: 'another' }), 'INVALID_ACCOUNT_ID');

await plaid.sandboxItemFireWebhook({ access_token, webhook_type: 'ITEM', webhook_code: 'ERROR' });
const { body, token } = await hook;
endpoint.close();
const [header, claims, signature] = token.split('.');
const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url'));
assert.equal(decoded(header).alg, 'ES256');
const { data: { key } } = await plaid.webhookVerificationKeyGet({ key_id: decoded(header).kid });
const checks = (text) => verify('sha256', Buffer.from(text), { key: createPublicKey({ key, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
assert.ok(checks(`${header}.${claims}`));
assert.ok(!checks(`${header}.${claims}x`));
assert.equal(decoded(claims).request_body_sha256, createHash('sha256').update(body).digest('hex'));
assert.ok(Math.abs(decoded(claims).iat - Date.now() / 1000) < 60);
assert.equal(JSON.parse(body).error.error_code, 'ITEM_LOGIN_REQUIRED');
await refused(plaid.authGet({ access_token }), 'ITEM_LOGIN_REQUIRED');

await plaid.itemRemove({ access_token });
await refused(plaid.itemGet({ access_token }), 'ITEM_NOT_FOUND');

process.stdout.write(`checked with plaid-node ${createRequire(import.meta.url)('plaid/package.json').version}\n`);
