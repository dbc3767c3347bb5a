-- +goose Up

-- setting: what the firm chose, and what was made once (install id, counters).
create table setting (
  name text primary key not null,
  value text not null
) strict;

-- staff: people who sign in at the desk.
create table staff (
  id text primary key not null,
  email text not null unique,
  name text not null,
  role text not null,
  password_hash text not null,
  created_at integer not null,
  disabled_at integer not null
) strict;

-- session: signed-in browsers of staff, by the hash of what their cookie holds.
create table session (
  hash text primary key not null,
  staff_id text not null references staff (id),
  created_at integer not null,
  seen_at integer not null,
  expires_at integer not null
) strict;
create index session_staff on session (staff_id);

-- api_key: programs that may act, by the hash of their key.
create table api_key (
  id text primary key not null,
  name text not null unique,
  hash text not null unique,
  created_at integer not null,
  revoked_at integer not null
) strict;

-- customer: who owes. search is what the list is searched in, in lower case.
create table customer (
  id text primary key not null,
  name text not null,
  company text not null,
  email text not null,
  phone text not null,
  locale text not null,
  external_id text not null,
  stripe_customer text not null,
  search text not null,
  created_at integer not null,
  updated_at integer not null
) strict;
create unique index customer_external on customer (external_id) where external_id <> '';
create unique index customer_stripe on customer (stripe_customer) where stripe_customer <> '';
create index customer_newest on customer (created_at, id);

-- invoice: what is asked for. owed_amount (total − credited − paid) and pending_amount repeat what the ledger and the
-- payments say, for filters alone; nothing is decided by them.
create table invoice (
  id text primary key not null,
  number text not null unique,
  customer_id text not null references customer (id),
  title text not null,
  currency text not null,
  total integer not null check (total >= 0),
  due text not null,
  issued_on text not null,
  partial text not null,
  capture text not null,
  external_id text not null,
  state text not null check (state in ('draft', 'open', 'void')),
  version integer not null,
  owed_amount integer not null,
  pending_amount integer not null check (pending_amount >= 0),
  search text not null,
  created_at integer not null,
  updated_at integer not null,
  voided_at integer not null
) strict;
create unique index invoice_external on invoice (external_id) where external_id <> '';
create index invoice_customer on invoice (customer_id, created_at, id);
create index invoice_newest on invoice (created_at, id);
create index invoice_standing on invoice (owed_amount, pending_amount, due, state);
create index invoice_topay on invoice (created_at, id) where state = 'open' and owed_amount > pending_amount;
create index invoice_onway on invoice (created_at, id) where pending_amount > 0;
create index invoice_paid on invoice (created_at, id) where state = 'open' and owed_amount <= 0;
create index invoice_draft on invoice (created_at, id) where state = 'draft';
create index invoice_void on invoice (created_at, id) where state = 'void';

-- invoice_line: the rows of an invoice; quantity is ten-thousandths.
create table invoice_line (
  invoice_id text not null references invoice (id),
  position integer not null,
  description text not null,
  quantity integer not null,
  unit_amount integer not null,
  tax integer not null check (tax in (0, 1)),
  amount integer not null,
  primary key (invoice_id, position)
) strict, without rowid;

-- link: one recipient's way to one invoice, by the hash of its token.
create table link (
  id text primary key not null,
  invoice_id text not null references invoice (id),
  recipient text not null,
  token_hash text not null unique,
  token_sealed text not null,
  locale text not null,
  note text not null,
  created_by text not null,
  forwarded_by text not null,
  created_at integer not null,
  sent_at integer not null,
  bounced_at integer not null,
  bounce text not null,
  opened_at integer not null,
  paid_at integer not null,
  expires_at integer not null,
  revoked_at integer not null,
  version integer not null
) strict;
create index link_invoice on link (invoice_id, created_at, id);

-- payment: one try to pay an invoice, and the reservation of its amount while it is not final.
create table payment (
  id text primary key not null,
  invoice_id text not null references invoice (id),
  link_id text not null,
  customer_id text not null references customer (id),
  nonce text not null unique,
  invoice_version integer not null,
  method text not null,
  currency text not null,
  amount integer not null check (amount >= 0),
  fee integer not null check (fee >= 0),
  capture text not null,
  status text not null check (status in ('created', 'confirming', 'requires_action', 'unknown', 'processing',
    'authorized', 'failed', 'canceled', 'succeeded')),
  payment_intent text not null,
  means text not null,
  request_hash text not null,
  secret_shown integer not null check (secret_shown in (0, 1)),
  reason text not null,
  card_brand text not null,
  card_last4 text not null,
  card_exp_month integer not null,
  card_exp_year integer not null,
  card_funding text not null,
  auth_code text not null,
  statement text not null,
  charge text not null,
  capture_before integer not null,
  problem text not null,
  boot text not null,
  lease_until integer not null,
  locale text not null,
  created_at integer not null,
  updated_at integer not null,
  settled_at integer not null,
  receipt_id text not null,
  receipt_number text not null,
  checked_at integer not null
) strict;
create unique index payment_intent on payment (payment_intent) where payment_intent <> '';
create index payment_invoice on payment (invoice_id, created_at, id);
create index payment_customer on payment (customer_id, created_at, id);
create index payment_newest on payment (created_at, id);
create index payment_status on payment (status, created_at, id);
create index payment_unfinished on payment (id) where status not in ('failed', 'canceled', 'succeeded');

