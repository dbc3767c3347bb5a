-- +goose Up

-- A bank account may wait for the proof of a small deposit.
alter table method add column awaits_code text not null default '{}';
alter table method add column plaid_account text not null default '';

-- What a payer allowed to be kept for next time, until the money is on its way.
alter table payment add column save_consent text not null default '{}';
create index payment_method on payment (method_id, created_at, id) where method_id <> '';

-- bank_exchange: a bank account on its way from Plaid to a method, written before Plaid is asked.
create table bank_exchange (
  id text primary key not null,
  customer_id text not null references customer (id),
  visitor text not null,
  token_hash text not null unique,
  account text not null,
  item text not null,
  sealed text not null,
  method_id text not null,
  note text not null,
  ended_at bigint not null,
  created_at bigint not null
);
create index bank_exchange_open on bank_exchange (created_at, id) where ended_at = 0;
