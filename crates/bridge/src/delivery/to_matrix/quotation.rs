//! An answer to what is not known on Matrix: to something older than the history there, or gone. It begins with a little of what it
//! answers, read from the network where that is quick, and a link to it; what follows it in its thread is a thread of its own.

use std::{borrow::Cow, time::Duration};

use remote::{
    Fault, Message, MessageId, RichText, RoomId,
    text::{Node, Tag, plain},
};

use super::Place;
use crate::{Error, text};

/// How long the others wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// For how long nothing is read for quotations after it took too long, in milliseconds.
const REST: i64 = 60_000;

/// What became of the message that is quoted.
enum Quoted {
    Said(Box<Message>),
    Gone,
    /// Nobody could say in time.
    Unknown,
}

impl Place<'_> {
    /// The message as it is shown: with a quotation before it, if it answers what is not known here.
    pub(super) async fn quoting<'a>(
        &self,
        message: &'a Message,
    ) -> Result<Cow<'a, Message>, Error> {
        let is_answered = |id: &&MessageId| **id != message.id;
        let thread = message.thread.as_ref().filter(is_answered);
        let Some(answered) = message.reply_to.as_ref().filter(is_answered).or(thread) else {
            return Ok(Cow::Borrowed(message));
        };
        if self.thread(message).await?.is_some() {
            return Ok(Cow::Borrowed(message));
        }
        let quoted = self.quoted(answered).await;
        let mut whole = message.clone();
        whole.text = RichText {
            nodes: self.quotation(answered, &quoted),
        };
        let said = message.text.nodes.clone();
        let is_inline = |node: &Node| !matches!(node, Node::Element(it) if it.tag.is_block());
        if said.iter().all(is_inline) {
            whole.text.nodes.push(Tag::Paragraph.with(said));
        } else {
            whole.text.nodes.extend(said);
        }
        Ok(Cow::Owned(whole))
    }

    async fn quoted(&self, answered: &MessageId) -> Quoted {
        const WHAT: &str = "quotation";
        let (world, portal) = (self.world, self.portal);
        let told = &world.portals.told;
        let account = world.connections.account(self.login.id);
        let Some(account) = account.filter(|_| told.is_due(portal.id, WHAT, world.now(), REST))
        else {
            return Quoted::Unknown;
        };
        let room = RoomId::from(portal.remote_room.as_str());
        let read = tokio::time::timeout(PATIENCE, account.message(&room, answered));
        // It lives off what the account's budget leaves, so others may go on meanwhile.
        match world.lanes.meanwhile(read).await {
            Ok(Ok(message)) if message.blanked => Quoted::Gone,
            Ok(Ok(message)) => Quoted::Said(Box::new(message)),
            Ok(Err(error)) if error.fault == Fault::NotFound => Quoted::Gone,
            Ok(Err(error)) => {
                tracing::debug!(portal = portal.id, %error, "what is answered could not be read");
                Quoted::Unknown
            }
            Err(_) => {
                told.said(portal.id, WHAT, world.now());
                Quoted::Unknown
            }
        }
    }

    fn quotation(&self, answered: &MessageId, quoted: &Quoted) -> Vec<Node> {
        let (label, said) = match quoted {
            Quoted::Said(message) => {
                let sender = message.sender.as_ref();
                let name = sender.map_or("somebody", |sender| &sender.display_name);
                let names = text::MatrixNames::new(self.world, self.login);
                let said = text::shorten(&plain::render(&message.text, &names));
                (name.to_owned(), Some(said).filter(|said| !said.is_empty()))
            }
            Quoted::Gone => ("a message that was deleted".to_owned(), None),
            Quoted::Unknown => ("an earlier message".to_owned(), None),
        };
        let network = &self.world.network;
        let link = network
            .permalink(&self.portal.shown.address, answered)
            .filter(|_| !matches!(quoted, Quoted::Gone));
        let label = vec![Node::Text(label)];
        let mut words = match link {
            Some(href) => vec![Tag::Link { href, title: None }.with(label)],
            None => label,
        };
        words.extend(said.map(|said| Node::Text(format!(": {said}"))));
        vec![Tag::Quote.with(words)]
    }
}
