use super::*;
use crate::config::{KeySource, PlanCacheMode, ServerConfig, SignatureAlgorithm};

const CANARY: &str = "canary-8d1f4c0e-must-never-be-printed-anywhere";

fn usable() -> Settings {
    Settings {
        database_url: Some(format!("postgres://user:{CANARY}@localhost/tessera").into()),
        auth_issuer: Some("https://id.example".into()),
        auth_audience: Some("tessera".into()),
        secrets: Secrets { hs256: Some(CANARY.into()), cursor: Some(format!("{CANARY}-2").into()), sealing: None },
        ..Settings::default()
    }
}

fn variables(settings: &Settings) -> Vec<&'static str> {
    let error = settings.config().expect_err("must be refused");
    error.0.iter().map(|problem| problem.variable).collect()
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = usable().config().expect("usable");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server, ServerConfig::default());
    assert_eq!(config.database.max_connections, 10);
    assert_eq!(config.database.acquire_timeout, Duration::from_secs(2));
    assert_eq!(config.database.statement_timeout, Duration::from_secs(5));
    assert_eq!(config.database.lock_timeout, Duration::from_millis(1500));
    assert_eq!(config.database.idle_transaction_timeout, Duration::from_secs(5));
    assert_eq!(config.database.plan_cache_mode, PlanCacheMode::ForceGenericPlan);
    assert_eq!(config.auth.leeway, Duration::from_secs(30));
    assert_eq!(config.policy, PolicyConfig::default());
    assert_eq!(config.log_format, LogFormat::Json);
    assert!(!config.graphiql && config.introspection && !config.metrics);
}

#[test]
fn all_problems_are_told_at_once() {
    let settings = Settings {
        listen: Some("here".into()),
        max_connections: Some("0".into()),
        header_timeout: Some("1ms".into()),
        body_timeout: Some("11s".into()),
        idle_timeout: Some("10".into()),
        shutdown_delay: Some("6m".into()),
        metrics: Some("perhaps".into()),
        auth_leeway: Some("61s".into()),
        graphiql: Some("maybe".into()),
        subscription_management: Some("NOBODY".into()),
        pending_hours: Some("-1".into()),
        database_lock_timeout: Some("0s".into()),
        database_plan_cache_mode: Some("custom".into()),
        log_format: Some("xml".into()),
        ..Settings::default()
    };
    let expected = [
        "TESSERA_LISTEN",
        "TESSERA_MAX_CONNECTIONS",
        "TESSERA_HEADER_TIMEOUT",
        "TESSERA_BODY_TIMEOUT",
        "TESSERA_IDLE_TIMEOUT",
        "TESSERA_SHUTDOWN_DELAY",
        "TESSERA_DATABASE_URL",
        "TESSERA_DATABASE_LOCK_TIMEOUT",
        "TESSERA_DATABASE_PLAN_CACHE_MODE",
        "TESSERA_AUTH_ISSUER",
        "TESSERA_AUTH_AUDIENCE",
        "TESSERA_AUTH_LEEWAY",
        "TESSERA_AUTH_HS256_SECRET",
        "TESSERA_CURSOR_SECRET",
        "TESSERA_GRAPHIQL",
        "TESSERA_METRICS",
        "TESSERA_SUBSCRIPTION_MANAGEMENT",
        "TESSERA_PENDING_HOURS",
        "TESSERA_LOG_FORMAT",
    ];
    assert_eq!(variables(&settings), expected);
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let settings = Settings { listen: Some(String::new()), auth_jwks_url: Some(String::new()), ..usable() };
    assert!(settings.config().is_ok());
    assert_eq!(variables(&Settings { auth_issuer: Some(String::new()), ..usable() }), ["TESSERA_AUTH_ISSUER"]);
}

#[test]
fn secrets_are_never_printed() {
    let settings = usable();
    let config = settings.config().expect("usable");
    assert!(!format!("{settings:?}{config:?}{config:#?}").contains(CANARY));

    // Half of the canary is too short for a secret, and its database has no known scheme.
    let short = &CANARY[..20];
    let secrets = Secrets { hs256: Some(short.into()), cursor: Some(short.into()), sealing: None };
    let settings = Settings { database_url: Some(CANARY.into()), secrets, ..usable() };
    let error = settings.config().expect_err("must be refused");
    assert_eq!(error.0.len(), 3, "{error}");
    assert!(!format!("{error}{error:?}").contains(short));
}

