//! Work that concerns every tenant at once. Not reachable from a request.

use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use super::Store;
use crate::entity::{OrganizationId, organization};

/// The database without a tenant: for the command line and the demo's data.
pub struct System<'a>(&'a Store);

impl Store {
    /// Access across tenants, for work that no request asked for.
    pub fn system(&self) -> System<'_> {
        System(self)
    }
}

impl System<'_> {
    /// The organization with this slug.
    pub async fn organization_by_slug(&self, slug: &str) -> Result<Option<OrganizationId>, DbErr> {
        let found = organization::Entity::find()
            .filter(organization::Column::Slug.eq(slug))
            .filter(organization::Column::DeletedAt.is_null())
            .one(&self.0.connection)
            .await?;
        Ok(found.map(|organization| organization.id))
    }

    /// How many rows the table has.
    pub async fn count<E>(&self) -> Result<u64, DbErr>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        E::find().count(&self.0.connection).await
    }

    /// Every row of the table.
    pub async fn all<E: EntityTrait>(&self) -> Result<Vec<E::Model>, DbErr> {
        E::find().all(&self.0.connection).await
    }

    /// Inserts rows as they are: tenants, versions and times included.
    pub async fn insert<M, E>(&self, rows: Vec<M>) -> Result<(), DbErr>
    where
        E: EntityTrait<Model = M>,
        M: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        // SQLite allows 32,766 parameters in a statement.
        let mut rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).peekable();
        while rows.peek().is_some() {
            let batch: Vec<_> = rows.by_ref().take(400).collect();
            E::insert_many(batch).exec_without_returning(&self.0.connection).await?;
        }
        Ok(())
    }
}
