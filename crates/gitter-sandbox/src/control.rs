//! The sandbox's own controls: what tests and the demo do to the world directly, and what they look up in it.

mod faults;
mod files;

use jiff::Timestamp;

pub use faults::Faults;

use crate::ids::{GroupId, MessageId, RoomId, UserId};
use crate::inner::Inner;
use crate::shared::Shared;
use crate::world::oauth_apps::PERSONAL;
use crate::world::rooms::Visibility;
use crate::world::{self, Draft, Refusal, World};

/// Changes the world as if people at other computers did, and reads what is in it. What is refused to a person is refused
/// here with the same [`Refusal`], save for rights: they are not asked for where nobody in particular acts.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    shared: &'a Shared,
}

/// A registered OAuth client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthClient {
    /// `client_id`.
    pub key: String,
    /// `client_secret`.
    pub secret: String,
    /// The only address to which browsers are sent back.
    pub redirect_uri: String,
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub from: UserId,
    /// The name the sender has now.
    pub username: String,
    /// As typed.
    pub text: String,
    /// As rendered.
    pub html: String,
    /// A `/me` message.
    pub status: bool,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// The message it replies to.
    pub parent: Option<MessageId>,
    /// People who marked it read.
    pub read_by: Vec<UserId>,
}

impl<'a> Control<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    fn act<T>(self, act: impl FnOnce(&mut World) -> T) -> T {
        self.shared.act(|inner| act(&mut inner.world))
    }

    fn act_inner<T>(self, act: impl FnOnce(&mut Inner) -> T) -> T {
        self.shared.act(act)
    }

    /// Adds a person. The provider follows from the name: `_gitlab` and `_twitter` at its end, else any `_`; without it GitHub.
    pub fn add_user(&self, username: &str, display_name: &str) -> UserId {
        self.act(|world| world.add_user(username, display_name))
    }

    /// Adds a person with a given id.
    pub fn add_user_as(&self, id: UserId, username: &str, display_name: &str) -> UserId {
        self.act(|world| world.add_user_as(id, username, display_name))
    }

    /// The person of that name, in exact case.
    pub fn user(&self, username: &str) -> Option<UserId> {
        self.act(|world| world.user_named(username).map(|user| user.id))
    }

    /// Gives a person another username.
    pub fn rename_user(&self, user: UserId, username: &str) -> Result<(), Refusal> {
        self.act(|world| world.change_user(user, |user| username.clone_into(&mut user.username)))
    }

    /// Gives a person another display name.
    pub fn set_display_name(&self, user: UserId, name: &str) -> Result<(), Refusal> {
        self.act(|world| world.change_user(user, |user| name.clone_into(&mut user.display_name)))
    }

    /// Gives a person another picture.
    pub fn change_avatar(&self, user: UserId) -> Result<(), Refusal> {
        self.act(|world| world.change_user(user, |user| user.avatar_version += 1))
    }

    /// Deletes an account; `ghost` takes its name away too.
    pub fn remove_user(&self, user: UserId, ghost: bool) -> Result<(), Refusal> {
        self.act(|world| world.remove_user(user, ghost))
    }

    /// From now on this person's messages are acknowledged and never stored.
    pub fn hellban(&self, user: UserId) -> Result<(), Refusal> {
        self.act(|world| {
            world
                .users
                .get_mut(&user)
                .map(|user| user.hellbanned = true)
                .ok_or(Refusal::NotFound)
        })
    }

    /// Adds a community.
    pub fn add_group(&self, uri: &str, name: &str, admin: UserId) -> GroupId {
        self.act(|world| world.add_group(uri, name, admin))
    }

    /// Adds a community with a given id.
    pub fn add_group_as(&self, id: GroupId, uri: &str, name: &str, admin: UserId) -> GroupId {
        self.act(|world| world.add_group_as(id, uri, name, admin))
    }

    /// Adds a room such as `acme/lobby`, and its community if there is none. The maker is its admin and first member.
    pub fn add_room(
        &self,
        uri: &str,
        visibility: Visibility,
        maker: UserId,
    ) -> Result<RoomId, Refusal> {
        self.act(|world| world.add_room(uri, visibility, maker))
    }

    /// Adds a room with a given id.
    pub fn add_room_as(
        &self,
        id: RoomId,
        uri: &str,
        visibility: Visibility,
        maker: UserId,
    ) -> Result<RoomId, Refusal> {
        self.act(|world| world.add_room_as(id, uri, visibility, maker))
    }

    /// The one-to-one room of two people, made if there is none.
    pub fn one_to_one(&self, one: UserId, other: UserId) -> Result<RoomId, Refusal> {
        self.act(|world| world.one_to_one(one, other))
    }

    /// Makes a one-to-one room with a given id.
    pub fn one_to_one_as(&self, id: RoomId, one: UserId, other: UserId) -> Result<RoomId, Refusal> {
        self.act(|world| world.one_to_one_as(id, one, other))
    }

    /// The room at that address, in any case.
    pub fn room(&self, uri: &str) -> Option<RoomId> {
        self.act(|world| world.room_at(uri).map(|room| room.id))
    }

    /// Gives the room another address; the old one answers 301 from now on.
    pub fn rename_room(&self, room: RoomId, uri: &str) -> Result<(), Refusal> {
        self.act(|world| world.rename_room(room, uri))
    }

    /// Changes the topic.
    pub fn set_topic(&self, room: RoomId, topic: &str) -> Result<(), Refusal> {
        self.act(|world| world.set_topic(room, topic))
    }

    /// Deletes the room with everything in it.
    pub fn delete_room(&self, room: RoomId) -> Result<(), Refusal> {
        self.act(|world| world.delete_room(room))
    }

    /// Makes a person an admin of the room.
    pub fn add_admin(&self, room: RoomId, user: UserId) -> Result<(), Refusal> {
        self.act(|world| {
            world
                .room_mut(room)
                .map(|room| room.admins.insert(user))
                .map(drop)
        })
    }

    /// Puts a person into the room, private or not.
    pub fn join(&self, user: UserId, room: RoomId) -> Result<(), Refusal> {
        self.act(|world| world.put_in(room, user))
    }

    /// Takes a person out of the room, which looks the same whether he leaves or is removed.
    pub fn leave(&self, user: UserId, room: RoomId) -> Result<(), Refusal> {
        self.act(|world| world.take_out(room, user))
    }

    /// Bans a person from a public room; from a private one he is removed.
    pub fn ban(&self, room: RoomId, user: UserId, by: UserId) -> Result<(), Refusal> {
        self.act(|world| world.ban(room, user, by, false).map(drop))
    }

    /// Lifts a ban.
    pub fn unban(&self, room: RoomId, user: UserId, by: UserId) -> Result<(), Refusal> {
        self.act(|world| world.unban(room, user, by))
    }

    /// The members of a room, in the order in which they joined.
    pub fn members(&self, room: RoomId) -> Result<Vec<UserId>, Refusal> {
        self.act(|world| Ok(world.room(room)?.members.clone()))
    }

    /// What is unread there for a person.
    pub fn unread(&self, user: UserId, room: RoomId) -> Result<Vec<MessageId>, Refusal> {
        self.act(|world| {
            Ok(world
                .room_mut(room)?
                .seat(user)
                .unread
                .iter()
                .copied()
                .collect())
        })
    }

    /// Says something.
    pub fn say(&self, user: UserId, room: RoomId, text: &str) -> Result<MessageId, Refusal> {
        self.send(
            user,
            room,
            Draft {
                text: text.to_owned(),
                ..Draft::default()
            },
        )
    }

    /// Does something: what the web client makes of `/me waves`, which is the text `@name waves` with `status`.
    pub fn say_status(&self, user: UserId, room: RoomId, does: &str) -> Result<MessageId, Refusal> {
        let name = self.act(|world| world.user(user).map(|user| user.username.clone()))?;
        self.send(
            user,
            room,
            Draft {
                text: format!("@{name} {does}"),
                status: true,
                ..Draft::default()
            },
        )
    }

    /// Replies in the thread below a message.
    pub fn reply(
        &self,
        user: UserId,
        room: RoomId,
        parent: MessageId,
        text: &str,
    ) -> Result<MessageId, Refusal> {
        self.send(
            user,
            room,
            Draft {
                text: text.to_owned(),
                parent: Some(parent),
                ..Draft::default()
            },
        )
    }

    fn send(self, user: UserId, room: RoomId, draft: Draft) -> Result<MessageId, Refusal> {
        self.act(|world| world.send(room, user, draft))
            .map(|message| message.id)
    }

    /// Puts a message with a given id into a room, as one that was always there: nobody is told.
    pub fn import(
        &self,
        id: MessageId,
        user: UserId,
        room: RoomId,
        text: &str,
    ) -> Result<(), Refusal> {
        self.act(|world| {
            let draft = Draft {
                text: text.to_owned(),
                ..Draft::default()
            };
            let message = world.compose(id, room, user, draft)?;
            world.room_mut(room)?.messages.insert(id);
            world.messages.insert(id, message);
            Ok(())
        })
    }

    /// Edits a message, whoever sent it and however old it is.
    pub fn edit(&self, room: RoomId, message: MessageId, text: &str) -> Result<(), Refusal> {
        self.act(|world| world.rewrite(room, message, text))
    }

    /// Deletes a message, whoever sent it. One with replies stays, blank.
    pub fn delete(&self, room: RoomId, message: MessageId) -> Result<(), Refusal> {
        self.act(|world| world.erase(room, message))
    }

    /// All messages of a room with their threads, oldest first.
    pub fn messages(&self, room: RoomId) -> Result<Vec<Message>, Refusal> {
        self.act(|world| {
            let wanted = world::history::Wanted {
                limit: usize::MAX,
                threads: true,
                ..Default::default()
            };
            Ok(world
                .history(room, &wanted)?
                .into_iter()
                .map(|message| shown(world, message))
                .collect())
        })
    }

    /// Registers an OAuth client.
    pub fn add_client(&self, name: &str, redirect_uri: &str) -> OAuthClient {
        self.act(|world| {
            let app = world.register_app(name, redirect_uri, None);
            OAuthClient {
                key: app.key,
                secret: app.secret,
                redirect_uri: app.redirect_uri,
            }
        })
    }

    /// Registers an OAuth client with a given key and secret.
    pub fn add_client_as(&self, name: &str, client: &OAuthClient) {
        self.act(|world| {
            let made = world.register_app(name, &client.redirect_uri, None);
            if let Some(app) = world.apps.iter_mut().find(|app| app.key == made.key) {
                app.key.clone_from(&client.key);
                app.secret.clone_from(&client.secret);
            }
        });
    }

    /// Lets a client post for people of other networks (`virtualUser`).
    pub fn approve_virtual_users(&self, client_key: &str) -> Result<(), Refusal> {
        self.act(|world| {
            let app = world
                .apps
                .iter_mut()
                .find(|app| app.key == client_key)
                .ok_or(Refusal::NotFound)?;
            app.virtual_users = true;
            Ok(())
        })
    }

    /// The token a person has given to a client, as if he had consented.
    pub fn token(&self, user: UserId, client_key: &str) -> Result<String, Refusal> {
        self.act(|world| world.token_for(user, client_key))
    }

    /// A person's own token, as Gitter's developer pages show it.
    pub fn personal_token(&self, user: UserId) -> Result<String, Refusal> {
        self.act(|world| world.token_for(user, PERSONAL))
    }

    /// Makes a token worthless; its realtime connections are closed.
    pub fn revoke_token(&self, token: &str) -> Result<(), Refusal> {
        self.act(|world| world.revoke_token(token))
    }

    /// Makes all of a person's tokens worthless.
    pub fn revoke_tokens(&self, user: UserId) {
        self.act(|world| {
            let theirs: Vec<String> = world
                .tokens
                .iter()
                .filter(|(_, token)| token.user == user)
                .map(|(text, _)| text.clone())
                .collect();
            for token in theirs {
                // It was there a moment ago, and nobody else holds the lock.
                let _ = world.revoke_token(&token);
            }
        });
    }

    /// Logs a person in to the web pages: the value of the `Cookie` header his browser sends from now on.
    pub fn browser_cookie(&self, user: UserId) -> String {
        self.act_inner(|inner| crate::oauth::cookie_for(inner, user))
    }

    /// The rooms which others see a person look at.
    pub fn looks_at(&self, user: UserId) -> Vec<RoomId> {
        self.act_inner(|inner| {
            let looking = inner.hub.looking();
            let his = looking.iter().filter(|(who, _)| *who == user);
            his.map(|(_, room)| *room).collect()
        })
    }

    /// An address below the web URL at which an integration can report to the room: POST `{"message": …, "meta": …}`.
    pub fn add_hook(&self, room: RoomId) -> Result<String, Refusal> {
        self.act(|world| {
            world.room(room)?;
            let hash = world.secret(40);
            world.hooks.insert(hash.clone(), room);
            Ok(format!("/api/private/hook/{hash}"))
        })
    }
}

impl std::fmt::Debug for Control<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Control")
    }
}

fn shown(world: &World, message: &world::Message) -> Message {
    Message {
        id: message.id,
        from: message.from,
        username: world
            .users
            .get(&message.from)
            .map(|user| user.username.clone())
            .unwrap_or_default(),
        text: message.text.clone(),
        html: message.html.clone(),
        status: message.status,
        sent: message.sent,
        edited_at: message.edited_at,
        parent: message.parent,
        read_by: message.read_by.iter().copied().collect(),
    }
}
