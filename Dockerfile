# Not built in CI. `docker compose up --build` starts it together with PostgreSQL.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin tessera \
    && cp target/release/tessera /usr/local/bin/tessera

FROM debian:bookworm-slim
# The roots that TLS to the payment gateways and the identity provider is checked against.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home tessera
COPY --from=build /usr/local/bin/tessera /usr/local/bin/tessera
USER tessera
EXPOSE 8080
ENTRYPOINT ["tessera"]
CMD ["serve"]
