// Drives the sandbox with Stripe's own client for Node, whose default version is 2023-10-16, changed in nothing but its
// address: customer, PaymentIntent, confirm, decline, capture, refund, webhook signature, lists.
import assert from 'node:assert/strict';
import Stripe from 'stripe';

const base = new URL(process.env.STRIPE_API_BASE);
const stripe = new Stripe(process.env.STRIPE_SECRET_KEY, {
  host: base.hostname, port: base.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false,
});

const customer = await stripe.customers.create({ name: 'Ada', email: 'ada@example.com', metadata: { a: 'b' } });
assert.equal(customer.object, 'customer');
assert.equal(customer.lastResponse.apiVersion, '2023-10-16');

const created = await stripe.paymentIntents.create({
  amount: 1099, currency: 'usd', customer: customer.id, payment_method_types: ['card'], metadata: { paylink_payment: 'pay_1' },
}, { idempotencyKey: 'node-1' });
assert.equal(created.status, 'requires_payment_method');
const replayed = await stripe.paymentIntents.create({
  amount: 1099, currency: 'usd', customer: customer.id, payment_method_types: ['card'], metadata: { paylink_payment: 'pay_1' },
}, { idempotencyKey: 'node-1' });
assert.equal(replayed.id, created.id);
await assert.rejects(stripe.paymentIntents.create({ amount: 1, currency: 'usd' }, { idempotencyKey: 'node-1' }),
  (e) => e instanceof Stripe.errors.StripeIdempotencyError);

await assert.rejects(stripe.paymentIntents.confirm(created.id, { payment_method: 'pm_card_chargeDeclined' }),
  (e) => e instanceof Stripe.errors.StripeCardError && e.decline_code === 'generic_decline' && e.payment_intent.id === created.id);

const confirmed = await stripe.paymentIntents.confirm(created.id, {
  payment_method: 'pm_card_visa', expand: ['latest_charge.balance_transaction'],
});
assert.equal(confirmed.status, 'succeeded');
assert.equal(confirmed.latest_charge.balance_transaction.net, 1037);

const refund = await stripe.refunds.create({ payment_intent: created.id, amount: 100 });
assert.equal(refund.status, 'succeeded');
const charge = await stripe.charges.retrieve(confirmed.latest_charge.id, { expand: ['refunds'] });
assert.equal(charge.amount_refunded, 100);
assert.equal(charge.refunds.data[0].id, refund.id);
await assert.rejects(stripe.refunds.create({ payment_intent: created.id, amount: 1000 }), Stripe.errors.StripeInvalidRequestError);

const held = await stripe.paymentIntents.create({
  amount: 5000, currency: 'usd', payment_method_types: ['card'], payment_method: 'pm_card_mastercard', capture_method: 'manual', confirm: true,
});
assert.equal(held.status, 'requires_capture');
const taken = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 4000 });
assert.equal(taken.amount_received, 4000);

for (let i = 0; i < 12; i++) await stripe.customers.create({ name: `c${i}` });
let seen = 0;
for await (const one of stripe.customers.list({ limit: 5 })) { assert.equal(one.object, 'customer'); seen++; }
assert.equal(seen, 13);
const intents = await stripe.paymentIntents.list({ customer: customer.id, created: { gte: customer.created } });
assert.deepEqual(intents.data.map((pi) => pi.id), [created.id]);
const events = await stripe.events.list({ types: ['payment_intent.succeeded'] });
assert.equal(events.data.at(-1).data.object.id, created.id);

await assert.rejects(stripe.customers.create({ nmae: 'x' }), (e) => e.code === 'parameter_unknown' && e.param === 'nmae');
await assert.rejects(stripe.customers.retrieve('cus_none'), (e) => e.statusCode === 404 && e.code === 'resource_missing');
await assert.rejects(new Stripe('sk_test_not_a_key_of_this_account', {
  host: base.hostname, port: base.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false,
}).customers.list(), Stripe.errors.StripeAuthenticationError);

const deleted = await stripe.customers.del(customer.id);
assert.equal(deleted.deleted, true);

// What the courier signs is what the client verifies.
const { body, signature } = JSON.parse(process.env.WEBHOOK);
const event = stripe.webhooks.constructEvent(body, signature, process.env.STRIPE_WEBHOOK_SECRET);
assert.equal(event.type, 'customer.created');
assert.throws(() => stripe.webhooks.constructEvent(body + ' ', signature, process.env.STRIPE_WEBHOOK_SECRET));

process.stdout.write(`checked with stripe-node ${Stripe.PACKAGE_VERSION}\n`);
