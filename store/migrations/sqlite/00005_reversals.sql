-- +goose Up

-- refund: money that goes back, and while it is asked for the reservation of its amount of the payment.
create table refund (
  id text primary key not null,
  payment_id text not null references payment (id),
  key text not null,
  stripe_id text not null,
  amount integer not null check (amount > 0),
  fee integer not null check (fee >= 0 and fee <= amount),
  currency text not null,
  owed_again integer not null check (owed_again in (0, 1)),
  status text not null check (status in ('asked', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
  failure text not null,
  reason text not null,
  actor text not null,
  moved_at integer not null,
  created_at integer not null,
  updated_at integer not null
) strict;
create unique index refund_once on refund (key) where key <> '';
create unique index refund_stripe on refund (stripe_id) where stripe_id <> '';
create index refund_payment on refund (payment_id, created_at, id);
create index refund_unfinished on refund (id) where status in ('asked', 'pending', 'requires_action');

-- moves: how often Stripe took or gave back money for a dispute; each booking of one has its number.
alter table dispute add column moves integer not null default 0;

create index payment_charge on payment (charge) where charge <> '';

-- foreign_payment: payments of our customers that another program, or a person in Stripe's Dashboard, made.
create table foreign_payment (
  payment_intent text primary key not null,
  customer_id text not null references customer (id),
  amount integer not null,
  currency text not null,
  made_at integer not null,
  payment_id text not null,
  created_at integer not null,
  closed_at integer not null
) strict;
create index foreign_payment_open on foreign_payment (created_at, payment_intent) where closed_at = 0;

-- difference: where our books and Stripe do not say the same; one open one of a kind for a subject.
create table difference (
  id text primary key not null,
  kind text not null,
  subject text not null,
  payment_id text not null,
  ours text not null,
  theirs text not null,
  created_at integer not null,
  seen_at integer not null,
  closed_at integer not null
) strict;
create unique index difference_open on difference (kind, subject) where closed_at = 0;
create index difference_newest on difference (created_at, id) where closed_at = 0;
