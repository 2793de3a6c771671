//! The bridge as a whole: built, started, stopped, asked how it is.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use homeserver::{Appservice, Transaction, Unavailable};
use ruma::UserId;

use crate::{
    Ctx, Error, Figures, Parts, World, delivery::echoes, figures, intake, lanes, login::Logins,
    reading,
};

mod housekeeping;
mod settle;

/// A bridge. Dropping it ends whatever it does, at the next await, as a kill would.
pub struct Bridge {
    world: Ctx,
}

/// How the bridge's two foundations are; `Err` says in one sentence what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The database.
    pub database: Result<(), String>,
    /// The homeserver.
    pub homeserver: Result<(), String>,
}

impl Bridge {
    /// A bridge that does nothing yet.
    ///
    /// # Errors
    /// When the configuration's names are unusable.
    pub fn new(parts: Parts) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            world: World::new(parts)?,
        }))
    }

    /// Starts the lanes that have work and the connections of the logins, and greets the homeserver until
    /// it answers. Does not wait for homeserver or network.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(&self) -> Result<(), Error> {
        intake::missed::begin(&self.world).await?;
        // Neither leaves anything half done, so a stop need not wait for them.
        let world = self.world.clone();
        self.world
            .spawn_until_stop(async move { settle::run(&world).await });
        let world = self.world.clone();
        self.world
            .spawn_until_stop(async move { settle::open_gate(&world).await });
        let world = self.world.clone();
        self.world
            .spawn_until_stop(async move { intake::missed::run(&world).await });
        let world = self.world.clone();
        self.world
            .spawn_until_stop(async move { echoes::run(&world).await });
        let world = self.world.clone();
        self.world
            .spawn(async move { housekeeping::run(&world).await });
        // Lanes pause where there is no account, so the accounts come first.
        self.world.connections.start_all(&self.world).await?;
        lanes::start(&self.world).await
    }

    /// Ends: takes nothing new, lets each lane finish the item in hand, and after `patience` drops what
    /// still runs.
    pub async fn stop(&self, patience: Duration) {
        self.world.stop.cancel();
        if tokio::time::timeout(patience, self.world.ended())
            .await
            .is_err()
        {
            self.world.kill();
            self.world.ended().await;
        }
        self.world.store.close().await;
    }

    /// The road of a login, for the web pages.
    pub fn logins(&self) -> Logins {
        Logins::new(self.world.clone())
    }

    /// The shared context.
    pub fn world(&self) -> &Ctx {
        &self.world
    }

    /// Asks database and homeserver how they are.
    pub async fn health(&self) -> Health {
        let (database, homeserver) =
            tokio::join!(self.world.store.check(), self.world.homeserver.versions());
        Health {
            database: database.map_err(|error| error.to_string()),
            homeserver: homeserver.map(drop).map_err(|error| error.to_string()),
        }
    }

    /// Figures for the metrics.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn figures(&self) -> Result<Figures, Error> {
        figures::read(&self.world).await
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.world.kill();
    }
}

#[async_trait]
impl Appservice for Bridge {
    async fn transaction(&self, id: &str, mut transaction: Transaction) -> Result<(), Unavailable> {
        let ephemeral = std::mem::take(&mut transaction.ephemeral);
        let (world, id) = (self.world.clone(), id.to_owned());
        // A homeserver that hangs up before our answer would otherwise leave events stored in lanes that nobody
        // wakes: it repeats them, but they are known by then.
        let accepted = self
            .world
            .see_through(async move { intake::matrix::accept(&world, &id, transaction).await });
        accepted.await.unwrap_or(Err(Unavailable))?;
        reading::receipts(&self.world, &ephemeral);
        Ok(())
    }

    async fn user_exists(&self, user: &UserId) -> bool {
        intake::matrix::user_exists(&self.world, user).await
    }

    fn ping_received(&self, txn: Option<&str>) {
        tracing::debug!(txn, "the homeserver reaches us");
        self.world.gate.open(self.world.now());
    }
}
