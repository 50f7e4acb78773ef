//! The closed sets of values that rows hold. Stored as the text the API shows.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

use crate::read::json::column_of_enum;

macro_rules! stored_enums {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[sea_orm(string_value = $text)]
                #[graphql(name = $text)]
                #[serde(rename = $text)]
                $variant,
            )*
        }

        column_of_enum!($name);

        impl $name {
            /// The stored and shown text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    )*};
}

stored_enums! {
    /// How a change in the middle of a period is charged.
    Proration {
        /// What is not used any more is given back, and what is had instead is charged for the rest of the period.
        Prorate = "PRORATE",
        /// The whole new price is charged, a new period begins, and nothing is given back.
        Full = "FULL",
        /// Nothing is charged or given back before the next period.
        None = "NONE",
    }

    /// How a payment that no gateway took was received.
    ReceivedAs {
        /// To a bank account.
        BankTransfer = "BANK_TRANSFER",
        /// In cash.
        Cash = "CASH",
        /// In a cryptocurrency.
        Crypto = "CRYPTO",
        /// In another way.
        Other = "OTHER",
    }

    /// What a payment is for.
    PaymentPurpose {
        /// A period.
        Period = "PERIOD",
        /// A change in the middle of one.
        Change = "CHANGE",
    }

    /// Whether an organization or a customer may operate at all. Says nothing about what is paid for: that is the
    /// status of the subscription.
    OperationalStatus {
        /// In normal operation.
        Active = "ACTIVE",
        /// Shut off for now by an operator.
        Suspended = "SUSPENDED",
        /// Closed for good.
        Terminated = "TERMINATED",
    }

    /// Who manages an organization's own subscription.
    SubscriptionManagement {
        /// Whoever is above: the platform, or the reseller. The organization's administrator sees it, cancels it and takes
        /// that back, schedules downgrades, and starts the default trial once. What grants access, time, limits or a
        /// price comes from above or from a confirmed payment.
        PlatformManaged = "PLATFORM_MANAGED",
        /// The organization's own administrator, as those of its customers.
        SelfManaged = "SELF_MANAGED",
    }

    /// Who stands above an organization.
    Above {
        /// The reseller that it belongs to.
        Reseller = "RESELLER",
        /// The platform.
        Platform = "PLATFORM",
    }

    /// What a member may do in its organization.
    MemberRole {
        /// Manages the organization: customers, subscriptions, members, payments and its own catalogue.
        Admin = "ADMIN",
        /// As an administrator, over the organizations below its own as well.
        Reseller = "RESELLER",
        /// Reads the organization's customers.
        Worker = "WORKER",
    }

    /// Who a tier is sold to.
    TierKind {
        /// Sold to organizations.
        Organization = "ORGANIZATION",
        /// Sold to the customers of an organization.
        Customer = "CUSTOMER",
    }

    /// How often a price is charged.
    BillingCycle {
        /// Every calendar month.
        Monthly = "MONTHLY",
        /// Every calendar year.
        Yearly = "YEARLY",
    }

    /// What happens to a subscription whose period ends and that nothing renews. What costs nothing renews by itself,
    /// whatever the policy.
    PeriodEndPolicy {
        /// The subscription expires.
        Expire = "EXPIRE",
        /// The subscription is suspended: read only until someone acts.
        Suspend = "SUSPEND",
        /// The subscription moves to the fallback tier.
        Downgrade = "DOWNGRADE",
        /// The next period begins unpaid: a payment is waited for, for the days of grace.
        Renew = "RENEW",
    }

    /// What happens to a subscription whose trial ends and that nothing converts.
    TrialEndPolicy {
        /// The subscription expires.
        Expire = "EXPIRE",
        /// The subscription moves to the fallback tier.
        Fallback = "FALLBACK",
    }

    /// How much of what is granted may be used.
    AccessMode {
        /// All of it.
        Full = "FULL",
        /// What there is goes on, and meters count; limits do not grow.
        Limited = "LIMITED",
        /// Reading alone.
        ReadOnly = "READ_ONLY",
        /// Nothing.
        None = "NONE",
    }

    /// How a feature is measured.
    FeatureKind {
        /// On or off.
        Switch = "SWITCH",
        /// A ceiling on how many there may be at a time, such as users.
        Limit = "LIMIT",
        /// An allowance for each period, such as queries.
        Meter = "METER",
    }

    /// When the use of a meter begins at 0 again.
    FeatureReset {
        /// Every month, counted from the day that periods start on; in yearly subscriptions and long trials too.
        Monthly = "MONTHLY",
        /// With every period of the subscription.
        Period = "PERIOD",
        /// Never: what is granted is granted once.
        Never = "NEVER",
    }

    /// What happens at the limit of a feature.
    FeatureEnforcement {
        /// Nothing is consumed beyond it.
        Hard = "HARD",
        /// More is consumed, and shown as such.
        Soft = "SOFT",
    }

    /// What became of a reservation.
    ReservationState {
        /// It is held.
        Held = "HELD",
        /// What was used of it was counted.
        Settled = "SETTLED",
        /// It was given back.
        Released = "RELEASED",
        /// Its time was over.
        Expired = "EXPIRED",
    }

    /// Where a subscription stands in its lifecycle, as recorded. What it is worth at this moment is its effective
    /// status.
    SubscriptionStatus {
        /// Waits for its first payment or its start. No access.
        Pending = "PENDING",
        /// In its free trial.
        Trialing = "TRIALING",
        /// Paid for.
        Active = "ACTIVE",
        /// A renewal is unpaid. Access continues for the days of grace.
        PastDue = "PAST_DUE",
        /// Paused at the owner's wish. No access, and the paid time stands still.
        Paused = "PAUSED",
        /// Shut off by an operator or for non-payment. Read only.
        Suspended = "SUSPENDED",
        /// Ended by a cancellation.
        Canceled = "CANCELED",
        /// Ended by time.
        Expired = "EXPIRED",
    }

    /// Who decides about a subscription.
    ManagementMode {
        /// Administrators, by hand.
        Manual = "MANUAL",
        /// A payment gateway, by its events.
        Gateway = "GATEWAY",
        /// An administrator's override, until it is ended or runs out.
        Override = "OVERRIDE",
    }

    /// Why a subscription is suspended.
    SuspensionCause {
        /// An operator suspended it.
        Operator = "OPERATOR",
        /// It was not paid in time.
        NonPayment = "NON_PAYMENT",
    }

    /// Who moves the money.
    Gateway {
        /// Nobody but people: bank transfer, cash.
        Manual = "MANUAL",
        /// Stripe.
        Stripe = "STRIPE",
        /// Mercado Pago.
        MercadoPago = "MERCADO_PAGO",
        /// Flow, in Chile.
        Flow = "FLOW",
        /// The simulator, which moves no money. Exists only where there is a test clock.
        Simulator = "SIMULATOR",
    }

    /// The gateway of an account.
    GatewayKind {
        /// Stripe.
        Stripe = "STRIPE",
        /// Behaves like Stripe and moves no money. Exists only where there is a test clock.
        Simulator = "SIMULATOR",
        /// Nobody but people: bank transfer, cash, cryptocurrency.
        Manual = "MANUAL",
    }

    /// What an object at a gateway is.
    GatewayObjectKind {
        /// Whoever pays.
        Customer = "CUSTOMER",
        /// A hosted page.
        Checkout = "CHECKOUT",
        /// A subscription that the gateway bills.
        Subscription = "SUBSCRIPTION",
        /// The demand for one period's money.
        Invoice = "INVOICE",
        /// A sum that is or was to be collected.
        Payment = "PAYMENT",
        /// Money that goes back.
        Refund = "REFUND",
        /// A payment that the payer's bank takes back.
        Dispute = "DISPUTE",
        /// A way to pay.
        Method = "METHOD",
    }

    /// Where something stands that was asked of a gateway.
    IntentState {
        /// It was sent or is about to be, and it is not known what came of it.
        Open = "OPEN",
        /// The gateway did it.
        Done = "DONE",
        /// The gateway did not do it, and will not.
        Failed = "FAILED",
    }

    /// Where news of a gateway stands.
    WebhookEventState {
        /// Kept, and not looked at yet.
        Received = "RECEIVED",
        /// Its object will be fetched.
        Queued = "QUEUED",
        /// Its object was fetched after it, and what it is like now was applied.
        Applied = "APPLIED",
        /// It changes nothing of ours; the reason says why.
        Skipped = "SKIPPED",
        /// It was tried often and failed each time; the reason says why.
        Dead = "DEAD",
    }

    /// Whether a gateway account moves real money.
    GatewayMode {
        /// Test numbers only.
        Test = "TEST",
        /// Real money.
        Live = "LIVE",
    }

    /// Where a payment stands.
    PaymentStatus {
        /// Announced, not yet confirmed.
        Pending = "PENDING",
        /// Waits for the payer, who must confirm with the bank.
        RequiresAction = "REQUIRES_ACTION",
        /// With the gateway, which has not decided.
        Processing = "PROCESSING",
        /// Received.
        Succeeded = "SUCCEEDED",
        /// Refused. The failure code says why.
        Failed = "FAILED",
        /// Given up before it was decided.
        Canceled = "CANCELED",
        /// Paid back in part.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        /// Paid back whole.
        Refunded = "REFUNDED",
        /// Received, and the payer's bank wants it back or has taken it back.
        Disputed = "DISPUTED",
    }

    /// A way to pay that is offered at a checkout.
    PaymentOption {
        /// A credit or debit card.
        Card = "CARD",
        /// A direct debit from a bank account.
        BankAccount = "BANK_ACCOUNT",
        /// A wallet of a third party.
        Wallet = "WALLET",
        /// A transfer by the payer, who is told where to.
        BankTransfer = "BANK_TRANSFER",
        /// In cash.
        Cash = "CASH",
        /// In a cryptocurrency.
        Crypto = "CRYPTO",
    }

    /// Where a checkout stands.
    CheckoutState {
        /// It can be paid.
        Open = "OPEN",
        /// It was paid.
        Completed = "COMPLETED",
        /// It was closed without being paid.
        Expired = "EXPIRED",
        /// Another one took its place.
        Superseded = "SUPERSEDED",
        /// The gateway did not open it.
        Failed = "FAILED",
    }

    /// What kind of payment method this is.
    PaymentMethodKind {
        /// A credit or debit card.
        Card = "CARD",
        /// A bank account.
        BankAccount = "BANK_ACCOUNT",
        /// A wallet of a third party.
        Wallet = "WALLET",
    }
}
