//! The organizations and their members.

use chrono_tz::Tz;
use serde_json::json;

use super::catalogue::{Platform, Sold};
use super::name::{person, slug};
use super::story::{Story, Subject};
use super::trail::{Actor, Deed};
use super::{Seeder, Size};
use crate::auth::Part;
use crate::entity::OperationalStatus::{Active, Suspended, Terminated};
use crate::entity::{
    BillingCycle, Gateway, MemberRole, OperationalStatus, OrganizationId, SubscriptionManagement, member, organization,
};
use crate::error::Result;

/// An organization, as its rows need to know it.
pub struct Tenant {
    /// Its id.
    pub id: OrganizationId,
    /// Its slug.
    pub slug: &'static str,
    /// ISO 4217 code that it sells in.
    pub currency: &'static str,
    /// The gateway that it uses.
    pub gateway: Gateway,
    /// Its time zone.
    pub zone: Tz,
    /// Its first administrator.
    pub admin: Actor,
}

struct Spec {
    slug: &'static str,
    name: &'static str,
    parent: Option<&'static str>,
    status: OperationalStatus,
    exempt: bool,
    currency: &'static str,
    time_zone: &'static str,
    gateway: Gateway,
    /// Who belongs to it besides its first administrator; the last one is not active.
    members: &'static [MemberRole],
    /// Place in the platform's catalogue.
    tier: usize,
    story: Story,
    user_limit: Option<i32>,
}

impl Spec {
    const fn new(slug: &'static str, name: &'static str, tier: usize, story: Story) -> Self {
        Self {
            slug,
            name,
            parent: None,
            status: Active,
            exempt: false,
            currency: "EUR",
            time_zone: "Europe/Berlin",
            gateway: Gateway::Stripe,
            members: &[MemberRole::Worker, MemberRole::Worker],
            tier,
            story,
            user_limit: None,
        }
    }
}

/// Slug of the reseller.
const RESELLER: &str = "umbra";

const ORGANIZATIONS: [Spec; 8] = [
    Spec {
        currency: "USD",
        time_zone: "America/New_York",
        members: &[
            MemberRole::Worker,
            MemberRole::Admin,
            MemberRole::Worker,
            MemberRole::Worker,
            MemberRole::Worker,
            MemberRole::Worker,
        ],
        user_limit: Some(25),
        ..Spec::new("acme", "Acme Rocketworks", 1, Story::Paid)
    },
    Spec {
        gateway: Gateway::MercadoPago,
        time_zone: "America/Montevideo",
        members: &[MemberRole::Admin, MemberRole::Worker, MemberRole::Worker],
        user_limit: Some(10),
        ..Spec::new("globex", "Globex Gadgetry", 0, Story::Trialing)
    },
    Spec {
        members: &[MemberRole::Reseller, MemberRole::Admin, MemberRole::Worker],
        ..Spec::new(RESELLER, "Umbra Partners", 1, Story::Overridden)
    },
    Spec { parent: Some(RESELLER), ..Spec::new("umbra-north", "Umbra North", 1, Story::PaidByGateway) },
    Spec {
        parent: Some(RESELLER),
        gateway: Gateway::Flow,
        time_zone: "America/Santiago",
        ..Spec::new("umbra-south", "Umbra South", 0, Story::PastDue)
    },
    Spec { exempt: true, ..Spec::new("tessera-demo", "Tessera Demonstration", 3, Story::Lapsed) },
    Spec { status: Suspended, ..Spec::new("dormant-docks", "Dormant Docks", 1, Story::Paid) },
    Spec { status: Terminated, ..Spec::new("faded-fjord", "Faded Fjord", 0, Story::Canceled) },
];

/// Address of a member.
pub fn address(name: &str, organization: &str) -> String {
    format!("{}@{organization}.example.com", slug(name).replace('-', "."))
}

