//! What the audit trail takes of a row, and who is shown it there.
//!
//! Every column is named here, taken or left out: one that is not named does not compile. The trail is read by more people
//! than the object, so a column is shown to nobody before somebody has decided to whom.

use serde_json::Value;

use super::{
    Mutable as _, add_on, checkout, customer, feature, gateway_account, gateway_price, member, organization, payment,
    revocation, subscription, tier, tier_feature, tier_price, usage_adjustment, usage_grant, usage_threshold,
};
use crate::auth::Permission;

/// A row that the trail tells of.
pub trait Audited {
    /// The columns that it takes, by their names.
    fn audited(&self) -> serde_json::Result<Vec<(&'static str, Value)>>;
}

/// Who of those that read the trail is shown a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    Readers,
    /// Who has this permission.
    Holders(Permission),
    /// The platform and resellers: who stands above the organization.
    Above,
}

macro_rules! taken {
    ($noun:ident { $($column:ident)+ } left out { $($left_out:ident)* }) => {
        impl Audited for $noun::Model {
            fn audited(&self) -> serde_json::Result<Vec<(&'static str, Value)>> {
                let Self { $($column,)+ $($left_out: _,)* } = self;
                Ok(vec![$((stringify!($column), serde_json::to_value($column)?),)+])
            }
        }
    };
}

macro_rules! audited {
    ($($noun:ident {
        shown { $($audience:expr => $($column:ident)+;)+ }
        parts { $($part:ident)* }
        left out { $($left_out:ident)* }
    })+) => {
        $(taken! { $noun { $($($column)+)+ } left out { $($left_out)* } })+

        /// Who is shown a column or part of a noun in the trail; none where nobody has decided: what other versions of
        /// this program took.
        pub fn audience(noun: &str, column: &str) -> Option<Audience> {
            match noun {
                $($noun::Model::NOUN => match column {
                    $($(stringify!($column))|+ => Some($audience),)+
                    $(stringify!($part) => Some(Audience::Readers),)*
                    _ => None,
                },)+
                _ => None,
            }
        }
    };
}

audited! {
    organization {
        shown {
            Audience::Readers => id name slug status exempt subscription_management billing_email default_currency time_zone
                grace_days unpaid_days
                metadata deleted_at;
            Audience::Above => parent_id;
            Audience::Holders(Permission::OrganizationsManage) => private_metadata;
        }
        parts {}
        left out { name_key search_text created_at updated_at version }
    }
    member {
        shown {
            Audience::Readers => id email name role active;
        }
        parts {}
        left out { tenant_id name_key search_text created_at updated_at version }
    }
    customer {
        shown {
            Audience::Readers => id name email phone external_ref status metadata deleted_at;
            Audience::Holders(Permission::CustomersManage) => private_metadata;
        }
        parts {}
        left out { tenant_id name_key search_text created_at updated_at version }
    }
    subscription {
        shown {
            Audience::Readers => id customer_id tier_id status mode amount_minor currency billing_cycle starts_at
                trial_started_at trial_ends_at current_period_start current_period_end time_zone anchor_day anchor_time
                period_end_policy trial_end_policy fallback_tier_id fallback_amount_minor grace_days unpaid_days expires_at cancel_at
                canceled_at ended_at past_due_since grace_ends_at suspended_at suspension_cause suspended_by suspended_from
                paused_at resumes_at pending_until scheduled_tier_id scheduled_amount_minor scheduled_billing_cycle
                scheduled_at override_reason override_ends_at overridden_tier_id overridden_amount_minor
                overridden_billing_cycle user_limit trial_limits_users feature_overrides add_ons scheduled_add_ons gateway gateway_account_id gateway_subscription_id
                external_id metadata purchaser last_renewed_by deleted_at;
            Audience::Holders(Permission::SubscriptionsManage) => private_metadata;
        }
        parts { charge }
        // What follows from the others, or comes back with the end of an override.
        left out {
            tenant_id overridden_state tried_tiers stood_still renewed_ahead payment_status payment_status_at usage_epoch usage_shift search_text access_ends_at next_at next_status second_at second_status
            third_at third_status fourth_at fourth_status fifth_at fifth_status due_at created_at updated_at version
        }
    }
    tier {
        shown {
            Audience::Readers => id key name description kind rank trial_days public sort_order period_end_policy
                trial_end_policy fallback_tier_id grace_access after_trial_access proration payment_options archived_at;
        }
        parts { prices features }
        left out { tenant_id search_text created_at updated_at version }
    }
    payment {
        shown {
            Audience::Readers => id subscription_id;
            Audience::Holders(Permission::PaymentsRead) => amount_minor currency status gateway gateway_account_id gateway_payment_id
                gateway_status failure_code failure_message attempt received_as reference purpose refunded_minor period_start paid_at;
        }
        parts {}
        left out { tenant_id customer_id search_text return_url gateway_metadata status_changed_at created_at updated_at version }
    }
    feature {
        shown {
            Audience::Readers => id key name description kind unit resets enforcement;
        }
        parts {}
        left out { tenant_id created_at updated_at version }
    }
    add_on {
        shown {
            Audience::Readers => id key name description kind public sort_order max_quantity tier_ids prices features
                archived_at;
        }
        parts {}
        left out { tenant_id search_text created_at updated_at version }
    }
    gateway_account {
        shown {
            Audience::Readers => id kind mode name gateway_account_id instructions key_changed_at secrets_changed_at
                disabled_at;
        }
        parts {}
        // What opens the account, and where its news comes in.
        left out { tenant_id slug sealed_key sealed_secrets created_at updated_at version }
    }
    gateway_price {
        shown {
            Audience::Readers => id account_id tier_id add_on_id billing_cycle currency amount_minor price_id;
        }
        parts {}
        left out { tenant_id created_at updated_at version }
    }
    checkout {
        shown {
            Audience::Readers => id subscription_id;
            Audience::Holders(Permission::PaymentsRead) => payment_id account_id state tier_id billing_cycle currency
                add_ons amount_minor purchaser session_id expires_at;
        }
        parts {}
        left out { tenant_id customer_id return_url state_changed_at created_at updated_at version }
    }
    usage_grant {
        shown {
            Audience::Readers => id subscription_id feature_key amount expires_at;
        }
        parts {}
        left out { tenant_id created_at updated_at version }
    }
    usage_threshold {
        shown {
            Audience::Readers => id subscription_id feature_key percent ceiling used;
        }
        parts {}
        left out { tenant_id epoch number created_at updated_at version }
    }
    usage_adjustment {
        shown {
            Audience::Readers => id subscription_id feature_key amount occurred_at;
        }
        parts {}
        left out { tenant_id created_at updated_at version }
    }
    revocation {
        shown {
            Audience::Readers => id token_id subject expires_at;
        }
        parts {}
        left out { tenant_id holds created_at updated_at version }
    }
}

taken! { tier_price { id tier_id billing_cycle currency amount_minor gateway_prices } left out { } }
taken! { tier_feature { id tier_id key kind enabled ceiling } left out { } }
