//! What a connected account tells: committed together with the room's cursor before the network goes on.
//!
//! To take another event: its arm in `RemoteSink::take`.

use std::sync::Arc;

use async_trait::async_trait;
use remote::{Event, EventSink, Message, MessageId, PersonId, RoomId, SinkClosed};
use store::{Lane, Login, MessageRow, NewItem, Portal, PortalState, Told};

use super::catch_up::{self, Intake};
use crate::{Ctx, Error, delivery::ToMatrix, ghost, lanes, lanes::Backoff, login, reading};

/// Takes what the account of one login tells.
pub struct RemoteSink {
    world: Ctx,
    login: Login,
    intake: Arc<Intake>,
}

impl RemoteSink {
    /// A sink for one connection of this login.
    pub fn new(world: &Ctx, login: &Login) -> Self {
        Self {
            world: world.clone(),
            login: login.clone(),
            intake: world.intakes.of(login.id),
        }
    }

    async fn take(&self, event: &Event) -> Result<(), Error> {
        let world = &self.world;
        match event {
            Event::Connected { missed } => {
                world.connections.connected(self.login.id);
                world.echoes.look();
                catch_up::connected(world, &self.login, *missed).await
            }
            Event::Disconnected { why } => {
                world.connections.disconnected(self.login.id, why);
                Ok(())
            }
            Event::Gap { rooms } => catch_up::gap(world, &self.login, rooms).await,
            Event::Message(message) => self.message(message).await,
            Event::Changed(message) => self.changed(message).await,
            Event::Deleted { room, message } => self.deleted(room, message).await,
            Event::Joined { room, person } => {
                self.put(
                    room,
                    came_or_went(world, &person.id),
                    ToMatrix::Joined(person.clone()),
                )
                .await
            }
            Event::Left { room, person } => {
                self.put(
                    room,
                    came_or_went(world, person),
                    ToMatrix::Left(person.clone()),
                )
                .await
            }
            Event::Person(person) => {
                if person.id.as_str() == self.login.person_id {
                    world
                        .store
                        .set_login_profile(self.login.id, &person.username, &person.display_name)
                        .await?;
                }
                ghost::changed(world, self.login.id, person.clone());
                self.partner(&person.id).await
            }
            Event::RoomAdded(room) => {
                login::room_added(world, self.login.id, (**room).clone());
                Ok(())
            }
            Event::RoomChanged(room) => {
                self.put(room, "refresh".to_owned(), ToMatrix::Refresh)
                    .await
            }
            Event::Happened { room, id, text } => {
                let what = ToMatrix::Happened {
                    id: id.clone(),
                    text: text.clone(),
                };
                self.put(room, format!("happened/{id}"), what).await
            }
            Event::Read { room, up_to } => {
                reading::elsewhere(world, &self.login, room, up_to.as_ref()).await
            }
            Event::RoomRemoved(room) => {
                login::room_removed(world, self.login.id, room);
                Ok(())
            }
        }
    }

    async fn portal(&self, room: &RoomId) -> Result<Option<Portal>, Error> {
        let portal = self
            .world
            .store
            .portal_of(&self.login.mxid, room.as_str())
            .await?;
        Ok(portal.filter(|portal| portal.login_id == Some(self.login.id)))
    }

    /// A conversation of two is called after the other one, and has his picture.
    async fn partner(&self, person: &PersonId) -> Result<(), Error> {
        for portal in self.world.store.portals_of(&self.login.mxid).await? {
            if portal.other_person.as_deref() == Some(person.as_str()) {
                let room = RoomId::from(portal.remote_room.as_str());
                self.put(&room, "refresh".to_owned(), ToMatrix::Refresh)
                    .await?;
            }
        }
        Ok(())
    }

    async fn message(&self, message: &Message) -> Result<(), Error> {
        let world = &self.world;
        let Some(portal) = self.joined_portal(&message.room).await? else {
            return Ok(());
        };
        self.echo(&portal, message);
        let item = message_item(portal.id, self.login.id, message)?;
        let mut behind = self.intake.lock().await;
        if behind.hold_back(portal.id, message) {
            // What came before it is still being read. Held in memory only: until it is stored, the cursor
            // says that it is not.
            return Ok(());
        }
        let told = world
            .store
            .accept_message(portal.id, message.id.as_str(), &item, world.now())
            .await?;
        drop(behind);
        // What the user said on Matrix comes back from the network, mostly after the answer to its sending.
        match told {
            // In case that nobody woke its lane then.
            Told::New | Told::Waits => lanes::wake(world, &Lane::ToMatrix(portal.id)),
            Told::Shown | Told::Own => {}
        }
        if matches!(told, Told::Waits | Told::Shown) {
            world.meters.repeated_by_remote();
        }
        Ok(())
    }

    /// Networks tell of a change, too, where only the number of answers changed.
    async fn changed(&self, message: &Message) -> Result<(), Error> {
        let world = &self.world;
        let Some(portal) = self.joined_portal(&message.room).await? else {
            return Ok(());
        };
        self.echo(&portal, message);
        if self.intake.lock().await.update(portal.id, message) {
            return Ok(());
        }
        if let Some(item) = change_item(world, portal.id, self.login.id, message).await? {
            self.enqueue(&portal, item).await?;
        }
        Ok(())
    }

    /// What the user himself said may be what he is waiting for on Matrix.
    fn echo(&self, portal: &Portal, message: &Message) {
        let (world, own) = (&self.world, self.login.person_id.as_str());
        if message
            .sender
            .as_ref()
            .is_some_and(|it| it.id.as_str() == own)
        {
            world.echoes.heard(portal.id, &message.id, world.now());
        }
    }

