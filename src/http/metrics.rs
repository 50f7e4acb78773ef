//! Figures for Prometheus, in the OpenMetrics text format.
//!
//! No label tells of a tenant or a caller, and each has few values: operations are root fields of the schema, outcomes are
//! codes.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_graphql::parser::types::{OperationType, Selection};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Served;
use super::admission::Admission;
use crate::app::App;
use crate::graphql::document::Operation;
use crate::telemetry;

/// Upper bounds of the histogram, in seconds.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What requests ask for.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Asked {
    /// `query` or `mutation`; `none` if it cannot be told.
    kind: &'static str,
    /// The root field; `several`, or `none`.
    operation: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    kind: &'static str,
    operation: String,
    /// `OK`, or the code of the first error.
    outcome: Cow<'static, str>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Because {
    because: &'static str,
}

impl Default for Asked {
    fn default() -> Self {
        Self { kind: "none", operation: "none".to_owned() }
    }
}

impl Asked {
    pub(super) fn of(operation: &Operation) -> Self {
        let definition = operation.definition();
        let kind = if definition.ty == OperationType::Mutation { "mutation" } else { "query" };
        let operation = match definition.selection_set.node.items.as_slice() {
            [only] => match &only.node {
                Selection::Field(field) => field.node.name.node.as_str(),
                _ => "several",
            },
            _ => "several",
        };
        Self { kind, operation: operation.to_owned() }
    }

    pub(super) fn operation(&self) -> &str {
        &self.operation
    }
}

/// What was counted since the start.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Kind, Histogram>,
    resolved: Family<Because, Counter>,
    shed: Counter,
}

impl Metrics {
    pub(super) fn new(app: App, admission: Admission) -> Self {
        let mut registry = Registry::with_prefix("tessera");
        let requests = Family::default();
        registry.register("requests", "Requests to /graphql that were answered", requests.clone());
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let help = "How long they took, their bodies included";
        registry.register_with_unit("request_duration", help, Unit::Seconds, durations.clone());
        let resolved = Family::default();
        registry.register("requests_resolved", "Requests that the read path left to the resolvers", resolved.clone());
        let shed = Counter::default();
        registry.register("requests_shed", "Requests that were refused because there were too many", shed.clone());
        registry.register_collector(Box::new(Now { app, admission }));
        Self { registry, requests, durations, resolved, shed }
    }

    pub(super) fn answered(&self, asked: Asked, outcome: Cow<'static, str>, took: Duration) {
        let Asked { kind, operation } = asked;
        self.durations.get_or_create(&Kind { kind }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Request { kind, operation, outcome }).inc();
    }

    pub(super) fn resolved(&self, because: &'static str) {
        self.resolved.get_or_create(&Because { because }).inc();
    }

    pub(super) fn shed(&self) {
        self.shed.inc();
    }
}

/// `GET /metrics`. Asks nobody: it is answered whatever state the database is in.
pub(super) async fn get(State(served): State<Served>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &served.metrics.registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(fmt::Error) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What is read when somebody asks.
struct Now {
    app: App,
    admission: Admission,
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Now").finish_non_exhaustive()
    }
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (state, connections) = (self.admission.state(), self.app.store().connections());
        let gauges = [
            ("requests_in_flight", "Requests that are being answered", state.in_flight),
            ("requests_limit", "How many there may be at the moment", state.limit),
            ("database_connections_in_use", "Connections to the database that somebody has", connections.in_use),
            ("database_connections_limit", "How many there may be", connections.limit),
            ("database_waiting", "Requests that wait for one", connections.waiting),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value as i64);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let figures = self.app.scheduler().figures();
        let late = figures.lateness.load(Ordering::Relaxed) as f64 / 1_000_000.0;
        let gauge = ConstGauge::new(late);
        let help = "How late this server's scheduler found the first of what is due";
        gauge.encode(encoder.encode_descriptor(
            "scheduler_lateness",
            help,
            Some(&Unit::Seconds),
            gauge.metric_type(),
        )?)?;
        let counters = [
            ("database_statements", "Statements that were sent", self.app.store().statements()),
            (
                "scheduler_transitions",
                "Transitions that this server's scheduler carried out",
                figures.transitions.load(Ordering::Relaxed),
            ),
            (
                "scheduler_parked",
                "Transitions that it could not carry out and set aside",
                figures.parked.load(Ordering::Relaxed),
            ),
            (
                "log_lines_dropped",
                "Lines of the log that were dropped because nobody read them",
                telemetry::dropped_lines(),
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