impl Seeder {
    /// Makes the organizations with everything they own.
    pub fn organizations(&mut self, platform: &Platform, size: &Size) -> Result<()> {
        let mut resellers_tiers = Vec::new();
        for spec in &ORGANIZATIONS {
            let tenant = self.organization(spec)?;
            self.members(spec, &tenant)?;
            let subject = Subject {
                tenant: &tenant,
                customer: None,
                number: 0,
                tiers: &platform.organizations,
                tier: spec.tier,
                currency: spec.currency,
                billing_cycle: BillingCycle::Monthly,
                user_limit: spec.user_limit,
                holder: spec.name,
            };
            self.tell(&subject, spec.story)?;
            let own = match spec.slug {
                "acme" | "globex" => self.own_catalogue(&tenant)?,
                RESELLER => {
                    resellers_tiers = self.own_catalogue(&tenant)?;
                    resellers_tiers.clone()
                }
                _ => Vec::new(),
            };
            let tiers: &[Sold] = match (own.is_empty(), spec.parent) {
                (false, _) => &own,
                (true, Some(RESELLER)) => &resellers_tiers,
                (true, _) => &platform.customers,
            };
            let count = match spec.slug {
                "acme" => size.acme,
                "globex" => size.globex,
                _ => size.others,
            };
            self.customers(&tenant, tiers, count)?;
        }
        Ok(())
    }

    fn organization(&mut self, spec: &Spec) -> Result<Tenant> {
        let at = self.days(-1_800);
        let parent = spec.parent.and_then(|slug| self.rows.organizations.iter().find(|row| row.slug == slug));
        let made = organization::Model {
            id: self.ids.next(),
            parent_id: parent.map(|row| row.id),
            name: spec.name.to_owned(),
            name_key: String::new(),
            search_text: String::new(),
            slug: spec.slug.to_owned(),
            status: Active,
            exempt: spec.exempt,
            subscription_management: SubscriptionManagement::PlatformManaged,
            billing_email: Some(format!("billing@{}.example.com", spec.slug)),
            default_currency: spec.currency.to_owned(),
            time_zone: spec.time_zone.to_owned(),
            grace_days: None,
            unpaid_days: None,
            metadata: json!({}).into(),
            private_metadata: None,
            created_at: at,
            updated_at: at,
            version: 1,
            deleted_at: None,
        };
        self.record_creation(&made, at, &Actor::part(Part::Demo))?;
        let row = self.with_status(made, spec.status)?;
        let role = if spec.slug == RESELLER { MemberRole::Reseller } else { MemberRole::Admin };
        let tenant = Tenant {
            id: row.id,
            slug: spec.slug,
            currency: spec.currency,
            gateway: spec.gateway,
            zone: row.zone(),
            admin: Actor::member(&address(&person(self.people), spec.slug), role),
        };
        self.rows.organizations.push(row);
        Ok(tenant)
    }

    fn with_status(&mut self, made: organization::Model, status: OperationalStatus) -> Result<organization::Model> {
        let (verb, reason) = match status {
            Active => return Ok(made),
            Suspended => ("suspend", "Terms of use: waiting for an answer."),
            Terminated => ("terminate", "Closed at the owner's request."),
        };
        let at = self.days(-8);
        let row = organization::Model { status, version: 2, updated_at: at, ..made.clone() };
        let deed = Deed { at, actor: &Actor::part(Part::Demo), reason: Some(reason) };
        self.record_change(&made, &row, verb, &deed)?;
        Ok(row)
    }

    fn members(&mut self, spec: &Spec, tenant: &Tenant) -> Result<()> {
        let first = if spec.slug == RESELLER { MemberRole::Reseller } else { MemberRole::Admin };
        for (number, role) in std::iter::once(&first).chain(spec.members).enumerate() {
            let name = person(self.people);
            self.people += 1;
            let at = self.days(-1_795 + number.cast_signed() as i64 * 60);
            let row = member::Model {
                tenant_id: tenant.id,
                id: self.ids.next(),
                email: address(&name, tenant.slug),
                name_key: String::new(),
                search_text: String::new(),
                name,
                role: *role,
                active: number < spec.members.len(),
                created_at: at,
                updated_at: at,
                version: 1,
            };
            self.record_creation(&row, at, &tenant.admin)?;
            self.rows.members.push(row);
        }
        Ok(())
    }
}
