//! The customers of an organization.

use serde_json::json;

use super::Seeder;
use super::catalogue::Sold;
use super::name::{company, slug};
use super::organization::Tenant;
use super::story::{ROUND, Story, Subject};
use super::trail::Deed;
use crate::clock::Timestamp;
use crate::entity::{BillingCycle, CustomerId, OperationalStatus, customer};
use crate::error::Result;

/// How many of an organization's own tiers are on sale; the one behind them is archived.
const ON_SALE: usize = 3;

impl Seeder {
    /// Makes customers, each with its story.
    pub fn customers(&mut self, tenant: &Tenant, tiers: &[Sold], count: usize) -> Result<()> {
        let (on_sale, archived) = tiers.split_at(tiers.len().min(ON_SALE));
        for number in 0..count {
            let story = ROUND[number % ROUND.len()];
            // In every round the same story meets other details.
            let varied = number + number / ROUND.len();
            let kept = story == Some(Story::Paid) && varied % 4 == 3 && !archived.is_empty();
            let name = company(self.companies);
            self.companies += 1;
            let subject = Subject {
                tenant,
                customer: Some(self.ids.next()),
                number: varied,
                tiers: if kept { archived } else { on_sale },
                tier: varied % if kept { archived.len() } else { on_sale.len() },
                currency: if varied % 9 == 8 { "EUR" } else { tenant.currency },
                billing_cycle: if varied % 5 == 4 { BillingCycle::Yearly } else { BillingCycle::Monthly },
                user_limit: None,
                holder: &name,
            };
            let mark = self.rows.audit_events.len();
            let since = match story {
                Some(story) => self.tell(&subject, story)?,
                None => self.days(-1),
            };
            let Some(id) = subject.customer else { continue };
            let row = customer(tenant, id, &name, number, since);
            self.record_creation(&row, since, &tenant.admin)?;
            // Made in one transaction with its subscription, but before it.
            self.rows.audit_events[mark..].rotate_right(1);
            let row = self.with_fate(tenant, row, varied, story)?;
            self.rows.customers.push(row);
        }
        Ok(())
    }

    /// Some customers are shut off although they pay, and some who canceled are closed.
    fn with_fate(
        &mut self,
        tenant: &Tenant,
        made: customer::Model,
        number: usize,
        story: Option<Story>,
    ) -> Result<customer::Model> {
        let (status, verb, reason) = match story {
            Some(Story::Canceled) if number % 2 == 1 => {
                (OperationalStatus::Terminated, "terminate", "Account closed at the customer's request.")
            }
            Some(Story::Paid) if number % 7 == 5 => {
                (OperationalStatus::Suspended, "suspend", "Disputed delivery: waiting for an answer.")
            }
            _ => return Ok(made),
        };
        let at = self.days(-2);
        let row = customer::Model { status, version: 2, updated_at: at, ..made.clone() };
        self.record_change(&made, &row, verb, &Deed { at, actor: &tenant.admin, reason: Some(reason) })?;
        Ok(row)
    }
}

fn customer(tenant: &Tenant, id: CustomerId, name: &str, number: usize, at: Timestamp) -> customer::Model {
    customer::Model {
        tenant_id: tenant.id,
        id,
        name: name.to_owned(),
        name_key: String::new(),
        email: Some(format!("{}@example.org", slug(name))),
        phone: None,
        external_ref: Some(format!("{}-{:04}", tenant.slug, number + 1)),
        status: OperationalStatus::Active,
        search_text: String::new(),
        metadata: if number.is_multiple_of(3) { json!({ "segment": "retail" }) } else { json!({}) }.into(),
        private_metadata: None,
        created_at: at,
        updated_at: at,
        version: 1,
        deleted_at: None,
    }
}