    async fn deleted(&self, room: &RoomId, message: &MessageId) -> Result<(), Error> {
        let world = &self.world;
        let Some(portal) = self.joined_portal(room).await? else {
            return Ok(());
        };
        // It was there.
        world.echoes.heard(portal.id, message, world.now());
        self.intake.lock().await.forget(portal.id, message);
        let lane = Lane::ToMatrix(portal.id);
        let waiting = message_key(message);
        if self.world.store.withdraw(&lane, &waiting).await? {
            return Ok(());
        }
        let item = deletion_item(portal.id, self.login.id, message)?;
        self.enqueue(&portal, item).await
    }

    async fn enqueue(&self, portal: &Portal, item: NewItem) -> Result<(), Error> {
        let (world, lane) = (&self.world, item.lane.clone());
        world
            .store
            .accept_remote(portal.id, &[item], None, world.now())
            .await?;
        lanes::wake(world, &lane);
        Ok(())
    }

    /// The portal of a room, if its user is in it.
    async fn joined_portal(&self, room: &RoomId) -> Result<Option<Portal>, Error> {
        let portal = self.portal(room).await?;
        Ok(portal.filter(|portal| portal.state == PortalState::Joined))
    }

    /// Whether it changes anything in the portal's room. People come in when the user does, so until then it only matters
    /// who goes.
    async fn matters(&self, portal: &Portal, what: &ToMatrix) -> Result<bool, Error> {
        let Some(room) = &portal.room_id else {
            return Ok(false);
        };
        Ok(match what {
            _ if portal.state == PortalState::Joined => true,
            ToMatrix::Joined(_) | ToMatrix::Happened { .. } => false,
            ToMatrix::Left(person) => self.world.store.ghost_in(person.as_str(), room).await?,
            _ => true,
        })
    }

    /// Puts something without a place in the room's history into the portal's lane.
    async fn put(&self, room: &RoomId, key: String, what: ToMatrix) -> Result<(), Error> {
        let Some(portal) = self.portal(room).await? else {
            return Ok(());
        };
        if !self.matters(&portal, &what).await? {
            return Ok(());
        }
        let lane = Lane::ToMatrix(portal.id);
        let payload = what.to_payload()?;
        let item = NewItem {
            lane,
            login_id: Some(self.login.id),
            key,
            about: None,
            payload,
        };
        self.enqueue(&portal, item).await
    }
}

/// A key of its own for each time: whoever comes, goes and comes again while the lane waits is there in the end. Being told
/// twice of one coming costs nothing.
pub(super) fn came_or_went(world: &Ctx, person: &PersonId) -> String {
    format!("member/{person}/{}", hex::encode(world.random.bytes::<8>()))
}

/// The item that carries a message to Matrix.
pub(super) fn message_item(portal: i64, login: i64, message: &Message) -> Result<NewItem, Error> {
    Ok(NewItem {
        lane: Lane::ToMatrix(portal),
        login_id: Some(login),
        key: message_key(&message.id),
        about: None,
        payload: ToMatrix::Message(Box::new(message.clone())).to_payload()?,
    })
}

pub(super) fn message_key(message: &MessageId) -> String {
    format!("message/{message}")
}

/// The item that carries a change to Matrix, if there is anything in it that is not known.
pub(super) async fn change_item(
    world: &Ctx,
    portal: i64,
    login: i64,
    message: &Message,
) -> Result<Option<NewItem>, Error> {
    let known = world.store.messages(portal, message.id.as_str()).await?;
    // Of what is not in the map, its own item may still wait in the lane.
    let is_known =
        |row: &MessageRow| row.deleted || (!message.blanked && row.edited_at >= message.edited_at);
    let never_changed = !message.blanked && message.edited_at.is_none();
    if never_changed || (!known.is_empty() && known.iter().all(is_known)) {
        return Ok(None);
    }
    let version = match message.edited_at {
        _ if message.blanked => "blanked".to_owned(),
        Some(at) => at.to_string(),
        None => return Ok(None),
    };
    Ok(Some(NewItem {
        lane: Lane::ToMatrix(portal),
        login_id: Some(login),
        key: format!("changed/{}/{version}", message.id),
        about: None,
        payload: ToMatrix::Changed(Box::new(message.clone())).to_payload()?,
    }))
}

/// The item that takes a message back on Matrix.
pub(super) fn deletion_item(
    portal: i64,
    login: i64,
    message: &MessageId,
) -> Result<NewItem, Error> {
    Ok(NewItem {
        lane: Lane::ToMatrix(portal),
        login_id: Some(login),
        key: format!("deleted/{message}"),
        about: None,
        payload: ToMatrix::Deleted(message.clone()).to_payload()?,
    })
}

#[async_trait]
impl EventSink for RemoteSink {
    async fn accept(&mut self, event: Event) -> Result<(), SinkClosed> {
        let mut wait = Backoff::default();
        loop {
            if self.world.stop.is_cancelled() {
                return Err(SinkClosed);
            }
            // An event that is not stored must not be passed over: the network waits as long as the
            // database does.
            match self.take(&event).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() => {
                    tracing::warn!(login = self.login.id, %error, "cannot take an event; trying again");
                    tokio::select! {
                        biased;
                        () = self.world.stop.cancelled() => {}
                        () = tokio::time::sleep(wait.next(&self.world)) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(login = self.login.id, %error, "an event cannot be taken");
                    return Ok(());
                }
            }
        }
    }
}