-- receipt_series: the next number of each series; a number is taken in the transaction that settles.
create table receipt_series (
  series text primary key not null,
  next integer not null
) strict;

-- receipt: the number that one settled payment got.
create table receipt (
  id text primary key not null,
  number text not null unique,
  series text not null references receipt_series (series),
  seq integer not null,
  payment_id text not null unique references payment (id),
  code text not null unique,
  created_at integer not null,
  unique (series, seq)
) strict;

-- receipt_revision: what a receipt shows, frozen, and the first rendering of it.
create table receipt_revision (
  receipt_id text not null references receipt (id),
  revision integer not null,
  status text not null,
  snapshot text not null,
  pdf blob not null,
  sha256 text not null,
  created_at integer not null,
  primary key (receipt_id, revision)
) strict;

-- ledger_transaction: one movement of money; append-only.
create table ledger_transaction (
  id text primary key not null,
  kind text not null,
  source_type text not null,
  source_id text not null,
  at integer not null,
  memo text not null,
  unique (kind, source_type, source_id)
) strict;

-- ledger_posting: the lines of a movement, debits positive; append-only.
create table ledger_posting (
  transaction_id text not null references ledger_transaction (id),
  position integer not null,
  account text not null,
  amount integer not null check (amount <> 0),
  currency text not null,
  primary key (transaction_id, position)
) strict, without rowid;
create index ledger_account on ledger_posting (account, currency, transaction_id, amount);

-- job: work to do after a commit. run_at is schedule, back-off and lease in one; attempts tells claims apart.
create table job (
  id text primary key not null,
  kind text not null,
  key text not null,
  payload text not null,
  run_at integer not null,
  attempts integer not null,
  last_error text not null,
  created_at integer not null,
  done_at integer not null,
  dead_at integer not null,
  unique (kind, key)
) strict;
create index job_ready on job (kind, run_at) where done_at = 0 and dead_at = 0;
create index job_done on job (done_at) where done_at > 0;

-- inbox: webhooks as they came, once each.
create table inbox (
  provider text not null,
  event_id text not null,
  type text not null,
  object_id text not null,
  body blob not null,
  received_at integer not null,
  processed_at integer not null,
  attempts integer not null,
  last_error text not null,
  primary key (provider, event_id)
) strict;
create index inbox_open on inbox (received_at) where processed_at = 0;

-- audit: who did what; append-only. Ids sort by time.
create table audit (
  id text primary key not null,
  at integer not null,
  actor text not null,
  action text not null,
  subject text not null,
  data text not null
) strict;
create index audit_subject on audit (subject, id);

-- audit_seal: the chain over the audit rows in the order they were sealed; append-only.
create table audit_seal (
  seq integer primary key not null,
  audit_id text not null unique references audit (id),
  mac blob not null
) strict;

-- idempotency: keys of API calls, with what was asked and what was made, never the answer.
create table idempotency (
  scope text not null,
  key text not null,
  request_hash text not null,
  kind text not null,
  object_id text not null,
  created_at integer not null,
  primary key (scope, key)
) strict;

-- mail: every send, to be made or made.
create table mail (
  id text primary key not null,
  kind text not null,
  subject_id text not null,
  recipient text not null,
  message_id text not null unique,
  state text not null,
  attempts integer not null,
  last_error text not null,
  created_at integer not null,
  sent_at integer not null
) strict;
create index mail_subject on mail (subject_id, created_at, id);

-- task: what a person has to look at; one open task of a kind for a subject.
create table task (
  id text primary key not null,
  kind text not null,
  subject text not null,
  code text not null,
  args text not null,
  created_at integer not null,
  done_at integer not null
) strict;
create unique index task_open on task (kind, subject) where done_at = 0;
create index task_newest on task (created_at, id);

-- +goose StatementBegin
create trigger ledger_transaction_no_update before update on ledger_transaction
begin select raise(abort, 'ledger_transaction is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_transaction_no_delete before delete on ledger_transaction
begin select raise(abort, 'ledger_transaction is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_posting_no_update before update on ledger_posting
begin select raise(abort, 'ledger_posting is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger ledger_posting_no_delete before delete on ledger_posting
begin select raise(abort, 'ledger_posting is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_no_update before update on audit
begin select raise(abort, 'audit is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_no_delete before delete on audit
begin select raise(abort, 'audit is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_seal_no_update before update on audit_seal
begin select raise(abort, 'audit_seal is append-only'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_seal_no_delete before delete on audit_seal
begin select raise(abort, 'audit_seal is append-only'); end;
-- +goose StatementEnd
