-- +goose Up

-- method: a card or bank account that a customer linked or saved; no number of either is here.
create table method (
  id text primary key not null,
  customer_id text not null references customer (id),
  kind text not null check (kind in ('card', 'bank')),
  stripe_id text not null unique,
  fingerprint text not null,
  card text not null,
  bank text not null,
  owner text not null,
  saved_at bigint not null,
  consent text not null,
  blocked_at bigint not null,
  blocked text not null,
  removed_at bigint not null,
  plaid_item text not null,
  plaid_sealed text not null,
  created_at bigint not null,
  updated_at bigint not null
);
create index method_customer on method (customer_id, created_at, id);
create index method_item on method (plaid_item) where plaid_item <> '';

-- mandate: a payer's permission to debit a bank account, with its proof.
create table mandate (
  id text primary key not null,
  method_id text not null references method (id),
  payment_id text not null unique references payment (id),
  amount bigint not null,
  currency text not null,
  last4 text not null,
  bank text not null,
  consent text not null,
  stripe text not null,
  revoked_at bigint not null,
  created_at bigint not null
);
create index mandate_method on mandate (method_id, created_at, id);

-- dispute: money that was taken back after it had arrived, by a cardholder's dispute or a bank's return.
create table dispute (
  id text primary key not null,
  payment_id text not null references payment (id),
  stripe_id text not null unique,
  kind text not null check (kind in ('dispute', 'return')),
  amount bigint not null,
  currency text not null,
  reason text not null,
  status text not null,
  withdrawn bigint not null,
  opened_at bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);
create index dispute_payment on dispute (payment_id, created_at, id);

alter table payment add column method_id text not null default '';
alter table payment add column bank text not null default '{}';
alter table payment add column expected_on text not null default '';
