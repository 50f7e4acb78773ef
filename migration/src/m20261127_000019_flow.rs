//! One more gateway.

use crate::closed_set::ClosedSet;

const GATEWAYS: ClosedSet = ClosedSet { tables: &["subscriptions", "payments", "payment_methods"], column: "gateway" };
const BEFORE: &[&str] = &["MANUAL", "STRIPE", "MERCADO_PAGO"];
const AFTER: &[&str] = &["MANUAL", "STRIPE", "MERCADO_PAGO", "FLOW"];

crate::step!(|manager| GATEWAYS.change(manager, BEFORE, AFTER), |manager| GATEWAYS.change(manager, AFTER, BEFORE));
