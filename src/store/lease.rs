//! One publisher at a time: an item that says who publishes, and until when at most.
//!
//! Objects and manifests are written without conditions, so two publishers could leave pages of one beside sums of the
//! other. A publisher that ended without giving the lease back keeps others waiting until it runs out.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::item::{is_condition_failed, n, s};
use super::key::Key;
use super::{Store, StoreError};

/// As long as a run may take at most: the time-out of `publish-pages`, and half a minute.
const LEASE: SignedDuration = SignedDuration::from_secs(630);

/// This process among those that publish; runs within one process take turns by themselves.
static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:032x}", rand::random::<u128>()));

/// The right to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    holder: String,
}

impl Store {
    /// The right to publish for this process; `None` while another process has it.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn take_lease(&self, now: Timestamp) -> Result<Option<Lease>, StoreError> {
        self.take_lease_as(&PROCESS, now).await
    }

    /// The same for a process of this name.
    ///
    /// # Errors
    /// As of [`Store::take_lease`].
    pub async fn take_lease_as(
        &self,
        holder: &str,
        now: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(Key::lease().attributes()))
            .item("holder", s(holder))
            .item("until", n((now + LEASE).as_second()))
            .condition_expression("attribute_not_exists(PK) OR #until <= :now OR holder = :holder")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":holder", s(holder));
        match put.send().await {
            Ok(_) => Ok(Some(Lease {
                holder: holder.to_owned(),
            })),
            Err(error) if is_condition_failed(&error) => Ok(None),
            Err(error) => Err(StoreError::transient("take lease")(Box::new(error))),
        }
    }

    /// Gives the right to publish back, unless another process has it by now.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written; then the lease runs out by itself.
    pub async fn give_lease_back(&self, lease: &Lease) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(Key::lease().attributes()))
            .item("holder", s(&lease.holder))
            .item("until", n(0))
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", s(&lease.holder));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition_failed(&error) => Ok(()),
            Err(error) => Err(StoreError::transient("give lease back")(Box::new(error))),
        }
    }

    /// Ends the lease of a process that is known to be gone.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn end_lease(&self) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(Key::lease().attributes()))
            .item("holder", s(""))
            .item("until", n(0));
        let sent = put.send().await;
        sent.map_err(|error| StoreError::transient("end lease")(Box::new(error)))?;
        Ok(())
    }
}
