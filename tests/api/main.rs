//! The API, tested in process on both databases. `make test` provides the PostgreSQL server.

#[cfg(test)]
mod customer;
#[cfg(test)]
mod http;
#[cfg(test)]
mod subscription;
#[cfg(test)]
mod support;
