-- +goose Up

-- invoice_id: which invoice somebody put the payment on, said before Stripe is told; '' before that.
alter table foreign_payment add column invoice_id text not null default '';
-- claimed_by: who did.
alter table foreign_payment add column claimed_by text not null default '';
