-- +goose Up

-- mailbox: what guarding a customer's mailbox remembers: wrong codes since the count began, and the lock they led to.
create table mailbox (
  customer_id text primary key not null references customer (id),
  wrong integer not null,
  wrong_since integer not null,
  locked_until integer not null
) strict;

-- code: the codes that were mailed to prove a mailbox. mac is what a typed code is checked by; sealed is the code for
-- the mail alone, '' once that was sent or the code ended.
create table code (
  id text primary key not null,
  customer_id text not null references customer (id),
  link_id text not null references link (id),
  address text not null,
  mac text not null,
  sealed text not null,
  tries integer not null check (tries >= 0),
  created_at integer not null,
  expires_at integer not null,
  ended_at integer not null
) strict;
create index code_customer on code (customer_id, created_at, id);

-- device: browsers that proved a customer's mailbox, by the hash of what their cookie holds.
create table device (
  hash text primary key not null,
  customer_id text not null references customer (id),
  address text not null,
  created_at integer not null,
  expires_at integer not null
) strict;
create index device_customer on device (customer_id);
