//! Network → Matrix: a message by its writer's ghost, and what else happens in a room.

mod edit;
mod quotation;
mod removal;
mod thread;

use std::time::Duration;

use homeserver::{Actor, Direction, NewEvent};
use remote::{Message, MessageId, Person, PersonId};
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde_json::Value;
use store::{Item, Lane, Login, MessageRow, Portal, PortalState};

use super::{ToMatrix, digest, tell, txn};
use crate::{
    Ctx, Error,
    ghost::{self, puppet},
    lanes::Outcome,
    management::notice::line,
    media,
    media::incoming::Shown,
    portal, text,
};

/// Works one item. With `suspect`, it may have been carried out already without our knowing. `Err` is only
/// what may pass by itself.
pub(crate) async fn work(
    world: &Ctx,
    portal: i64,
    item: &Item,
    suspect: bool,
) -> Result<Outcome, Error> {
    let what = match ToMatrix::from_payload(&item.payload) {
        Ok(what) => what,
        Err(error) => {
            tracing::error!(lane = %item.lane, %error, "passed over");
            return Ok(Outcome::Failed(error.sentence()));
        }
    };
    let message = what.message().map(MessageId::as_str);
    let Some((portal, login, known)) = world.store.way_to_matrix(portal, message).await? else {
        return Ok(Outcome::done());
    };
    let Some(room) = portal
        .room_id
        .as_deref()
        .and_then(|room| OwnedRoomId::try_from(room).ok())
    else {
        return Ok(Outcome::Paused);
    };
    // What was said while the user is away from the room waits for him there.
    if portal.state != PortalState::Joined && !matches!(what, ToMatrix::Refresh) {
        return Ok(Outcome::Paused);
    }
    let Some(login) = login else {
        // Of a login that its user has ended.
        return Ok(Outcome::done());
    };
    let place = Place {
        world,
        portal: &portal,
        room: &room,
        login: &login,
    };
    let result = match &what {
        // It is shown already, or came from Matrix.
        ToMatrix::Message(_) if !known.is_empty() => Ok(Outcome::done()),
        ToMatrix::Message(message) => place.message(message, suspect).await,
        ToMatrix::Changed(message) => place.changed(message, item, known).await,
        ToMatrix::Deleted(message) => place.deleted(message, known).await,
        ToMatrix::Joined(person) => place.joined(person).await.map(|()| Outcome::done()),
        ToMatrix::Left(person) => place.left(person).await.map(|()| Outcome::done()),
        ToMatrix::Happened { id, text } => {
            let key = format!("happened {} {id}", portal.id);
            tell::say(world, &room, &key, line![text])
                .await
                .map(|()| Outcome::done())
        }
        ToMatrix::Refresh => portal::refresh(world, &portal)
            .await
            .map(|_| Outcome::done()),
        ToMatrix::LeftOut => place.left_out(&item.key).await.map(|()| Outcome::done()),
    };
    match result {
        Err(error) if error.is_transient() => Err(error),
        Err(error) if error.needs_login() => Ok(Outcome::Paused),
        // It waits for another room.
        Err(error) if portal::is_lost(world, &portal, &room, &error).await? => Ok(Outcome::Paused),
        Err(error) => place.lost(&what, error).await,
        done => done,
    }
}

/// Where an item is delivered.
struct Place<'a> {
    world: &'a Ctx,
    portal: &'a Portal,
    room: &'a RoomId,
    login: &'a Login,
}

