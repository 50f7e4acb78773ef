-- Ids and numbers of the benchmark's rows: everything follows from a row's number, so that any client can name a row
-- without looking it up. The functions are plain expressions, which PostgreSQL writes into the statement that calls
-- them. They live in a schema of their own: the product's tables stay as the migrations make them.
--
-- Customer 1 … 100,000 in the order of their making. Of five consecutive customers three belong to organization 1
-- (60,000) and the others go round organizations 2 … 1,000 (40 each; organization 2 has 80), so that a tenant's rows
-- are scattered over the table as in real life.
CREATE SCHEMA bench;
-- Counts statements. Not in `public`, whose tables PostGraphile offers.
CREATE EXTENSION pg_stat_statements SCHEMA bench;

-- UUIDv7 (RFC 9562 §5.7) of the `n`th row of a kind, made at `micros` since 1970: sorts as the time does.
CREATE FUNCTION bench.id(kind int, n bigint, micros bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (lpad(to_hex(micros / 1000), 12, '0') || to_hex(28672 + kind) || '8000' || lpad(to_hex(n), 12, '0'))::uuid;

-- One customer every 500 seconds from 2024-01-01 to July 2025, with microseconds.
CREATE FUNCTION bench.customer_made(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 1704067200000000 + n * 500000000 + n * 7919 % 1000000;

CREATE FUNCTION bench.organization_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN bench.id(1, n, 1672531200000000 + n * 1000000);
CREATE FUNCTION bench.tier_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN bench.id(2, n, 1672531200000000 + n * 1000000);
CREATE FUNCTION bench.customer_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN bench.id(3, n, bench.customer_made(n));
CREATE FUNCTION bench.subscription_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN bench.id(4, n, bench.customer_made(n));

-- The organization of a customer.
CREATE FUNCTION bench.organization_of(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN (n - 1) % 5 < 3 THEN 1
        WHEN (n - 1) / 5 * 2 + (n - 1) % 5 - 3 < 39960 THEN 2 + ((n - 1) / 5 * 2 + (n - 1) % 5 - 3) % 999
        ELSE 2
    END;

-- The `k`th customer (from 0) of organization 1, and of an organization with 40 customers.
CREATE FUNCTION bench.large(k bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN k / 3 * 5 + k % 3 + 1;
CREATE FUNCTION bench.small(organization bigint, k bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (k * 999 + organization - 2) / 2 * 5 + 3 + (k * 999 + organization - 2) % 2 + 1;

-- A number below `modulus` that looks like chance and is always the same for the same row.
CREATE FUNCTION bench.pick(n bigint, salt bigint, modulus bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (n * 2654435761 + salt * 40503) % 4294967296 / 64 % modulus;

CREATE FUNCTION bench.now() RETURNS bigint LANGUAGE sql VOLATILE
    RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- An id for a new row: made now, told from others by a random number.
CREATE FUNCTION bench.new_id(random bigint) RETURNS uuid LANGUAGE sql VOLATILE
    RETURN bench.id(5, random, bench.now());
