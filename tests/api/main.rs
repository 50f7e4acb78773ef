//! The API, tested in process on both databases. `make test` provides the PostgreSQL server.

#[cfg(test)]
mod abuse;
#[cfg(test)]
mod access;
#[cfg(test)]
mod add_on;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod authz;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod cursors;
#[cfg(test)]
mod customer;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod discretion;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod feature;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod gateway_account;
#[cfg(test)]
mod graphql_js;
#[cfg(test)]
mod http;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod member;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod node;
#[cfg(test)]
mod organization;
#[cfg(test)]
mod payment;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod read_path;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod scheduler;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod security;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod subscription;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tenancy;
#[cfg(test)]
mod text;
#[cfg(test)]
mod tier;
#[cfg(test)]
mod token;
#[cfg(test)]
mod update;
#[cfg(test)]
mod usage;
