//! From what Gitter's realtime tells to the contract's events.
//!
//! To tell one more thing: its arm in [`Teller::event`].

use std::ops::ControlFlow;

use gitter::realtime::{Change, Channel, Notification, Push, Refusal, Sink};
use remote::{Event, EventSink, MessageId, PersonId, RoomId, SinkClosed};

use crate::account::GitterAccount;
use crate::fault;

/// Tells a sink what happens to an account.
pub(crate) struct Teller<'a> {
    account: &'a GitterAccount,
    sink: &'a mut dyn EventSink,
    /// What was told last of the connection.
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unknown,
    Up,
    Down,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(account: &'a GitterAccount, sink: &'a mut dyn EventSink) -> Self {
        Self {
            account,
            sink,
            state: State::Unknown,
        }
    }

    fn event(&mut self, notification: Notification) -> Option<Event> {
        match notification {
            Notification::Connected { .. } => {
                self.state = State::Up;
                // Channels which were refused may be open to him by now.
                self.account.subscribe_all();
                // Also where Gitter has resumed the old connection: what it wrote into the broken one is lost, and its
                // counter shows that only with the next message.
                Some(Event::Connected { missed: true })
            }
            Notification::Disconnected { why, .. } => {
                let first = self.state != State::Down;
                self.state = State::Down;
                first.then(|| Event::Disconnected {
                    why: fault::loss(why),
                })
            }
            Notification::Subscribed(Channel::Messages(room)) if self.state == State::Up => {
                // It stands from now on; what came between the wish and this was not told.
                Some(Event::Gap {
                    rooms: vec![id(&room)],
                })
            }
            Notification::Subscribed(_) => None,
            Notification::SubscribeRefused { channel, why } => {
                tracing::warn!(%channel, %why, "Gitter does not tell what happens there");
                if let (Refusal::NoAnswer, Some(room)) = (why, channel.room()) {
                    self.account.subscribe(&id(room));
                }
                None
            }
            Notification::Gap { room } => Some(Event::Gap {
                rooms: room.iter().map(id).collect(),
            }),
            Notification::Push(push) => self.happened(*push),
        }
    }

    fn happened(&self, push: Push) -> Option<Event> {
        let place = push.channel.room().map(id);
        match (push.change, place) {
            (Change::MessageCreated(message), Some(room)) => Some(Event::Message(Box::new(
                self.account.message(&room, &message),
            ))),
            (Change::MessageUpdated(message), Some(room)) => Some(Event::Changed(Box::new(
                self.account.message(&room, &message),
            ))),
            (Change::MessageRemoved(message), Some(room)) => Some(Event::Deleted {
                room,
                message: MessageId::from(message.as_str()),
            }),
            (Change::MemberCreated(user), Some(room)) => Some(Event::Joined {
                room,
                person: self.account.converter.person(&user),
            }),
            (Change::MemberRemoved(user), Some(room)) => Some(Event::Left {
                room,
                person: PersonId::from(user.as_str()),
            }),
            (Change::MemberUpdated(user), _) => {
                Some(Event::Person(self.account.converter.person(&user)))
            }
            // What integrations report stands beside the conversation on Gitter, not in it. Bans do, too, but concern those who
            // talk there.
            (Change::EventCreated(event), Some(room)) if event.is_about_bans() => {
                Some(Event::Happened {
                    room,
                    id: event.id.to_string(),
                    text: line(&event.text),
                })
            }
            // Mentioned in a room he is not in: that is not being in it.
            (Change::RoomCreated(room), _) if room.room_member == Some(false) => None,
            (Change::RoomCreated(room), _) => {
                let room = self.account.told(&room);
                // Back in a room whose channels Gitter closed when he left.
                self.account.subscribe(&room.id);
                Some(Event::RoomAdded(Box::new(room)))
            }
            (Change::RoomUpdated(room), place) => self.changed(id(&room.id), place.is_some()),
            (Change::RoomPatched(patch), place) if patch.topic.is_some() => {
                self.changed(id(&patch.id), place.is_some())
            }
            // That he has read part of it is not told, only how much is left (Gitter 21.15, recorded session
            // `ws_room_channels`).
            (Change::RoomPatched(patch), None) if patch.unread_items == Some(0) => {
                Some(Event::Read {
                    room: id(&patch.id),
                    up_to: None,
                })
            }
            (Change::RoomRemoved(room), _) => Some(Event::RoomRemoved(id(&room))),
            _ => None,
        }
    }

    /// A watched room tells of its changes itself, and the account's list of rooms says it once more.
    fn changed(&self, room: RoomId, by_itself: bool) -> Option<Event> {
        (by_itself || !self.account.is_watched(&room)).then_some(Event::RoomChanged(room))
    }
}

/// One line of plain text, whatever it was before.
fn line(text: &str) -> String {
    const LONGEST: usize = 500;
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(LONGEST).collect::<String>().trim().to_owned()
}

fn id(room: &gitter::RoomId) -> RoomId {
    RoomId::from(room.as_str())
}

impl Sink for Teller<'_> {
    async fn push(&mut self, notification: Notification) -> ControlFlow<()> {
        let Some(event) = self.event(notification) else {
            return ControlFlow::Continue(());
        };
        match self.sink.accept(event).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(SinkClosed) => ControlFlow::Break(()),
        }
    }
}