impl Place<'_> {
    async fn message(&self, message: &Message, suspect: bool) -> Result<Outcome, Error> {
        if self.is_own(message) {
            if let Some(later) = self.while_sending().await? {
                return Ok(later);
            }
            // What the other lane recorded since the map was asked.
            if self.is_known(&message.id).await? {
                return Ok(Outcome::done());
            }
        }
        if message.blanked {
            return Ok(Outcome::done());
        }
        let mut who = self.speaker(message).await?;
        let mut relation = self.thread(message).await?;
        let mut rows = Vec::new();
        let contents = self.contents(&*self.quoting(message).await?).await?;
        for Shown {
            part, mut content, ..
        } in contents
        {
            let digest = digest::of_content(&content);
            if let Some(relation) = &relation {
                content["m.relates_to"] = relation.clone();
            }
            let found = if suspect {
                self.find(&message.id, part).await?
            } else {
                None
            };
            let event = if let Some(event) = found {
                event
            } else {
                let sent_at = message.sent_at;
                let said = self
                    .say("message", &mut who, message, part, &content, sent_at)
                    .await;
                match self.elsewhere(relation.as_ref(), &said).await? {
                    None => said?,
                    Some(other) => {
                        content["m.relates_to"] = other.clone();
                        relation = Some(other);
                        self.say("message", &mut who, message, part, &content, sent_at)
                            .await?
                    }
                }
            };
            rows.push(MessageRow {
                digest: Some(digest),
                ..self.row(message, part, &event, &who)
            });
        }
        Ok(Outcome::Done(rows))
    }

    /// Whether it is shown already, or came from Matrix.
    async fn is_known(&self, message: &MessageId) -> Result<bool, Error> {
        Ok(!self
            .world
            .store
            .messages(self.portal.id, message.as_str())
            .await?
            .is_empty())
    }

    /// Who says it on Matrix, in the room by then.
    async fn speaker(&self, message: &Message) -> Result<Actor, Error> {
        let Some(person) = &message.sender else {
            return Ok(Actor::Bot);
        };
        let ts = Some(message.sent_at);
        ghost::speaker(self.world, self.login, person, self.room, ts).await
    }

    /// Its writer's ghost, in the room by then.
    async fn ghost(&self, message: &Message) -> Result<Actor, Error> {
        let Some(person) = &message.sender else {
            return Ok(Actor::Bot);
        };
        let ts = Some(message.sent_at);
        ghost::in_room(self.world, self.login.id, person, self.room, ts).await
    }

    /// Sends one event. Where the homeserver does not let us speak as the user, his ghost does, from then on.
    async fn say(
        &self,
        kind: &str,
        who: &mut Actor,
        message: &Message,
        part: i64,
        content: &Value,
        ts: i64,
    ) -> Result<OwnedEventId, Error> {
        let txn = self.txn(kind, who, message, part);
        match self.send(who, message, &txn, content, ts).await {
            Err(Error::Homeserver(error)) if puppet::gives_up(self.world, who, &error) => {
                *who = self.ghost(message).await?;
                let txn = self.txn(kind, who, message, part);
                self.send(who, message, &txn, content, ts).await
            }
            sent => sent,
        }
    }

    /// What shows it: one event, or more.
    async fn contents(&self, message: &Message) -> Result<Vec<Shown>, Error> {
        let names = text::MatrixNames::new(self.world, self.login);
        let texts = text::contents(message, &names, self.world.network.info());
        media::incoming::with_files(self.world, self.login.id, message, texts).await
    }

    /// Whether the user wrote it himself.
    fn is_own(&self, message: &Message) -> bool {
        message
            .sender
            .as_ref()
            .is_some_and(|sender| sender.id.as_str() == self.login.person_id)
    }

    /// What the network tells may be the echo of what is just being sent: the other lane knows soon, and nudges this one.
    async fn while_sending(&self) -> Result<Option<Outcome>, Error> {
        const AT_MOST: Duration = Duration::from_secs(2);
        let lane = Lane::ToRemote(self.portal.id);
        let sending = self.world.store.attempting_in(&lane).await?;
        Ok(sending.then_some(Outcome::Later(AT_MOST)))
    }

    /// The id of a transaction: of this kind, for this version of this part.
    fn txn(&self, kind: &str, who: &Actor, message: &Message, part: i64) -> String {
        txn(&[
            kind,
            who.user_id(self.world.names.bot()).as_str(),
            &self.portal.id.to_string(),
            self.room.as_str(),
            message.id.as_str(),
            &message.edited_at.unwrap_or_default().to_string(),
            &part.to_string(),
        ])
    }

    async fn send(
        &self,
        who: &Actor,
        message: &Message,
        txn: &str,
        content: &Value,
        ts: i64,
    ) -> Result<OwnedEventId, Error> {
        let world = self.world;
        let event = NewEvent {
            who,
            room: self.room,
            kind: "m.room.message",
            content,
            txn,
            ts: Some(ts),
            in_doubt: homeserver::InDoubt::Tell,
        };
        match world.homeserver.send(&event).await {
            // A ghost can be thrown out behind our back. It comes back once; if that does not help, it is
            // not wanted.
            Err(error) if error.is_forbidden() && !matches!(who, Actor::User(_)) => {
                let Some(person) = &message.sender else {
                    return Err(error.into());
                };
                world
                    .store
                    .set_ghost_in(person.id.as_str(), self.room.as_str(), false)
                    .await?;
                ghost::in_room(world, self.login.id, person, self.room, None).await?;
                Ok(world.homeserver.send(&event).await?)
            }
            sent => Ok(sent?),
        }
    }

    /// Looks into the room for an event that carries this part of a message.
    async fn find(&self, message: &MessageId, part: i64) -> Result<Option<OwnedEventId>, Error> {
        const NEWEST: u16 = 100;
        let world = self.world;
        let page = world
            .homeserver
            .timeline(self.room, None, Direction::Backward, &[], NEWEST)
            .await?;
        let key = world.network.info().event_key;
        let mine = |event: &&homeserver::IncomingEvent| {
            let named = event.content.get(key);
            world.names.is_by_us(event)
                && named.and_then(|it| it.get("id")).and_then(Value::as_str)
                    == Some(message.as_str())
                && named
                    .and_then(|it| it.get("part"))
                    .and_then(Value::as_i64)
                    .unwrap_or(0)
                    == part
        };
        Ok(page
            .events
            .iter()
            .find(mine)
            .map(|event| event.event_id.clone()))
    }

    fn row(&self, message: &Message, part: i64, event: &EventId, who: &Actor) -> MessageRow {
        MessageRow {
            portal_id: self.portal.id,
            remote_id: message.id.to_string(),
            part,
            event_id: event.to_string(),
            room_id: self.room.to_string(),
            sender: message
                .sender
                .as_ref()
                .map(|sender| sender.id.to_string())
                .unwrap_or_default(),
            by_us: false,
            as_user: matches!(who, Actor::User(_)),
            sent_at: message.sent_at,
            edited_at: message.edited_at,
            thread: message.thread.as_ref().map(ToString::to_string),
            deleted: false,
            digest: None,
            awaited_since: None,
        }
    }

    /// Somebody came in. Joins are dear for a homeserver, so only small rooms show everybody.
    async fn joined(&self, person: &Person) -> Result<(), Error> {
        if ghost::himself(self.world, self.login, person.id.as_str()).is_some() {
            return Ok(());
        }
        let there = self.world.store.ghosts_in(self.room.as_str()).await?;
        if there.len() < self.world.config.members_initial {
            ghost::in_room(self.world, self.login.id, person, self.room, None).await?;
        }
        Ok(())
    }

    async fn left(&self, person: &PersonId) -> Result<(), Error> {
        if self
            .world
            .store
            .ghost_in(person.as_str(), self.room.as_str())
            .await?
        {
            let ghost = Actor::Ghost(self.world.names.ghost(person)?);
            self.world.homeserver.leave(&ghost, self.room, None).await?;
            self.world
                .store
                .set_ghost_in(person.as_str(), self.room.as_str(), false)
                .await?;
        }
        Ok(())
    }

    async fn left_out(&self, key: &str) -> Result<(), Error> {
        let network = self.world.network.info().name;
        let words = line![format!(
            "More was said here than can be shown at once; {network} has what lies between."
        )];
        tell::say(self.world, self.room, key, words).await
    }

    /// It will never be shown here: says so, as far as the room still lets us.
    async fn lost(&self, what: &ToMatrix, error: Error) -> Result<Outcome, Error> {
        tracing::warn!(portal = self.portal.id, %error, "not shown on Matrix");
        let (message, what) = match what {
            ToMatrix::Message(message) => (message, "A message from"),
            ToMatrix::Changed(message) => (message, "A changed message from"),
            _ => return Ok(Outcome::done()),
        };
        let sender = message
            .sender
            .as_ref()
            .map_or("somebody", |sender| &sender.display_name);
        let why = error.sentence();
        let words = line![format!("{what} {sender} could not be shown here: {why}.")];
        tell::say(
            self.world,
            self.room,
            &format!("lost {} {:?}", message.id, message.edited_at),
            words,
        )
        .await?;
        Ok(Outcome::Failed(why))
    }
}
