//! The callers of the demo: one for each role, each with a token and a query to begin with.

use std::time::Duration;

use super::DemoError;
use super::seed::first_customer;
use crate::auth::{Grant, Role, TokenIssuer};
use crate::entity::{OrganizationId, member};
use crate::http::Persona;
use crate::store::Store;

/// How long the tokens are valid.
pub const VALIDITY_DAYS: u64 = 7;

struct Spec {
    name: &'static str,
    role: Role,
    organization: Option<&'static str>,
    query: &'static str,
}

/// Place of acme's administrator among the callers: the one that examples act as.
pub const EXAMPLE: usize = 2;

const CALLERS: [Spec; 7] = [
    Spec { name: "ROOT", role: Role::Root, organization: None, query: ORGANIZATIONS },
    Spec { name: "SUPPORT", role: Role::Support, organization: None, query: FAILED_PAYMENTS },
    Spec { name: "acme ADMIN", role: Role::Admin, organization: Some("acme"), query: CUSTOMERS },
    Spec { name: "acme WORKER", role: Role::Worker, organization: Some("acme"), query: WORKLIST },
    Spec { name: "acme CUSTOMER", role: Role::Customer, organization: Some("acme"), query: MYSELF },
    Spec { name: "umbra RESELLER", role: Role::Reseller, organization: Some("umbra"), query: BELOW },
    Spec { name: "globex ADMIN", role: Role::Admin, organization: Some("globex"), query: AT_RISK },
];

const ORGANIZATIONS: &str = "\
# Every organization, and what its own subscription is worth at this moment.
{
  organizations(first: 10, orderBy: [{ field: NAME }]) {
    nodes {
      id
      name
      slug
      status
      exempt
      subscription { id status mode tier { key } price { formatted } }
      subscriptionStatus { status entitled reason daysUntilExpiry }
    }
  }
}
";

const FAILED_PAYMENTS: &str = "\
# The latest payments that failed, anywhere.
{
  payments(where: { status: { eq: FAILED } }, first: 10) {
    totalCount { value exact }
    nodes {
      amount { formatted }
      failureCode
      failureMessage
      attempt
      owner {
        ... on Customer { name email }
        ... on Organization { name billingEmail }
      }
    }
  }
}
";

const CUSTOMERS: &str = "\
# The first of acme's customers, with what a list of customers shows.
{
  customers(first: 10, orderBy: [{ field: NAME }]) {
    totalCount { value exact }
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      name
      status
      subscription {
        id
        status
        mode
        tier { key name }
        currentPeriodEnd
        effectiveStatus { status entitled expiringSoon reason }
      }
      defaultPaymentMethod { brand last4 expired }
      payments(first: 3) { nodes { status amount { formatted } createdAt } }
    }
  }
}
";

const WORKLIST: &str = "\
# A worker sees the customers, but neither payments nor the organization itself.
{
  viewer { subject role permissions }
  customers(first: 10, where: { status: { eq: ACTIVE } }) {
    nodes { id name email subscriptionStatus { status entitled daysUntilExpiry } }
  }
}
";

const MYSELF: &str = "\
# A customer sees itself.
{
  viewer {
    subject
    role
    permissions
    customer {
      id
      name
      subscription {
        id
        status
        tier { name }
        price { formatted(locale: \"de-CH\") }
        currentPeriodEnd
        availableActions { action allowed reason }
      }
      defaultPaymentMethod { brand last4 expMonth expYear expired }
      payments(first: 5) { nodes { status amount { formatted } paidAt } }
    }
  }
}
";

const BELOW: &str = "\
# A reseller sees its own organization and those below it.
{
  organizations(first: 10) {
    nodes {
      name
      slug
      parent { slug }
      subscriptionStatus { status entitled endsAt reason }
      customers(first: 3) { totalCount { value } nodes { name subscription { status tier { key } } } }
    }
  }
}
";

const AT_RISK: &str = "\
# Subscriptions of globex's customers that run out soon, and what was done last.
{
  subscriptions(where: { expiringSoon: true }, orderBy: [{ field: ACCESS_ENDS_AT }], first: 10) {
    nodes {
      id
      status
      tier { key }
      effectiveStatus { endsAt daysUntilExpiry reason }
      owner { ... on Customer { name email } }
    }
  }
  auditEvents(first: 5) { nodes { createdAt actor action entityId reason } }
}
";

/// The callers with fresh tokens. Whose organization was deleted is left out.
pub async fn all(store: &Store, issuer: &TokenIssuer) -> Result<Vec<Persona>, DemoError> {
    let members = store.system().all::<member::Entity>().await.map_err(crate::error::Error::from)?;
    let mut personas = Vec::with_capacity(CALLERS.len());
    for spec in &CALLERS {
        let organization = match spec.organization {
            Some(slug) => {
                let found = store.system().organization_by_slug(slug).await.map_err(crate::error::Error::from)?;
                let Some(id) = found else { continue };
                Some(id)
            }
            None => None,
        };
        let customer = (spec.role == Role::Customer).then(first_customer);
        let grant = Grant {
            subject: subject(spec, organization, &members),
            role: spec.role,
            organization,
            customer,
            member: None,
            permissions: None,
            expires_in: Duration::from_secs(VALIDITY_DAYS * 24 * 60 * 60),
            impersonator: None,
        };
        let token = Some(issuer.issue(grant)?);
        personas.push(Persona { name: spec.name.to_owned(), token, query: spec.query.to_owned() });
    }
    Ok(personas)
}

/// The address of a member with the role; for a caller that is no member, an address of its role.
fn subject(spec: &Spec, organization: Option<OrganizationId>, members: &[member::Model]) -> String {
    let mut fitting: Vec<_> = members
        .iter()
        .filter(|member| member.active && Some(member.tenant_id) == organization)
        .filter(|member| member.role.as_str() == spec.role.as_str())
        .collect();
    fitting.sort_by_key(|member| member.id);
    match fitting.first() {
        Some(member) => member.email.clone(),
        None => format!("{}@example.com", spec.role.as_str().to_lowercase()),
    }
}
