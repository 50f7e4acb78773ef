//! Tessera: a GraphQL backend-for-frontend for subscription management in multi-tenant SaaS.
//!
//! A request reads top to bottom: [`http`] takes it off the wire and turns its token into a
//! [`Principal`](auth::Principal); [`graphql`] executes it; a noun's resolver asks its
//! [context](graphql::context::ContextExt) for what the caller may do; the noun's use case runs in one transaction of
//! the [`store`], by rules that know neither database nor network. [`app`] is where the parts meet.
//!
//! Each noun has a folder: its use cases in `mod.rs`, its rules in files of their own, its GraphQL type and queries in
//! `graphql.rs`, its mutations in `mutation.rs`. What is shown of a row is declared once, for the resolvers and for the
//! [`read`] path.

pub mod access;
pub mod add_on;
pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod demo;
pub mod entity;
pub mod error;
pub mod gateway;
pub mod graphql;
pub mod http;
mod nouns;
pub mod read;
pub mod scheduler;
pub mod store;
pub mod telemetry;
pub mod text;

pub mod audit;
pub mod checkout;
pub mod customer;
pub mod dashboard;
pub mod entitlement;
pub mod feature;
pub mod gateway_account;
pub mod member;
pub mod operational;
pub mod organization;
pub mod payment;
pub mod payment_method;
pub mod revocation;
pub mod subscription;
pub mod tier;
pub mod usage;
