//! What surrounds a subscription, whoever may read it: a caller learns of it no more than what it may do.

use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, Condition};

use super::{Scope, Source};
use crate::entity::{OperationalStatus, customer, organization, subscription, tier};

impl Scope {
    /// Organizations, to be joined to what belongs to them.
    pub(crate) fn organizations_around(&self) -> Source {
        Source::unfiltered::<organization::Entity>(Condition::all())
    }

    /// The same if the caller's own organization operates, and none otherwise.
    pub(crate) fn organizations_within_reach(&self) -> Source {
        use organization::Column::{DeletedAt, Id, Status};
        let own = self.caller.as_ref().and_then(|caller| caller.organization());
        let operates = own.map(|own| {
            let column = |column| Expr::col(("own", column));
            let own = Query::select()
                .expr(Expr::cust("1"))
                .from_as(organization::Entity, "own")
                .and_where(column(Id).eq(own))
                .and_where(column(Status).eq(OperationalStatus::Active))
                .and_where(column(DeletedAt).is_null())
                .take();
            Expr::exists(own)
        });
        Source::unfiltered::<organization::Entity>(Condition::all().add_option(operates))
    }

    /// Customers, to be joined to what belongs to them.
    pub(crate) fn customers_around(&self) -> Source {
        Source::unfiltered::<customer::Entity>(Condition::all())
    }

    /// Tiers, to be joined to what is of them.
    pub(crate) fn tiers_around(&self) -> Source {
        Source::unfiltered::<tier::Entity>(Condition::all())
    }

    /// Subscriptions whose end is not recorded, to be joined to others of the same owner: of organizations themselves, or
    /// of customers.
    pub(crate) fn live_around(&self, of_organizations: bool) -> Source {
        use subscription::Column::{CustomerId, DeletedAt, EndedAt};
        let owner = if of_organizations { CustomerId.is_null() } else { CustomerId.is_not_null() };
        let live = Condition::all().add(owner).add(EndedAt.is_null()).add(DeletedAt.is_null());
        Source::unfiltered::<subscription::Entity>(live)
    }
}
