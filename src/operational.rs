//! The operational life of organizations and customers: whether they may operate at all. What they are entitled to is
//! another matter, the subscription's.

use crate::auth::{Caller, Standing};
use crate::entity::{OperationalStatus, OrganizationId};
use crate::error::{Code, Refusal};

/// Whether the caller changes something in an organization of this status: a suspended one is changed only from above,
/// and a terminated one only by the platform.
pub fn may_write(caller: &Caller, organization: OrganizationId, status: OperationalStatus) -> bool {
    match status {
        OperationalStatus::Active => true,
        OperationalStatus::Suspended => caller.organization() != Some(organization),
        OperationalStatus::Terminated => caller.standing() == Standing::Platform,
    }
}

/// A step in an operational life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Shut off for now.
    Suspend,
    /// Lift the suspension.
    Resume,
    /// Close for good; ends the subscription.
    Terminate,
    /// Remove: ends the subscription and becomes invisible.
    Delete,
}

impl Step {
    /// The verb of the audit trail.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Terminate => "terminate",
            Self::Delete => "delete",
        }
    }

    /// Whether the owner's subscription ends with the step.
    pub const fn ends_subscription(self) -> bool {
        matches!(self, Self::Terminate | Self::Delete)
    }

    /// The status after the step, or the refusal of one that makes no sense.
    pub fn from(self, status: OperationalStatus) -> Result<OperationalStatus, Refusal> {
        use OperationalStatus::{Active, Suspended, Terminated};
        match (self, status) {
            (Self::Suspend, Active) => Ok(Suspended),
            (Self::Resume, Suspended) => Ok(Active),
            (Self::Terminate, Active | Suspended) => Ok(Terminated),
            (Self::Delete, status) => Ok(status),
            (_, status) => {
                let message = format!("This is not possible while the status is {}.", status.as_str());
                Err(Refusal::new(Code::OwnerInactive, message).at("input.id"))
            }
        }
    }
}