#[test]
fn one_secret_has_one_purpose() {
    let secrets = Secrets { hs256: Some(CANARY.into()), cursor: Some(CANARY.into()), sealing: None };
    assert_eq!(variables(&Settings { secrets, ..usable() }), ["TESSERA_CURSOR_SECRET"]);
}

#[test]
fn keys_come_from_exactly_one_place() {
    let two = Settings { auth_jwks_url: Some("https://id.example/jwks".into()), ..usable() };
    assert_eq!(variables(&two), ["TESSERA_AUTH_HS256_SECRET"]);

    let secrets = Secrets { hs256: None, ..usable().secrets };
    let jwks = |url: &str, algorithms: Option<&str>| Settings {
        auth_jwks_url: Some(url.into()),
        auth_algorithms: algorithms.map(Into::into),
        secrets: secrets.clone(),
        ..usable()
    };
    let config = jwks("https://id.example/jwks", Some("RS256, ES256")).config().expect("usable");
    let KeySource::Jwks { algorithms, .. } = config.auth.key else { panic!("not a key set") };
    assert_eq!(algorithms, [SignatureAlgorithm::Rs256, SignatureAlgorithm::Es256]);

    assert_eq!(variables(&jwks("https://id.example/jwks", None)), ["TESSERA_AUTH_ALGORITHMS"]);
    // A shared secret in a public key set would let everybody sign.
    assert_eq!(variables(&jwks("https://id.example/jwks", Some("HS256"))), ["TESSERA_AUTH_ALGORITHMS"]);
    assert_eq!(variables(&jwks("http://id.example/jwks", Some("RS256"))), ["TESSERA_AUTH_JWKS_URL"]);
}

#[test]
fn a_public_key_file_must_hold_a_public_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("key.pem");
    let settings = |algorithms: &str| Settings {
        auth_public_key_file: Some(file.to_string_lossy().into_owned()),
        auth_algorithms: Some(algorithms.into()),
        secrets: Secrets { hs256: None, ..usable().secrets },
        ..usable()
    };
    assert_eq!(variables(&settings("RS256")), ["TESSERA_AUTH_PUBLIC_KEY_FILE"]);
    std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").expect("written");
    let error = settings("RS256").config().expect_err("a private key");
    assert!(error.to_string().contains("private key"), "{error}");
    assert_eq!(variables(&settings("RS256,ES256")), ["TESSERA_AUTH_ALGORITHMS"]);
}

#[test]
fn every_variable_is_documented() {
    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        settings: Settings,
    }
    let command = <Program as clap::CommandFactory>::command();
    let flags = command.get_arguments().filter_map(|flag| flag.get_env()?.to_str().map(str::to_owned));
    let mut known: Vec<_> = flags.chain([HS256_SECRET, CURSOR_SECRET, SEALING_KEYS].map(str::to_owned)).collect();
    let example = include_str!("../../../.env.example");
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    let mut documented: Vec<_> = lines.filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    known.sort();
    documented.sort();
    assert_eq!(documented, known);
}

#[test]
fn nothing_is_simulated_without_a_test_clock_and_keys_are_keys() {
    let sealing = |text: &str| Secrets { sealing: Some(text.into()), ..usable().secrets };
    let key = format!("k1:{}=", "A".repeat(43));
    let both = Settings {
        simulator_url: Some("http://127.0.0.1:8081/".into()),
        test_clock: Some("true".into()),
        secrets: sealing(&key),
        ..usable()
    };
    let gateways = both.config().expect("usable").gateways;
    assert!(gateways.simulator.is_some() && gateways.sealing.is_some());
    assert_eq!(gateways.stripe.as_str(), "https://api.stripe.com/");
    let alone = Settings { test_clock: None, ..both.clone() };
    assert_eq!(variables(&alone), ["TESSERA_SIMULATOR_URL"]);
    let nowhere = Settings { simulator_url: Some("nowhere".into()), ..both.clone() };
    assert_eq!(variables(&nowhere), ["TESSERA_SIMULATOR_URL"]);
    for bad in [CANARY, "k1:AAAA", &format!("{key},{key}")] {
        let broken = Settings { secrets: sealing(bad), ..both.clone() };
        assert_eq!(variables(&broken), ["TESSERA_SEALING_KEYS"]);
        assert!(!broken.config().expect_err("refused").to_string().contains(CANARY));
    }
}
